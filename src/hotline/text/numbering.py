"""Ticket numbers: short, speakable, with a check digit, so that a mistyped one never hits another ticket.

The digit is Damm's (H. M. Damm, 2004): it finds every single wrong digit and every swap of two neighbours.
"""

from typing import NewType

from hotline.text.normalisation import normalise_text

TicketNumber = NewType("TicketNumber", str)  # a ticket's number: digits, the last one checks the others


_STEP = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
FIRST = 10_000_000  # the first serial: nine digits with the check digit, said in three groups of three
_SHORTEST, _LONGEST = 9, 14
LONGEST_TYPED = 200  # characters that are looked at: a number with marks and blanks in it is shorter


def _check(digits: str) -> int:
    state = 0
    for digit in digits:
        state = _STEP[state][ord(digit) - 48]
    return state


def number_from_serial(serial: int) -> TicketNumber:
    """The number that shows this serial."""
    return TicketNumber(f"{serial}{_check(str(serial))}")


def serial_from_number(number: TicketNumber) -> int:
    """The serial a number shows."""
    return int(number[:-1])


def parse_number(typed: str) -> TicketNumber | None:
    """A ticket number as typed or spoken, with blanks, dashes, invisible marks or full-width digits; None: not one of
    ours."""
    digits = typed if typed.isascii() and typed.isdigit() else _digits(typed[:LONGEST_TYPED])
    if not (_SHORTEST <= len(digits) <= _LONGEST) or not digits.isascii() or not digits.isdigit() or digits[0] == "0":
        return None
    return TicketNumber(digits) if _check(digits) == 0 else None


def _digits(typed: str) -> str:
    return "".join(c for c in normalise_text(typed) if c not in "-–—.·" and not c.isspace())
