"""Audit: reads, ships and verifies what the security log and the timelines hold."""

__all__ = ["capability", "redactions", "verification"]
