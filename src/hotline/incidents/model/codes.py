"""Codes of incidents: six digits, the last one checks the others. A ticket's number has nine or more: neither is ever
taken for the other."""

from typing import NewType

from hotline.text.normalisation import normalise_text
from hotline.text.numbering import number_from_serial

IncidentCode = NewType("IncidentCode", str)
FIRST_INCIDENT = 10_000  # the first serial
_LENGTHS = range(6, 9)
_LONGEST_TYPED = 40  # characters that are looked at


def code_from_serial(serial: int) -> IncidentCode:
    """The code that shows this serial."""
    return IncidentCode(number_from_serial(serial))


def parse_code(typed: str) -> IncidentCode | None:
    """A code as typed or spoken, with blanks or full-width digits. None: no code of an incident."""
    digits = "".join(c for c in normalise_text(typed[:_LONGEST_TYPED]) if c not in "-–—." and not c.isspace())
    if len(digits) not in _LENGTHS or not digits.isascii() or not digits.isdigit() or digits[0] == "0":
        return None
    return IncidentCode(digits) if code_from_serial(int(digits[:-1])) == digits else None
