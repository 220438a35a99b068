"""Secrets that must be used again, sealed."""

__all__ = ["sealed_state", "secret_box", "secret_file"]
