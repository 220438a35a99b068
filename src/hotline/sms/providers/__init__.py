"""One file per SMS provider."""

__all__ = ["kannel"]
