"""Directory, accounts and duty over HTTP."""

__all__ = ["accounts", "directory", "duty", "own_password", "second_factors", "sessions"]
