"""Service levels: policies, timers, escalation."""

__all__ = ["jobs", "policies", "store"]
