"""What callers send and what they see."""
