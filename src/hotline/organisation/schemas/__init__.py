"""What callers see of the directory, people, keys and duty."""

__all__ = ["accounts", "duty", "second_factors"]
