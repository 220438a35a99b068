"""What a call's reply says of the incident it is about."""

from datetime import datetime

from hotline.locales.labels import Label
from hotline.replies import reply_type


@reply_type()
class IncidentAdvice:
    """The incident the call was taken to be about, as it was then. `merged`: the ticket went into its parent;
    `offered`: it tells of more than the incident, and a person decides whether it belongs to it; `say`: what to tell
    the caller, or to do; `ended_at`: it was over then, and the ticket belongs to none: ask whether it is so."""

    code: str
    state: str
    parent: str
    merged: bool
    say: Label
    offered: bool = False
    ended_at: datetime | None = None
