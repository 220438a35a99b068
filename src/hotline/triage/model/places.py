"""The place that a text names."""

from collections.abc import Mapping, Sequence

from hotline.text.normalisation import is_latin
from hotline.text.reasons import Because
from hotline.triage.model.lexicon import Lexicon


def find_area(
    lexicon: Lexicon, searched_text: str, found_words: Mapping[str, Sequence[int]], because: list[Because]
) -> str | None:
    """The smallest place named, and of places that lie in each other the inner one; longest names first. `found_words`:
    words and where they begin."""
    found: dict[str, str] = {}
    covered = bytearray(len(searched_text))  # what a longer name stands for
    for name in sorted((n for n in found_words if n in lexicon.places), key=lambda n: (-len(n), n)):
        code = lexicon.places[name]
        for at in found_words[name] if code else ():
            end = at + len(name)
            # building 1 is not building 21, and "north" is not "northern"
            before = name[0].isascii() and is_latin(searched_text[at - 1 : at]) and not covered[at - 1]
            after = name[-1].isascii() and is_latin(searched_text[end : end + 1]) and not covered[end]
            if before or after or covered.find(1, at, end) >= 0:
                continue
            covered[at:end] = b"\x01" * len(name)
            found.setdefault(code, name)
    if not found:
        return None
    inner = max(found, key=lambda code: (lexicon.depth.get(code, 0), code))
    outside = [c for c in found if c not in lexicon.directory.area_path(inner)]
    if any(lexicon.depth.get(c, 0) >= lexicon.depth.get(inner, 0) for c in outside):
        common = set.intersection(*(set(lexicon.directory.area_path(c)) for c in found))
        inner = max(common, key=lambda code: lexicon.depth.get(code, 0), default="")
        because.append(Because("area:several", tuple(found.values())))
        return inner or None
    because.append(Because(f"area:{inner}", tuple(found.values())))
    return inner
