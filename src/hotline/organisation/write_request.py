"""The request behind a change: actor, time, Idempotency-Key and scope, as every write of a service takes them."""

from dataclasses import dataclass
from datetime import datetime

from hotline.organisation.model.actors import Actor
from hotline.organisation.model.scopes import Scope
from hotline.web.idempotency import RequestKey


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """`key`: under which the answer is kept, so that a repeat is given the same one. `now`: the moment it was asked,
    in UTC. `scope`: which tickets it may touch, where that was decided by more than who asks; None: those the actor
    sees."""

    actor: Actor
    key: RequestKey
    now: datetime
    scope: Scope | None = None
