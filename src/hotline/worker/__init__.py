"""Jobs that serve more than one capability."""

__all__ = ["jobs", "upkeep"]
