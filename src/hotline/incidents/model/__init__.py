"""The rules of incidents: their life, what belongs to one, and its code. The standard library alone."""

__all__ = ["vocabulary"]
