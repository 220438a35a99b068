"""Orders of other hotlines."""
