"""Health, readiness, metrics and checks."""

__all__ = ["capability", "docs", "readiness", "secret_rotation", "settings_log", "stored_keys"]
