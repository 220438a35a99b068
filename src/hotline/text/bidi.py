"""Isolates text that people wrote, so that neither its control marks nor right-to-left script reorder the text beside
it. static/core.js of the console does the same."""

import re

_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066\u2067]")  # embeddings, overrides and marks of direction
_ISOLATES = re.compile("[\u2068\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")
_FIRST_STRONG, _POP = "\u2068", "\u2069"


def isolate_text(text: str) -> str:
    """The text without marks of direction; where letters in it go from right to left, as a directional isolate (UAX 9:
    FSI … PDI). What is isolated already stays as it is."""
    text = _MARKS.sub("", text)
    if not _ISOLATES.search(text) and not _RIGHT_TO_LEFT.search(text):
        return text
    kept, depth, closed = [], 0, 0
    for place, character in enumerate(text):
        if character == _POP:
            if depth == 0:
                continue
            depth -= 1
            if depth == 0 and not closed:
                closed = place + 1
        elif character == _FIRST_STRONG:
            depth += 1
        kept.append(character)
    isolated = "".join(kept) + _POP * depth
    if not _RIGHT_TO_LEFT.search(isolated) or (text.startswith(_FIRST_STRONG) and closed in (0, len(text))):
        return isolated
    return f"{_FIRST_STRONG}{isolated}{_POP}"
