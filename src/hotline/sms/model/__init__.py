"""Rules of texts: templates, what a text asks for, which gateway carries the next."""

__all__ = ["status"]
