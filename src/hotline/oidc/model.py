"""What an identity provider is set to, and what the claims about a person grant them here."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
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
    """`department` and `area`: claims that hold a code of the directory. Where one is set, every person must have it:
    what is missing must not open more. They win over those of the rules."""

    rules: tuple[GrantRule, ...]
    login: str = "preferred_username"
    name: str = "name"
    department: str | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """`issuer`: its address, as its tokens name it. `own_factor`: our second factor is asked for as well. `userinfo`:
    its claims are asked for as well as those of the ID token. `acr_values`: how people must have proved who they are
    there; `max_age`: how many seconds ago at most."""

    code: str
    name: str
    issuer: str
    client_id: str
    mapping: ClaimMapping
    scopes: tuple[str, ...] = ("openid", "profile")
    own_factor: bool = False
    userinfo: bool = True
    active: bool = True
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None


@dataclass(frozen=True, slots=True)
class IdentityClaims:
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
    """The roles of all rules that hold, in the department and area that claims or rules name. None: no rule holds, a
    claim that is set is missing, or they name more than one department or area: the roles of one would be given in the
    other."""
    held = [rule for rule in mapping.rules if rule.value in claim_values(claims, rule.claim)]
    try:
        department = _only(mapping.department, claims, (rule.department for rule in held))
        area = _only(mapping.area, claims, (rule.area for rule in held))
    except ValueError:
        return None
    return Grant(frozenset().union(*(rule.roles for rule in held)), department, area) if held else None


def _only(claim: str | None, claims: Mapping[str, Any], of_rules: Iterable[str | None]) -> str | None:
    """What the claim says; where none is set, the rules. Raises ValueError where that is not one value."""
    if claim is not None:
        [said] = set(claim_values(claims, claim))
        return said
    named = {value for value in of_rules if value}
    if len(named) > 1:
        raise ValueError("rules contradict each other")
    return next(iter(named), None)


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
