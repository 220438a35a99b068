"""What is sent and shown about the personal data of a caller."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from hotline.locales import translate_pair
from hotline.locales.labels import Label
from hotline.privacy.erasing import PlannedErasure
from hotline.replies import reply_type
from hotline.tickets.model.erasure import TicketShare
from hotline.web.field_types import PlainLine, Strict

# what stays after an erasure, by the keys of the texts that tell why
STAYS = ("figures", "timeline", "security_log", "opt_outs", "elsewhere")


class SubjectIn(Strict):
    person: Annotated[PlainLine, Field(min_length=1, max_length=60, description="A phone number, or a caller's id")]
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"person": "13800138000"}]}}


class ErasureIn(SubjectIn):
    erase: Annotated[bool, Field(description="false: only tell what an erasure would change")] = False
    also_open: Annotated[bool, Field(description="Also where a matter of theirs is being worked on")] = False


@reply_type()
class ErasureOut:
    """What an erasure changed, or would change."""

    erased: Annotated[bool, Field(description="false: nothing was changed")]
    rows: Annotated[Mapping[str, int], Field(description="Rows by kind of data")]
    tickets: Annotated[
        Mapping[TicketShare, Sequence[str]], Field(description="Numbers, by how much of the ticket is the person's")
    ]
    open: Annotated[Sequence[str], Field(description="Tickets being worked on: refused without `also_open`")]
    spooled: Annotated[int, Field(description="Records outside the database: refused until they are brought in")]
    stays: Annotated[Sequence[Label], Field(description="What stays, and why")]


def erasure_reply(planned: PlannedErasure, erased: Mapping[str, int] | None = None) -> ErasureOut:
    """`erased`: the rows that were changed; None: it was only asked for."""
    return ErasureOut(
        erased is not None,
        planned.rows if erased is None else erased,
        {share: numbers for share, numbers in planned.tickets.items() if numbers},
        planned.open,
        planned.spooled,
        tuple(Label(*translate_pair(f"privacy.stays.{name}")) for name in STAYS),
    )
