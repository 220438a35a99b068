"""Incidents: many calls about one matter, handled as one."""

__all__ = ["cache", "capability", "model", "tables"]
