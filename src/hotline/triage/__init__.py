"""What a narrative is about."""

__all__ = ["model"]
