"""The live stream of events."""

__all__ = ["capability", "service", "store"]
