"""From what was dialled or typed to a number that identifies a caller."""

import hmac
import re
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

import phonenumbers

from hotline.domain.phones import is_service, is_withheld, plain
from hotline.domain.ticket import Refusal, Refused
from hotline.domain.vocabulary import Code

_MOBILE = re.compile(
    r"(?:\+?86|0086)?1[3-9][0-9]{9}"
)  # nearly every caller; the library takes fifty times as long to say so


@dataclass(frozen=True, slots=True)
class Heard:
    """What a number field means. `phone` None: withheld. `caller` False: a service number, kept, but nobody's card."""

    phone: str | None
    raw: str | None
    caller: bool


@lru_cache(maxsize=4096)
def heard(raw: str | None, region: str, area_code: str) -> Heard:
    """Read a number: E.164 for real ones, digits for short codes; a local number gets the area code. Refused where
    impossible."""
    if raw is None or is_withheld(raw):
        return Heard(None, raw, caller=False)
    digits = plain(raw)
    if is_service(digits):
        return Heard(digits, raw, caller=False)
    if region == "CN" and digits.isdigit() and len(digits) == 8 and digits[0] in "2345678":
        digits = f"0{area_code}{digits}"
    if region == "CN" and _MOBILE.fullmatch(digits):
        return Heard(f"+86{digits[-11:]}", raw, caller=True)
    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise Refused(
            Refusal(
                Code.INVALID, "the phone number cannot be right", errors=(("caller.phone", "not a possible number"),)
            )
        )
    return Heard(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), raw, caller=True)


def caller_id(phone: str, secret: bytes) -> str:
    """The id of the caller behind a number. It follows from the number, so that writing needs no look-up, and from the
    house's secret, so that nobody finds the number by trying."""
    return str(UUID(bytes=hmac.digest(secret, b"caller" + phone.encode(), "sha256")[:16], version=5))
