"""The policy decision point for AI agents."""
