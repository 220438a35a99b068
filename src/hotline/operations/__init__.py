"""Health, readiness, metrics and checks."""

__all__ = ["capability", "docs", "readiness", "settings_log", "stored_keys"]
