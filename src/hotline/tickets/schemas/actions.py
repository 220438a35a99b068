"""One body for each action, made from the tables: what it needs is required, what it may carry is optional."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, create_model

from hotline.organisation.model.vocabulary import Kind, Level, Priority
from hotline.tickets.lifecycle import (
    ASSIGNMENT_MOVES,
    FOLLOWS_LEAD_ORDER,
    INTERNAL_ACTIONS,
    TICKET_MOVES,
    Move,
    action_fields,
)
from hotline.tickets.model.vocabulary import (
    MOST_SPLIT_OFF,
    Action,
    DeclineReason,
    Fault,
    Funding,
    Guard,
    Reached,
    ReturnReason,
    Satisfaction,
    VoidReason,
)
from hotline.tickets.model.vocabulary import Field as F
from hotline.triage.model.places.grammar import read_part
from hotline.triage.model.places.parts import LONGEST_PART
from hotline.web.field_types import (
    AreaCode,
    CategoryCode,
    CodeWord,
    DepartmentCode,
    Lat,
    Line,
    Lon,
    Moment,
    Money,
    Narrative,
    NumberWord,
    PlainLine,
    Prose,
    Strict,
    WrittenLine,
)


def _part_type(kind: str) -> Any:
    """A part of an address, read as it is written on the door; empty: cleared."""

    def read(text: str) -> str:
        return read_part(kind, text) or ""

    return Annotated[PlainLine, StringConstraints(max_length=LONGEST_PART), AfterValidator(read)]


PublicText = Annotated[
    Prose,
    StringConstraints(max_length=1000),
    Field(description="Shown to everybody, with nothing that tells who called; instead of what was published before"),
]

Photos = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]],
    Field(
        max_length=20,
        description="Ids of attachments, JPEG or PNG, with purpose `before` or `after`: the resident sees them with "
        "the answer, once the result is approved. Those not named stay with the staff",
    ),
]

FIELD_TYPES: dict[F, Any] = {
    F.CATEGORY: CategoryCode,
    F.KIND: Kind,
    F.PRIORITY: Priority,
    F.TITLE: WrittenLine,
    F.NARRATIVE: Narrative,
    F.AREA: AreaCode,
    F.ADDRESS: WrittenLine,
    F.BUILDING: _part_type("building"),
    F.UNIT: _part_type("unit"),
    F.FLOOR: _part_type("floor"),
    F.ROOM: _part_type("room"),
    F.LAT: Lat,
    F.LON: Lon,
    F.CALLER_NAME: WrittenLine,
    F.PHONE: Annotated[WrittenLine, Field(description="The number to call back, where another was written down")],
    F.CONTACT: WrittenLine,
    F.FLAGS: Annotated[list[CodeWord], Field(max_length=20)],
    F.TEXT: Prose,
    F.REASON: Prose,
    F.REASON_CODE: str,
    F.CHANNEL_TOLD: WrittenLine,
    F.ANSWER: Prose,
    F.DEPARTMENT: DepartmentCode,
    F.ASSISTS: Annotated[list[DepartmentCode], Field(max_length=20)],
    F.PERFORMER: DepartmentCode,
    F.ASSIGNEE: Line,
    F.BASIS: Prose,
    F.FAULT: Fault,
    F.TARGET: NumberWord,
    F.INCIDENT: NumberWord,
    F.MATTERS: Annotated[list[Narrative], Field(min_length=1, max_length=MOST_SPLIT_OFF)],
    F.LEVEL: Level,
    F.CONFIDENTIAL: bool,
    F.SATISFACTION: Satisfaction,
    F.REACHED: Reached,
    F.SOLVED: bool,
    F.PUBLIC_REPLY: Prose,
    F.PUBLIC_TEXT: PublicText,
    F.PHOTOS: Photos,
    F.INTERNAL_RESULT: Prose,
    F.CONTACTED: WrittenLine,
    F.COST: Money,
    F.FUNDING: Funding,
    F.DUE_AT: Moment,
    F.REVIEW_AT: Moment,
}
REASONS = {Action.DECLINE: DeclineReason, Action.VOID: VoidReason, Action.REQUEST_RETURN: ReturnReason}
EXAMPLES: dict[F, Any] = {
    F.CATEGORY: "dt-fault",
    F.KIND: "request",
    F.PRIORITY: "normal",
    F.DEPARTMENT: "residents-affairs",
    F.ASSIGNEE: "li.works",
    F.REASON: "居民再次来电催问",
    F.TEXT: "已与来电人核实楼栋",
    F.ANSWER: "已告知办理流程",
    F.PUBLIC_REPLY: "电梯已修复，恢复运行",
    F.PUBLIC_TEXT: "3栋电梯门机故障，已报修",
    F.INTERNAL_RESULT: "更换门机皮带",
    F.SOLVED: True,
    F.SATISFACTION: "satisfied",
    F.REACHED: "no_reply",
    F.LEVEL: "yellow",
    F.CONFIDENTIAL: True,
    F.FAULT: "evasive",
    F.TARGET: "100000006",
    F.INCIDENT: "100002",
    F.NARRATIVE: "3栋2单元电梯坏了",
    F.MATTERS: ["楼道灯也不亮"],
    F.BASIS: "职责清单第12项",
    F.CONTACTED: "电话 09:20",
    F.DUE_AT: "2026-12-31T18:00:00+08:00",
    F.REVIEW_AT: "2026-12-31T18:00:00+08:00",
    F.CHANNEL_TOLD: "110",
}
EXAMPLE_REASONS = {Action.DECLINE: "emergency_service", Action.VOID: "test", Action.REQUEST_RETURN: "not_our_duty"}


def _body(machine: str, table: tuple[Move[Any], ...], action: Action) -> type[Strict]:
    needs, takes = action_fields(table, action)
    shape: dict[str, Any] = {}
    for field in (*needs, *takes):
        kind = REASONS[action] if field is F.REASON_CODE else FIELD_TYPES[field]
        shape[field.value] = (kind, ...) if field in needs else (kind | None, None)
    example = {str(f): EXAMPLE_REASONS[action] if f is F.REASON_CODE else EXAMPLES[f] for f in needs}
    name = f"{machine}{''.join(part.capitalize() for part in action.split('_'))}"
    made = create_model(name, __base__=Strict, **shape)
    made.model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})
    made.model_rebuild(force=True)
    return made


def _bodies(machine: str, table: tuple[Move[Any], ...]) -> dict[Action, type[Strict]]:
    own = (m for m in table if Guard.WITH_TICKET not in m.guards)
    actions = dict.fromkeys(m.action for m in own if m.action not in INTERNAL_ACTIONS)
    # where the ticket follows its lead's order, the body is the order's
    return {
        action: _body(machine, ASSIGNMENT_MOVES if action in FOLLOWS_LEAD_ORDER else table, action)
        for action in actions
    }


TICKET_BODIES = _bodies("Ticket", TICKET_MOVES)
ORDER_BODIES = _bodies("Order", ASSIGNMENT_MOVES)


@cache
def action_schemas() -> Mapping[str, Mapping[str, Any]]:
    """The JSON Schema of every action's body, by machine (`ticket`, `assignment`) and action: a form is made of it.
    `x-refers` says which noun of the directory a code is of."""
    bodies = {"ticket": TICKET_BODIES, "assignment": ORDER_BODIES}
    return {
        machine: {action.value: body.model_json_schema() for action, body in actions.items()}
        for machine, actions in bodies.items()
    }


def sent_fields(body: Strict) -> dict[F, Any]:
    """The fields that were sent, by their words."""
    return {F(name): getattr(body, name) for name in body.model_fields_set if getattr(body, name) is not None}
