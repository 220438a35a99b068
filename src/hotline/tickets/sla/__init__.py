"""Service levels: policies, timers, escalation."""

__all__ = ["policies", "store"]
