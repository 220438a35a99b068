"""Tickets that a call, or another ticket, may repeat."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from hotline.replies import reply_type
from hotline.text.reasons import Because
from hotline.tickets.duplicates import Duplicate, is_open
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.web.field_types import CodeWord, Detail, Narrative, PhoneField, Strict


class DuplicatesAsk(Strict):
    narrative: Narrative
    phone: PhoneField = Field(None, description="The caller's, as dialled or typed")
    area: CodeWord | None = Field(None, description="Where the matter is; read from the narrative where absent")
    address: Detail = None
    category: CodeWord | None = Field(None, description="As it was chosen; read from the narrative where absent")
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {"examples": [{"narrative": "3栋2单元电梯坏了", "phone": "13800138000"}]},
    }


@reply_type()
class DuplicateOut:
    """An earlier ticket that is probably about the same matter."""

    number: str
    score: Annotated[float, Field(description="How alike the two are: 0-1")]
    same_caller: Annotated[bool, Field(description="The caller called about this ticket before")]
    status: TicketStatus
    open: Annotated[bool, Field(description="A call may be added to it (`attach_to`)")]
    title: str
    created_at: datetime


@reply_type()
class DuplicatesExplained:
    """At most three, the most alike first, all within the asker's scope. `because`: for each of them, by what."""

    result: tuple[DuplicateOut, ...]
    because: tuple[Because, ...]


def render_duplicates(found: Sequence[Duplicate]) -> tuple[DuplicateOut, ...]:
    return tuple(
        DuplicateOut(one.number, one.score, one.same_caller, one.status, is_open(one), one.title, one.created_at)
        for one in found
    )


def render_explained_duplicates(found: Sequence[Duplicate]) -> DuplicatesExplained:
    because = (
        Because(f"duplicate:{one.number}", tuple(" ".join((reason.rule, *reason.matched)) for reason in one.because))
        for one in found
    )
    return DuplicatesExplained(render_duplicates(found), tuple(because))
