"""Texts to and from residents."""

__all__ = [
    "backfill",
    "capability",
    "contract",
    "incoming",
    "model",
    "outgoing",
    "providers",
    "receiving",
    "store",
    "tables",
]
