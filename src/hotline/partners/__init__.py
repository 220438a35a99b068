"""Orders of other hotlines."""

__all__ = ["capability", "platforms"]
