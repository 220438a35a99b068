"""A log-in's session: its stage, how long it lasts, and the name of the device it was made from."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

PENDING_LIFETIME = timedelta(minutes=15)  # for the steps that a log-in still lacks
SEEN_EVERY = timedelta(minutes=1)  # how exactly the last use of a session or a key is kept


class SessionStage(StrEnum):
    """How far a log-in has come. Only an active session is a credential; one that is pending opens nothing but its next
    step and the way out."""

    ACTIVE = "active"
    PENDING_FACTOR = "pending_factor"
    PENDING_PASSWORD = "pending_password"  # noqa: S105 - a stage


ONLY_ACTIVE = frozenset({SessionStage.ACTIVE})
ANY_STAGE = frozenset(SessionStage)
FACTOR_STAGES = frozenset({SessionStage.ACTIVE, SessionStage.PENDING_FACTOR})
CHANGES_PASSWORD = frozenset({SessionStage.ACTIVE, SessionStage.PENDING_PASSWORD})


@dataclass(frozen=True, slots=True)
class AccountRules:
    """How long what lets people and machines in stays valid; the settings have it in hours and days.

    `session_lifetime`: a session from its log-in; `session_idle`: unused. `first_password_lifetime`: a password that
    somebody else set, until its owner replaces it. `key_lifetime`: a key that is made without an end."""

    session_lifetime: timedelta = timedelta(hours=12)  # one shift
    session_idle: timedelta = timedelta(hours=4)
    first_password_lifetime: timedelta = timedelta(days=7)
    key_lifetime: timedelta = timedelta(days=365)

    def session_end(self, expires_at: datetime, created_at: datetime, seen_at: datetime | None) -> datetime:
        """When a session ends if it is not used again."""
        return min(expires_at, (seen_at or created_at) + self.session_idle)

    def expiry(self, stage: SessionStage, now: datetime) -> datetime:
        """When a session of this stage that begins now ends, however much it is used."""
        return now + (self.session_lifetime if stage is SessionStage.ACTIVE else PENDING_LIFETIME)


# in this order: each of these names also stands in what others send
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", "HarmonyOS"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
_LONGEST = 60


def device_name(user_agent: str) -> str:
    """What a list of sessions calls the device: browser and system, or the first product a program names. Empty where
    nothing was sent."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if browser is not None:
        return f"{browser}, {system}" if system else browser
    first = user_agent[:_LONGEST].split(" ")[0]
    return "".join(c for c in first if c.isprintable())
