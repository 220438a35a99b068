"""Texts to and from residents."""

__all__ = [
    "backfill",
    "capability",
    "outgoing",
    "providers",
    "tables",
]
