"""What the hotline does, in verbs."""
