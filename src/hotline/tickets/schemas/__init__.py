"""What callers send and see of tickets."""

__all__ = ["actions", "briefs", "calls", "tickets", "timeline"]
