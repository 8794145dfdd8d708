"""A short story that a real service decides: what `pdp demo` plays."""
