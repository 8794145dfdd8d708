"""Who is calling: ways to verify the peer on a connection."""
