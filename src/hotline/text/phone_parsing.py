"""Parses a dialled or typed number into one that identifies a caller."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import phonenumbers

from hotline.text.normalisation import normalise_text
from hotline.text.phones import (
    LONGEST_NUMBER,
    LONGEST_RAW,
    ParsedPhone,
    is_service_number,
    is_withheld,
    number_candidates,
    sip_user,
    split_extension,
    split_last_group,
    strip_phone_punctuation,
)

# nearly every caller; the library takes fifty times as long to say so
_MOBILE = re.compile(r"(?:\+?86|0086)?1[3-9][0-9]{9}")
_COUNTRY = re.compile(r"\+?0{0,4}86(?=[0-9]{5})")
_NEIGHBOURS = ("852", "853", "886")  # written without a plus by callers of a Chinese hotline
UNREADABLE = "cannot be read as a telephone number; kept as words"
READ_IN_PART = "only a part could be read as a telephone number; the words are kept"


def parse_phone(raw: str | None, region: str, area_code: str) -> ParsedPhone:
    """Read a number field: E.164 for real ones, digits for short codes; a local number gets the area code. Never
    refuses: `unread` says what could not be read. Of the field itself LONGEST_RAW characters are kept."""
    return _parse(raw and raw[:LONGEST_RAW], region, area_code)


@lru_cache(maxsize=4096)
def _parse(raw: str | None, region: str, area_code: str) -> ParsedPhone:
    if raw is None or is_withheld(raw):
        return ParsedPhone(None, raw, caller=False)
    text = sip_user(normalise_text(raw).strip())
    if len(text) > LONGEST_NUMBER:
        return ParsedPhone(None, raw, caller=False, unread=UNREADABLE)
    if found := _parse_single_number(text, region, area_code):
        return replace(found, raw=raw)
    for part in number_candidates(text):
        if part != text and (found := _parse_single_number(part, region, area_code)) and found.caller:
            return replace(found, raw=raw, unread=READ_IN_PART)
    return ParsedPhone(None, raw, caller=False, unread=UNREADABLE)


def _parse_single_number(text: str, region: str, area_code: str) -> ParsedPhone | None:
    """A field that holds one number, with or without an extension. None: it does not."""
    if found := _number(strip_phone_punctuation(text), region, area_code):
        return found
    for split in (split_extension(text), split_last_group(text)):
        if split and (found := _number(strip_phone_punctuation(split[0]), region, area_code)):
            return replace(found, extension=split[1])
    return None


def _number(digits: str, region: str, area_code: str) -> ParsedPhone | None:
    digits = digits.removeprefix("+86") if digits.startswith("+86+") else digits
    if not digits.removeprefix("+").isdigit() or not digits.isascii():
        return None
    if region == "CN" and _MOBILE.fullmatch(digits):
        return ParsedPhone(f"+86{digits[-11:]}", None, caller=True)
    for number in (digits, _within_china(digits)) if region == "CN" else (digits,):
        if is_service_number(number):
            return ParsedPhone(number, None, caller=False)
    for number in _readings(digits, region, area_code):
        if (e164 := _valid(number, region)) is not None:
            return ParsedPhone(e164, None, caller=True)
    return None


def _readings(digits: str, region: str, area_code: str) -> Iterator[str]:
    """The ways in which these digits could be meant, the likeliest first."""
    if region != "CN":
        yield digits
        return
    if len(digits) in (7, 8) and digits[0] in "2345678":
        yield f"0{area_code}{digits}"
    yield digits
    if digits.startswith("+"):
        yield f"+86{_within_china(digits)}"  # +086, +0086
        return
    if digits.startswith("86"):
        yield f"+{digits}"
    if digits.startswith(_NEIGHBOURS):
        yield f"+{digits}"
    for prefix in ("90", "9", "0"):  # an outside line was dialled first
        rest = digits.removeprefix(prefix)
        if rest == digits:
            continue
        if _MOBILE.fullmatch(rest) or rest.startswith("0"):
            yield rest
        elif len(rest) in (7, 8) and rest[0] in "2345678":
            yield f"0{area_code}{rest}"


def _within_china(digits: str) -> str:
    found = _COUNTRY.match(digits)
    return digits[found.end() :] if found else digits


def _valid(digits: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
