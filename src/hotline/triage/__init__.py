"""Triage of narratives."""

__all__ = ["model"]
