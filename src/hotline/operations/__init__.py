"""Health, readiness, metrics and checks."""

__all__ = ["capability", "docs", "readiness", "stored_keys"]
