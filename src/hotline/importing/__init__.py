"""Import of tickets that another system exported."""

__all__ = ["capability", "mapping", "service"]
