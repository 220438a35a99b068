"""What a narrative is about."""
