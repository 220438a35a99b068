"""What an identity provider is set to, and what the claims about a person grant them here."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant

_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,59}")
_LONGEST_NAME = 120
_LONGEST_SUBJECT = 255  # of ASCII, as the standard has it


@dataclass(frozen=True, slots=True)
class GrantRule:
    """Whoever has `value` in the claim holds these roles, in this department and area. `claim`: its name, or a path
    into an object, as in `a.b`."""

    claim: str
    value: str
    roles: frozenset[Role]
    department: str | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimMapping:
    """`department` and `area`: claims that hold a code of the directory; they win over those of the rules."""

    rules: tuple[GrantRule, ...]
    login: str = "preferred_username"
    name: str = "name"
    department: str | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """`issuer`: its address, as its tokens name it. `own_factor`: our second factor is asked for as well. `userinfo`:
    its claims are asked for as well as those of the ID token."""

    code: str
    name: str
    issuer: str
    client_id: str
    mapping: ClaimMapping
    scopes: tuple[str, ...] = ("openid", "profile")
    own_factor: bool = False
    userinfo: bool = True
    active: bool = True


@dataclass(frozen=True, slots=True)
class Claimed:
    """A person as a provider's claims describe them."""

    subject: str
    login: str
    name: str
    grant: Grant


def claim_values(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    """The texts that stand in a claim: one, or each of a list. A name with dots is looked up whole before it is read as
    a path."""
    found: Any = claims.get(path)
    if found is None and "." in path:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    return tuple(v for v in (found if isinstance(found, list) else [found]) if isinstance(v, str) and v)


def granted(mapping: ClaimMapping, claims: Mapping[str, Any]) -> Grant | None:
    """The roles of all rules that hold, in the department and area of the first that names one. None: no rule holds."""
    held = [rule for rule in mapping.rules if rule.value in claim_values(claims, rule.claim)]
    if not held:
        return None
    department = next(iter(_of(mapping.department, claims)), None)
    area = next(iter(_of(mapping.area, claims)), None)
    return Grant(
        frozenset().union(*(rule.roles for rule in held)),
        department or next((rule.department for rule in held if rule.department), None),
        area or next((rule.area for rule in held if rule.area), None),
    )


def _of(claim: str | None, claims: Mapping[str, Any]) -> tuple[str, ...]:
    return claim_values(claims, claim) if claim is not None else ()


def login_of(mapping: ClaimMapping, claims: Mapping[str, Any]) -> str | None:
    """The log-in that the claims name. None: none that could be one here."""
    given = next(iter(claim_values(claims, mapping.login)), "")
    return given.casefold() if _LOGIN.fullmatch(given) else None


def name_of(mapping: ClaimMapping, claims: Mapping[str, Any], login: str) -> str:
    """The name that the claims tell, in one line; the log-in where there is none."""
    given = next(iter(claim_values(claims, mapping.name)), "")
    plain = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in given)
    return " ".join(plain.split())[:_LONGEST_NAME] or login


def is_subject(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value) <= _LONGEST_SUBJECT
