"""Health, readiness, metrics and checks."""
