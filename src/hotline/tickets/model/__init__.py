"""Rules and types of tickets. Standard library only."""
