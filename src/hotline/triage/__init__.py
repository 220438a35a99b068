"""Triage of narratives."""

__all__ = ["meaning", "model"]
