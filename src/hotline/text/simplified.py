"""Traditional Chinese characters to simplified ones, by OpenCC's dictionaries (decision 0041): for matching alone, as
people are shown what was written. And names of a directory in traditional characters, for who writes them."""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from opencc import OpenCC

# OpenCC converts by phrase and would make 打坯 of the simplified 打坏, so only its table of characters is used. These
# it converts within phrases alone (瞭解, 答覆, 藉口, 沈沒, 甦醒); in a form for matching it may be done everywhere.
_ONLY_IN_PHRASES = {"瞭": "了", "覆": "复", "藉": "借", "沈": "沉", "甦": "苏"}
# the BMP's ideographs; those beyond it are too rare to pay 60 ms and 8 MB of every process for
_IDEOGRAPHS = "".join(map(chr, (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))))
_PIECE = 500  # characters converted at once: all together would leave 5 MB more with the process


class _Characters(NamedTuple):
    """`traditional` finds whether there is anything to convert, ten times as quickly as converting does."""

    traditional: re.Pattern[str]
    simplified: dict[int, int]  # as numbers, which take a third of the memory of text


@cache
def _characters() -> _Characters:
    """Made once for a process: 60 ms and 9 MB."""
    from opencc import OpenCC  # 13 ms that `hotline --help` need not spend

    found: dict[str, str] = {}
    for standard in ("t2s", "hk2s", "tw2s"):  # the last two know what Hong Kong and Taiwan write otherwise: 衞, 著
        converter, ends = OpenCC(standard), frozenset(found.values())
        for at in range(0, len(_IDEOGRAPHS), _PIECE):
            written = _IDEOGRAPHS[at : at + _PIECE]
            for character, simple in zip(written, converter.convert("\n".join(written)).split("\n"), strict=True):
                # 么 is the simplified form of 麼, and Taiwan's form of 幺
                if simple != character and len(simple) == 1 and character not in ends:
                    found.setdefault(character, simple)
    found |= _ONLY_IN_PHRASES
    for character, simple in found.items():
        found[character] = found.get(simple, simple)  # 薴 to 苧, and 苧 to 苎
    return _Characters(re.compile(f"[{''.join(found)}]"), {ord(c): ord(simple) for c, simple in found.items()})


def load_tables() -> None:
    """Read OpenCC's tables now, so that no text waits for them."""
    _characters()


def has_traditional(text: str) -> bool:
    """Whether `to_simplified` changes it."""
    return not text.isascii() and _characters().traditional.search(text) is not None


def to_simplified(text: str) -> str:
    """Each traditional character as its simplified form, whatever stands beside it: as many characters as before."""
    return text.translate(_characters().simplified) if has_traditional(text) else text


class _Forms(NamedTuple):
    """Characters that stand in texts of one form alone."""

    traditional: frozenset[str]
    simplified: frozenset[str]


@cache
def _forms() -> _Forms:
    """A traditional character that GB 2312 has too (著, 乾, 於) is written in both forms, like a simplified one that
    Big5 has (后, 里, 台)."""
    pairs = _characters().simplified
    return _Forms(
        frozenset(c for c in map(chr, pairs) if not _is_in(c, "gb2312")),
        frozenset(c for c in map(chr, pairs.values()) if not _is_in(c, "big5")),
    )


def _is_in(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def written_in_traditional(text: str) -> bool | None:
    """Whether a Chinese text is written in traditional characters: where more of them stand in it than of those that
    only simplified texts have. None: nothing in it tells."""
    if text.isascii():
        return None
    forms = _forms()
    traditional = sum(c in forms.traditional for c in text)
    simplified = sum(c in forms.simplified for c in text)
    return None if traditional == simplified else traditional > simplified


@lru_cache(maxsize=1024)
def to_traditional(name: str) -> str:
    """A name in traditional characters, as Taiwan and our catalogue write them, by phrase: 电梯 as 電梯, 面条 as 麵條,
    里面 as 裡面."""
    return str(_to_traditional().convert(name))


@cache
def _to_traditional() -> "OpenCC":
    from opencc import OpenCC

    return OpenCC("s2tw")
