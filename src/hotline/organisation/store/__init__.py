"""Queries of the directory, people and credentials."""

__all__ = ["directory", "people", "second_factors", "sessions"]
