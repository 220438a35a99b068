"""The places that a text names: buildings, units, floors and rooms, and the names of a directory."""

__all__ = ["cues", "grammar", "other_estates", "parts", "reader"]
