"""Calls on the exchange: events into calls, screen pops, return calls, figures of the call centre."""

__all__ = ["capability", "service", "tables", "vocabulary"]
