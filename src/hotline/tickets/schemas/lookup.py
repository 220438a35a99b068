"""The public look-up of a ticket: what is sent, and the code that opens it."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from hotline.text.normalisation import normalise_text
from hotline.web.field_types import DeviceToken, NumberWord, PlainLine, Strict


def _normalise_code(code: Any) -> Any:
    """Full-width digits and invisible marks come with what is pasted from a text."""
    return normalise_text(code).strip() if isinstance(code, str) else code


class TicketLookupIn(Strict):
    number: NumberWord
    code: Annotated[str, BeforeValidator(_normalise_code), Field(min_length=1, max_length=12, pattern=r"^[0-9 -]+$")]
    device: DeviceToken | None = Field(
        None, description="A random text that the client made and keeps: where a code was right with it, it is known"
    )
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"number": "100000006", "code": "271828"}]}}

    @property
    def plain_code(self) -> str:
        """Without the blanks and dashes between its figures."""
        return self.code.replace(" ", "").replace("-", "")


class PhotoLookupIn(TicketLookupIn):
    photo: PlainLine = Field(description="The `id` of one of the ticket's `photos`")
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {"examples": [{"number": "100000006", "code": "271828", "photo": "…"}]},
    }


@dataclass(frozen=True, slots=True)
class CodeOut:
    """A ticket's number and its code for the public lookup."""

    number: str
    query_code: str
