"""The Open311 surface over HTTP, one module for each thing that is asked."""

__all__ = ["application"]
