"""One action for many tickets: bodies, made from those of the actions, and the result of each ticket."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, create_model

from hotline.refusals import Refusal
from hotline.replies import reply_type
from hotline.tickets.bulk import TicketOutcome, TicketSteps
from hotline.tickets.model.ticket import Command, Facts
from hotline.tickets.model.vocabulary import Action, TicketStatus
from hotline.tickets.model.vocabulary import Field as F
from hotline.tickets.schemas.actions import TICKET_BODIES
from hotline.web.field_types import NumberWord, Strict
from hotline.web.problems import STATUS, TITLE, TITLE_ZH
from hotline.web.schemas import AllowedAction, ErrorOut, allowed_action, dump_json, render_error

MOST_AT_ONCE = 100
BULK_ACTIONS = (Action.TRIAGE, Action.DISPATCH, Action.MERGE, Action.REQUEST_INFO)
_OWN = frozenset({"number", "version", "triage"})  # what an item has beside the fields of its action
_TRIAGE = TICKET_BODIES[Action.TRIAGE]
_EXAMPLES: dict[Action, dict[str, Any]] = {
    Action.TRIAGE: {"category": "dt-fault", "kind": "request", "priority": "normal"},
    Action.DISPATCH: {"department": "residents-affairs"},
    Action.MERGE: {"target": "100000014"},
    Action.REQUEST_INFO: {"text": "What is broken, and where?"},
}
_Version = Annotated[
    int, Field(strict=True, ge=0, le=2_000_000_000, description="The version you saw, as its ETag said")
]


def _bulk_body(action: Action) -> type[Strict]:
    body = TICKET_BODIES[action]
    shape: dict[str, Any] = {"number": (NumberWord, ...), "version": (_Version, ...)}
    if action is Action.DISPATCH:
        told = Field(None, description="Of a ticket that nobody has sorted yet: what it is sorted as first")
        shape["triage"] = (_TRIAGE | None, told)
    name = "".join(part.capitalize() for part in action.split("_"))
    item = create_model(f"Bulk{name}Item", __base__=body, **shape)
    example: dict[str, Any] = _EXAMPLES[action]
    item.model_config = ConfigDict(extra="forbid")
    items = Annotated[list[item], Field(min_length=1, max_length=MOST_AT_ONCE)]  # type: ignore[valid-type]
    made = create_model(f"Bulk{name}", __base__=Strict, items=(items, ...))
    made.model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"items": [{"number": "100000006", "version": 3, **example}]}]},
    )
    made.model_rebuild(force=True)
    return made


BULK_BODIES = {action: _bulk_body(action) for action in BULK_ACTIONS}


def _fields(item: Any) -> dict[F, Any]:
    sent = item.model_fields_set - _OWN
    return {F(name): value for name in sent if (value := getattr(item, name)) is not None}


def steps_of(action: Action, item: Any) -> TicketSteps:
    """What an item of a body asks for. A step's version is that of the one before."""
    steps = [Command(action, item.version, _fields(item))]
    triage = getattr(item, "triage", None)
    if triage is not None:
        steps.insert(0, Command(Action.TRIAGE, item.version, _fields(triage)))
    return TicketSteps(item.number, tuple(steps))


@reply_type()
class BulkProblem:
    """Why a ticket was refused, as a problem document of its own request would say."""

    type: str
    title: str
    title_zh: str
    status: int
    detail: str
    errors: tuple[ErrorOut, ...]
    allowed_actions: tuple[AllowedAction, ...]


@reply_type()
class BulkResult:
    """What became of one ticket."""

    number: str
    status: Annotated[int, Field(description="As its own request would be answered: 200 done, 412 stale, 409 not now")]
    version: Annotated[int | None, Field(description="The version it has now; null where nothing was done")]
    ticket_status: TicketStatus | None
    undo_until: Annotated[datetime | None, Field(description="Until when it can be undone; null: it cannot")]
    problem: BulkProblem | None


@reply_type()
class BulkResults:
    """A result for each ticket, in the order they were sent. The whole is 200 also where some are refused."""

    items: tuple[BulkResult, ...]
    done: int
    refused: int


@reply_type()
class BulkStep:
    """What is kept of a step for its result."""

    version: int
    status: TicketStatus
    undo_until: datetime | None


def render_step(facts: Facts, undo_until: datetime | None) -> str:
    return dump_json(BulkStep(facts.ticket.version, facts.ticket.status, undo_until))


def _problem(refusal: Refusal) -> BulkProblem:
    code = refusal.code
    return BulkProblem(
        f"urn:hotline:problem:{code}",
        TITLE[code],
        TITLE_ZH[code],
        STATUS[code],
        refusal.detail,
        tuple(render_error(field, rule) for field, rule in refusal.errors),
        tuple(map(allowed_action, refusal.moves)),
    )


def render_results(results: Sequence[TicketOutcome]) -> str:
    items = tuple(
        BulkResult(
            result.number,
            STATUS[result.refusal.code] if result.refusal else 200,
            result.body["version"] if result.body else None,
            result.body["status"] if result.body else None,
            result.body["undo_until"] if result.body else None,
            _problem(result.refusal) if result.refusal else None,
        )
        for result in results
    )
    refused = sum(result.refusal is not None for result in results)
    return dump_json(BulkResults(items, len(items) - refused, refused))
