"""A process of its own that reads large outputs, and how it is asked."""
