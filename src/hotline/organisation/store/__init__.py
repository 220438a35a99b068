"""Queries of the directory, people and credentials."""

__all__ = ["directory", "duty_feeds", "people", "second_factors", "sessions"]
