"""The messages of the live stream: each type renders itself, and is its own schema."""

from typing import Annotated, Literal

import orjson
from pydantic import Field

from hotline.replies import reply_type
from hotline.tickets.model.stream_events import TicketEvent
from hotline.web.published_schemas import schemas_of

Position = Annotated[int | None, Field(description="The position in the stream, for `Last-Event-ID`; null: no id line")]


@reply_type()
class StreamPosition:
    """Where the client begins: what comes after it is sent."""

    position: int


@reply_type()
class NoData:
    """An empty object."""


@reply_type()
class HelloMessage:
    """The first message."""

    event: Literal["hello"]
    id: Position
    data: StreamPosition


@reply_type()
class TicketMessage:
    """Something happened to a ticket."""

    event: Literal["ticket"]
    id: Position
    data: TicketEvent


@reply_type()
class ResyncMessage:
    """Events were left out: read again what you show."""

    event: Literal["resync"]
    id: Position
    data: NoData


@reply_type()
class ByeMessage:
    """The stream ends: connect again."""

    event: Literal["bye"]
    id: Position
    data: NoData


StreamMessage = Annotated[
    HelloMessage | TicketMessage | ResyncMessage | ByeMessage,
    Field(discriminator="event", title="A message", description="One message; `data` is a line of JSON"),
]
(MESSAGE_SCHEMA,), MESSAGE_COMPONENTS = schemas_of(StreamMessage)
BYE = ByeMessage("bye", None, NoData())


def resync(position: int) -> ResyncMessage:
    return ResyncMessage("resync", position, NoData())


def framed(message: HelloMessage | TicketMessage | ResyncMessage | ByeMessage) -> bytes:
    """The message as a server-sent event."""
    place = b"" if message.id is None else b"id: %d\n" % message.id
    return place + b"event: " + message.event.encode() + b"\ndata: " + orjson.dumps(message.data) + b"\n\n"
