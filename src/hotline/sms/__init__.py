"""Texts to and from residents."""

__all__ = [
    "capability",
    "contract",
    "incoming",
    "model",
    "outgoing",
    "receiving",
    "store",
    "tables",
]
