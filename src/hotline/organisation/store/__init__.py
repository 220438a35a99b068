"""Queries of the directory, people and credentials."""

__all__ = ["directory", "duty_feeds", "outlines", "people", "second_factors", "sessions"]
