"""Directory, accounts and duty over HTTP."""

__all__ = ["accounts", "directory", "duty", "second_factors", "sessions"]
