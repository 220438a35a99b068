"""What was taken down beside the words of a call that joins an open ticket: with it the call can become a ticket of its
own, at its own place, if the joining is undone."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.model.ticket import Call
from hotline.triage.model.places.parts import NO_PARTS, AddressParts

_PLAIN = ("title", "contact", "reply_wanted", "area", "address", "lat", "lon", "category")
_ABSENT = IntakeRequest(Channel.PHONE, "")  # its defaults alone are read


def taken_down(request: IntakeRequest) -> Mapping[str, Any]:
    """The details of a request, as JSON, that its call does not hold itself."""
    kept = {name: getattr(request, name) for name in _PLAIN if getattr(request, name) != getattr(_ABSENT, name)}
    parts = {name: value for name, value in asdict(request.address_parts).items() if value is not None}
    words = {"kind": request.kind, "priority": request.priority}
    lists = {"notes": list(request.notes), "denied": list(map(str, request.denied))}
    grouped = {"address_parts": parts, **lists}
    return {**kept, **{n: v for n, v in grouped.items() if v}, **{n: str(v) for n, v in words.items() if v}}


def request_of(call: Call) -> IntakeRequest:
    """The request that the call came with."""
    told = dict(call.taken_down or {})
    parts, kind, priority = (told.pop(name, None) for name in ("address_parts", "kind", "priority"))
    notes, denied = (tuple(told.pop(name, ())) for name in ("notes", "denied"))
    return IntakeRequest(
        channel=call.channel,
        narrative=call.narrative,
        phone=call.raw_phone,
        name=call.caller_name,
        confidential=True if call.confidential else None,
        address_parts=AddressParts(**parts) if parts else NO_PARTS,
        kind=Kind(kind) if kind else None,
        priority=Priority(priority) if priority else None,
        notes=notes,
        denied=denied,
        **told,
    )
