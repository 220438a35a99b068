"""Text as people and systems write it: normal forms, phone numbers, times, ticket numbers."""

__all__ = [
    "bidi",
    "charsets",
    "gap_patterns",
    "normalisation",
    "numbering",
    "personal",
    "phone_parsing",
    "phones",
    "pinyin",
    "reasons",
    "simplified",
    "sounds",
    "spreadsheet_cells",
    "strict_json",
    "timestamps",
    "typed_pinyin",
    "word_finder",
]
