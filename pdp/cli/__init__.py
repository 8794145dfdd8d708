"""The commands of `pdp`, one module each; `main` puts them together."""
