"""Finds what names a person in free text: numbers long enough to be a phone's, however they are spaced; and takes a
person out of it."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hotline.text.normalisation import normalise_text
from hotline.text.numbering import parse_number
from hotline.text.phones import strip_phone_punctuation

SHORTEST_NUMBER = 7  # digits
ERASED_TEXT = "[已删除 erased]"  # where personal text stood
_DIGITS = "0-9零〇一幺二两三四五六七八九"
# with those that folding makes digits of: in circles, raised, lowered
_ANY_DIGIT = re.compile(r"[\d零〇一幺二两三四五六七八九²³¹⁰-₉①-⓿❶-➓]")
_NUMBER = re.compile(rf"\+?[{_DIGITS}](?:[ ()·.–—/-]{{0,3}}[{_DIGITS}]){{{SHORTEST_NUMBER - 1},}}")
_NOT_DIGITS = re.compile(r"[^0-9]")
_SPOKEN = str.maketrans("零〇一幺二两三四五六七八九", "0011223456789")
_NATIONAL = 11  # digits of a mobile number; what stands before them is the code of the country


def number_key(number: str) -> str:
    """A number as it is looked for: its digits, without the code of a country before a mobile number."""
    digits = _NOT_DIGITS.sub("", number.translate(_SPOKEN)).removeprefix("00")
    return digits[-_NATIONAL:] if len(digits) > _NATIONAL else digits


def part_numbers(text: str) -> tuple[str, list[str]]:
    """The text without its long numbers, and these as `number_key` gives them."""
    if len(_ANY_DIGIT.findall(text)) < SHORTEST_NUMBER:
        return text, []
    plain = normalise_text(text)
    found = _NUMBER.findall(plain)
    return (_NUMBER.sub(" ", plain), [number_key(each) for each in found]) if found else (text, [])


_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_RUN_OF_DIGITS = re.compile(rf"[0-9]{{{SHORTEST_NUMBER},}}")


def holds_long_number(text: str) -> bool:
    """Whether it holds a number as long as a phone's, however its digits are parted, and not the number of a ticket. A
    mobile number is one also where its last digit would check the others."""
    found = [*part_numbers(text)[1], *_RUN_OF_DIGITS.findall(strip_phone_punctuation(text))]
    return any(_MOBILE.fullmatch(number) or parse_number(number) is None for number in found)


def hide_long_numbers(text: str) -> str:
    """The text with three stars for each number as long as a phone's; numbers of tickets stay."""
    if not holds_long_number(text):
        return text

    def hidden(found: re.Match[str]) -> str:
        is_mobile = _MOBILE.fullmatch(number_key(found[0])) is not None
        return found[0] if not is_mobile and parse_number(number_key(found[0])) is not None else "***"

    shown = _NUMBER.sub(hidden, text)
    return _NUMBER.sub(hidden, normalise_text(text)) if holds_long_number(shown) else shown


def replace_person(text: str, numbers: Collection[str], names: Collection[str], by: str) -> str:
    """The text without these numbers, however they are written, and these names. A text with none of them is returned
    as it is. `numbers`: as `number_key` gives them."""
    plain = text
    # as it is written; only where that is not enough, with all forms of digits made one
    for form in (str, normalise_text):
        if numbers and any(_is_of(each, numbers) for each in part_numbers(plain)[1]):
            plain = _NUMBER.sub(lambda m: by if _is_of(number_key(m[0]), numbers) else m[0], form(plain))
    for name in (*numbers, *names):
        plain = plain.replace(name, by)
    return plain


def _is_of(number: str, numbers: Collection[str]) -> bool:
    return number in numbers or any(each in number for each in numbers)


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """Who is taken out. `pseudonym` takes the place of the caller's id, so that calls are still counted as one
    caller's; `numbers` as `number_key` gives them; `names`: names and other contacts as they were given."""

    id: str
    pseudonym: str
    numbers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def scrub(self, value: Any) -> Any:
        """A text, or a document with the texts in it, without the person's numbers and names."""
        if isinstance(value, str):
            return replace_person(value, self.numbers, self.names, ERASED_TEXT)
        if isinstance(value, Mapping):
            return {key: self.scrub(inner) for key, inner in value.items()}
        return [self.scrub(each) for each in value] if isinstance(value, list | tuple) else value
