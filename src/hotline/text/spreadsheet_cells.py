"""Escapes cells of spreadsheets, so that a resident's words are never run as a formula."""

from typing import Any

_RUN = ("=", "+", "-", "@", "\t", "\r", "\x00")  # a cell that begins so is run, by one program or another


def escape_formula(cell: Any) -> Any:
    """The cell as text, if a program would run it."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in _RUN else cell
