"""What came in and waits for somebody to look at it."""

__all__ = ["capability"]
