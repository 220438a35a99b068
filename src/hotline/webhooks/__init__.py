"""Webhooks: events sent to subscribers."""

__all__ = ["capability", "openapi", "schemas", "tables"]
