"""Service levels: policies, timers, escalation."""

__all__ = ["escalation", "policies", "store"]
