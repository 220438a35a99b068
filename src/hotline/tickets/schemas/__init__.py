"""What callers send and see of tickets."""

__all__ = ["briefs", "calls", "filters", "sla", "tickets", "timeline"]
