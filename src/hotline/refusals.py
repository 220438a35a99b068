"""Refusals: a code, a sentence, and what is wrong with which field. Every package may raise them; only `web/problems`
maps codes to HTTP statuses."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """The reason of a refusal, as a client reads it in a problem's `type`."""

    BAD_REQUEST = "bad-request"
    UNAUTHENTICATED = "unauthenticated"
    NOT_YOUR_ROLE = "not-your-role"
    SECOND_FACTOR_REQUIRED = "second-factor-required"
    PASSWORD_CHANGE_REQUIRED = "password-change-required"  # noqa: S105 - a code
    NOT_FOUND = "not-found"
    UNKNOWN_ACTION = "unknown-action"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    NOT_NOW = "not-now"
    CONFLICT = "conflict"
    STALE = "stale"
    TOO_LARGE = "too-large"
    UNSUPPORTED_MEDIA = "unsupported-media"
    INCOMPLETE = "incomplete"
    INVALID = "invalid"
    KEY_REUSED = "key-reused"
    VERSION_REQUIRED = "version-required"
    TOO_MANY = "too-many"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    OUTCOME_UNKNOWN = "outcome-unknown"
    STORAGE_FULL = "storage-full"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not. `moves` are what would be allowed instead; `errors` name fields and rules."""

    code: Code
    detail: str
    moves: tuple[Any, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    version: int | None = None  # of the ticket now, for a caller with a stale version
    retry_after: int | None = None  # seconds until it is worth another try


NO_CREDENTIAL = Refusal(Code.UNAUTHENTICATED, "send Authorization: Bearer with a token or a key")


class Refused(Exception):
    """A refusal on its way to the caller."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal
