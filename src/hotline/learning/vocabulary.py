"""The vocabulary of learning."""

from enum import StrEnum


class ModelState(StrEnum):
    """How far the version in use counts."""

    SHADOW = "shadow"  # recorded beside the rules
    ACTING = "acting"  # may decide the category
