"""Telling other systems of events."""

__all__ = ["capability", "openapi", "schemas", "tables"]
