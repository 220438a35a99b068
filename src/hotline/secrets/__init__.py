"""Secrets that must be used again, sealed."""

__all__ = ["secret_box", "secret_file"]
