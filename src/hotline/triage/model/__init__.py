"""Pure rules of triage: what a text says of danger, place, category and kind."""

__all__ = ["advice", "advising", "lexicon", "opinion", "places", "same_matter", "titles"]
