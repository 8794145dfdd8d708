"""Cerbos as a peer: fetched by npm, with a policy comparable to the built-in bundle."""
