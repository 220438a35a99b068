"""Health, readiness, metrics and checks."""

__all__ = ["capability", "docs", "readiness", "secret_rotation", "stored_keys"]
