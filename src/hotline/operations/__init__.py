"""Health, readiness, metrics and checks."""

__all__ = ["capability", "docs", "processes", "readiness", "settings_log", "stored_keys"]
