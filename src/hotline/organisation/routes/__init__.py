"""Directory, accounts and duty over HTTP."""

__all__ = ["accounts", "calendars", "directory", "duty", "duty_feeds", "own_password", "second_factors", "sessions"]
