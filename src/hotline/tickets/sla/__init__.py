"""Service levels: policies, timers, escalation."""

__all__ = ["escalation", "next_clock", "policies", "store"]
