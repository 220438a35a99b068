"""One shadow form for matching and searching: invisible marks and control characters gone, width and case folded,
traditional to simplified, numerals to digits.

The text people wrote is never changed; only its shadow is looked at. Nothing here takes more than linear time.
"""

import re
import unicodedata
from functools import lru_cache
from operator import add

from hotline.text.simplified import has_traditional, to_simplified

# Raise it when some text folds to another form than before, and let `folds_anew` say which: search indexes hold folded
# words, and the worker then indexes those tickets anew. 2: every traditional character, by
# OpenCC; digits of every kind.
FOLD_VERSION = 2

_DIGITS = {
    c: d
    for d, chars in enumerate(("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for c in chars
}
# The look-behind keeps this linear: a run of numerals is tried once, from its beginning. It stands behind the first
# character, as a search for a character is three times as quick as one for a look-behind.
_NUMERAL = re.compile(
    r"[零〇一二三四五六七八九十百](?<![零〇一二三四五六七八九十百].)[零〇一二三四五六七八九十百]*"
    r"(?=[栋幢号单元楼层室村期区组门路环街])",
    re.DOTALL,
)
_CJK = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")
# Default_Ignorable_Code_Point (Unicode 16, DerivedCoreProperties.txt), the format characters (Cf) beside it, the
# control characters that do not part words, the Braille cell without a dot, and what is no character at all
_IGNORED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufdd0-\ufdef\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# marks that are put over a character: the accent of a letter is part of it after NFKC, what is left is decoration
_MARKS_OVER = (
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u302a-\u302f"
    "\u3099\u309a\ua670-\ua672\ufe20-\ufe2f]+"
)
# digits that NFKC leaves as they are: ➀ ❶ ⓵ and those of other scripts
_DIGITS_OF_SCRIPTS = {
    code: str(unicodedata.digit(chr(code)))
    for code in range(0x80, 0x10000)
    if unicodedata.digit(chr(code), None) is not None and unicodedata.normalize("NFKC", chr(code)) == chr(code)
}
_OTHER_DIGIT = re.compile(f"[{''.join(map(chr, _DIGITS_OF_SCRIPTS))}]")
_MARK_OVER = re.compile(_MARKS_OVER)
_OVER = re.compile(rf"(?<=[0-9A-Za-z{_CJK}]){_MARKS_OVER}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SENTENCE = re.compile(r"[。!?;\n]+|\.\s")
_BLANKS = re.compile(r"\s+")
_BESIDE_CJK = re.compile(rf"(?<=[{_CJK}]) | (?=[{_CJK}])")
_VISIBLE = re.compile(rf"[0-9A-Za-z{_CJK}]")
# The marks of a Chinese sentence as NFKC writes them. Where they stood, it takes every character apart and puts it
# together again: 20 times as long as to see that a text is in that form already.
_WIDE_MARKS = tuple(zip("，！？：；（）", ",!?:;()", strict=True))
# what most narratives are made of throughout: of this only the wide marks have another form
_PLAIN = re.compile(rf"[ -~\u3001\u3002\u4e00-\u9fff{''.join(wide for wide, _ in _WIDE_MARKS)}]*")
MOST_TERMS = 2000  # of one text; far above 4,000 characters of prose


def normalise_text(text: str) -> str:
    """A text without what nobody sees: invisible marks and control characters gone, every kind of line break one "\\n",
    width folded (NFKC), enclosed digits and those of other scripts as 0-9. Case and words stay as they are."""
    if _PLAIN.fullmatch(text):
        return narrow_marks(text)
    seen = unicodedata.normalize("NFKC", narrow_marks("\n".join(_IGNORED.sub("", text).splitlines())))
    plain = _OVER.sub("", seen) if _MARK_OVER.search(seen) else seen
    return plain.translate(_DIGITS_OF_SCRIPTS) if _OTHER_DIGIT.search(plain) else plain


def narrow_marks(text: str) -> str:
    """The marks of a Chinese sentence as NFKC writes them, one character for each."""
    for wide, folded in _WIDE_MARKS:
        text = text.replace(wide, folded)
    return text


def replace_lone_surrogates(text: str) -> str:
    """With U+FFFD for each lone surrogate, as an emoji cut in two leaves it: no database takes one."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def is_blank(text: str) -> bool:
    """Whether there is nothing to be seen in it."""
    return _VISIBLE.search(text) is None and not normalise_text(text).strip()


@lru_cache(maxsize=512)  # a narrative is folded for triage, and again for the search index
def fold_text(text: str) -> str:
    """The shadow of a text, in one line: a blank or a line break beside a Chinese character parts no word, any other is
    one blank. Not of the same length; never shown to anybody."""
    return _numerals(fold_characters(text))


@lru_cache(maxsize=512)  # the places of a narrative are read from it too
def fold_characters(text: str) -> str:
    """The shadow of a text as `fold_text` makes it, with its numerals as they were written."""
    return join_broken_words(_simple(text))


def folds_anew(text: str) -> bool:
    """Whether this version may fold the text otherwise than the version before it."""
    return has_traditional(normalise_text(text)) or _OTHER_DIGIT.search(text) is not None


def fold_sentences(text: str) -> list[str]:
    """The shadow of each of its sentences. A line break ends one."""
    return [_numerals(join_broken_words(s)) for s in _SENTENCE.split(_simple(text)) if s]


def join_broken_words(text: str) -> str:
    """Without the blanks and line breaks beside Chinese characters: a word broken by one is whole again."""
    if text.split(maxsplit=1) == [text]:  # there is none
        return text
    text = _BLANKS.sub(" ", text)
    return _BESIDE_CJK.sub("", text) if " " in text else text


def _simple(text: str) -> str:
    return to_simplified(normalise_text(text).casefold())


def _numerals(text: str) -> str:
    return _NUMERAL.sub(lambda m: _arabic(m[0]), text)


def _arabic(numeral: str) -> str:
    if "十" not in numeral and "百" not in numeral:
        return "".join(str(_DIGITS[c]) for c in numeral)
    total, digit = 0, 0
    for c in numeral:
        if c in "十百":
            total += (digit or 1) * (10 if c == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[c]
    return str(total + digit)


def index_terms(*texts: str | None) -> list[str]:
    """What a text can be found by: pairs of neighbouring CJK characters, the last one of each run alone, and whole words.

    A one-character query asks for terms that begin with it: every character begins a pair or ends a run."""
    found: list[str] = []
    for text in texts:
        for run in _RUN.findall(fold_text(text or "")):
            if _IS_CJK.match(run):
                found.extend(map(add, run, run[1:]))
                found.append(run[-1])
            else:
                found.append(run[:40])
    return list(dict.fromkeys(found))[:MOST_TERMS]


def query_terms(query: str) -> list[tuple[str, bool]]:
    """The terms a query asks for, all of which must be there; True: as a beginning."""
    wanted: dict[tuple[str, bool], None] = {}
    # in a search the blank between words is kept, unlike in a narrative
    for run in (run for word in _simple(query).split() for run in _RUN.findall(_numerals(word))):
        if not _IS_CJK.match(run):
            wanted[(run[:40], True)] = None
        elif len(run) == 1:
            wanted[(run, True)] = None
        else:
            wanted.update(dict.fromkeys((run[i : i + 2], False) for i in range(len(run) - 1)))
    return list(wanted)


def is_latin(character: str) -> bool:
    """Whether it is one of a-z and 0-9; "" is not."""
    return character.isascii() and character.isalnum()
