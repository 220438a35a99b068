"""Texts to and from residents."""

__all__ = [
    "capability",
    "outgoing",
    "providers",
    "receiving",
    "store",
    "tables",
]
