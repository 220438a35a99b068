"""Numbers as they are spoken and written in addresses: 12, 十二, 廿一, 一零, 幺二, 一百零三, twenty-one, 3rd."""

import re

_DIGITS = {
    character: digit
    for digit, characters in enumerate(
        ("零〇", "一壹幺", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
    )
    for character in characters
}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000}
_TWENTIES = {"廿": 20, "卅": 30}
CHINESE = "".join((*_DIGITS, *_UNITS, *_TWENTIES))  # the characters of a number, for a character class

_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINAL_ONES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_ORDINAL_TEENS = (
    "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
    "nineteenth",
)  # fmt: skip
_ENGLISH = {
    **{word: n for words in (_ONES + _TEENS, _ORDINAL_ONES + _ORDINAL_TEENS) for n, word in enumerate(words, 1)},
    **{word: 10 * n for n, word in enumerate(_TENS, 2)},
    **{f"{word[:-1]}ieth": 10 * n for n, word in enumerate(_TENS, 2)},
}
NUMBER_WORDS = frozenset(_ENGLISH)
_JOINED_TENS = rf"(?:{'|'.join(_TENS)})[ -](?:{'|'.join(_ONES)})"
_JOINED_ORDINALS = rf"(?:{'|'.join(_TENS)})[ -](?:{'|'.join(_ORDINAL_ONES)})"
# longest first: "six" is not the number of "sixteen"
CARDINAL = rf"(?:{_JOINED_TENS}|{'|'.join(sorted((*_TENS, *_TEENS, *_ONES), key=len, reverse=True))})"
ORDINAL = (
    rf"(?:{_JOINED_ORDINALS}|\d{{1,3}}(?:st|nd|rd|th)|"
    rf"{'|'.join(sorted((w for w in _ENGLISH if w not in (*_TENS, *_TEENS, *_ONES)), key=len, reverse=True))})"
)
_WRITTEN = re.compile(r"(\d+)(?:st|nd|rd|th)?")


def read_digits(word: str) -> str | None:
    """The digits of a number as it stands on a door, leading zeros kept; None: not a number. Numerals are taken one by
    one (三零二: 302) unless one of them is a ten, a hundred or a thousand (一百零三: 103)."""
    if word.isascii():
        if word.isdigit():
            return word
        if written := _WRITTEN.fullmatch(word):
            return written[1]
        values = [_ENGLISH.get(part) for part in re.split("[ -]", word)]
        known = [value for value in values if value is not None]
        return str(sum(known)) if known and len(known) == len(values) else None
    if not any(c in _UNITS or c in _TWENTIES for c in word):
        return "".join(str(_DIGITS.get(c, c)) for c in word) if all(c in _DIGITS or c.isdigit() for c in word) else None
    total, digit = 0, 0
    for character in word:
        if character in _UNITS:
            total += (digit or 1) * _UNITS[character]
            digit = 0
        elif character in _TWENTIES:
            total += _TWENTIES[character]
            digit = 0
        elif character in _DIGITS:
            digit = _DIGITS[character]
        elif character.isdigit():
            digit = 10 * digit + int(character)
        else:
            return None
    return str(total + digit)


def read_number(word: str) -> str | None:
    """The number of a building, unit or floor, without leading zeros. None: not a number, or zero."""
    digits = read_digits(word)
    return (digits.lstrip("0") or None) if digits is not None else None


def read_approximate(word: str) -> tuple[str, ...]:
    """三四 (three or four) as both numbers: two neighbours of one digit each, said without a ten; else the number
    alone."""
    if len(word) == 2 and all(c in _DIGITS and c not in "零〇幺" for c in word):
        first, second = (_DIGITS[c] for c in word)
        if second == first + 1:
            return str(first), str(second)
    number = read_number(word)
    return () if number is None else (number,)


def spell_number(number: int) -> str:
    """1-99 in Chinese numerals: 21 as 二十一."""
    tens, ones = divmod(number, 10)
    digits = "零一二三四五六七八九"
    return f"{digits[tens] if tens > 1 else ''}{'十' if tens else ''}{digits[ones] if ones else ''}"
