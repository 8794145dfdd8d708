"""Measures the service beside its peers, and where its time goes: `make bench`."""
