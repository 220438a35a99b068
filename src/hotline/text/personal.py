"""Finds what names a person in free text: numbers long enough to be a phone's, however they are spaced."""

import re

from hotline.text.normalisation import normalise_text

SHORTEST_NUMBER = 7  # digits
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
