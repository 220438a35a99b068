"""Texts to and from residents."""

__all__ = ["capability", "tables"]
