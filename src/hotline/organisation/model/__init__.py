"""Rules and types of the organisation. Standard library only."""
