"""Text as people and systems write it: normal forms, phone numbers, times, ticket numbers."""

__all__ = [
    "bidi",
    "charsets",
    "normalisation",
    "numbering",
    "phone_parsing",
    "phones",
    "reasons",
    "simplified",
    "spreadsheet_cells",
    "strict_json",
    "timestamps",
]
