"""Pure rules of triage: what a text says of danger, place, category and kind."""

__all__ = ["advice", "advising", "guidance", "households", "lexicon", "opinion", "places", "same_matter", "titles"]
