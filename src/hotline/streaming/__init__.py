"""The live stream of events."""

__all__ = ["capability", "schemas", "service", "store"]
