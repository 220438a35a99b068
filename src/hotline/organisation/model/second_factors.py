"""Second factors of a log-in: which there are, who needs one, and which codes count."""

import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from hmac import compare_digest

from hotline.organisation.model.actors import PERSON_ROLES, Role

TIME_STEP = 30  # seconds that a one-time code stands for (RFC 6238)
STEP_WINDOW = 1  # steps before and after now that count: clocks of telephones differ
RECOVERY_CODES = 10
MOST_FACTORS = 10  # of one person
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # without what is mistaken for another: 0 and o, 1, i and l
_GROUPS, _GROUP_LENGTH = 4, 6  # 118 bits: what is drawn like this may be kept as a plain keyed hash


class FactorKind(StrEnum):
    TOTP = "totp"
    PASSKEY = "passkey"


def parse_required_roles(text: str) -> frozenset[Role]:
    """The roles of a comma list, as `admin,supervisor`. Raises ValueError where one of them is no role of people."""
    roles = frozenset(Role(word.strip()) for word in text.split(",") if word.strip())
    if not roles <= PERSON_ROLES:
        raise ValueError("roles of people: " + ", ".join(sorted(PERSON_ROLES)))
    return roles


def needs_second_factor(roles: Iterable[Role], required: frozenset[Role]) -> bool:
    return not required.isdisjoint(roles)


def time_step(at: float) -> int:
    """The step of a moment, in seconds since 1970."""
    return int(at) // TIME_STEP


def matching_step(code: str, candidates: Mapping[int, str], last_step: int) -> int | None:
    """The step whose code this is. `candidates`: the codes of the steps around now. A step up to `last_step` was used,
    and does not count again. Every candidate is compared, so that the time it takes tells nothing."""
    given = code.encode()
    found = None
    for step in sorted(candidates):
        if compare_digest(given, candidates[step].encode()) and step > last_step:
            found = step
    return found


def normalize_code(text: str) -> str:
    """A code as it was typed, without spaces and hyphens; full-width digits and letters as half-width ones."""
    return "".join(unicodedata.normalize("NFKC", text).split()).replace("-", "").lower()


def new_recovery_codes() -> tuple[str, ...]:
    """Codes to be written down, as `k7m2qd-…`: shown once."""
    return tuple(
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
        for _ in range(RECOVERY_CODES)
    )


def is_recovery_code(code: str) -> bool:
    """Whether a normalized code has the form of a recovery code."""
    return len(code) == _GROUPS * _GROUP_LENGTH and all(c in _ALPHABET for c in code)
