"""Values and rules of the decision, without I/O."""
