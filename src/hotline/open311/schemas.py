"""What Open311 answers hold: the fields of GeoReport v2, in its order. What it calls optional is null, unless a type of
its own leaves it out."""

from typing import Annotated

from pydantic import WithJsonSchema

from hotline.organisation.model.vocabulary import AttributeType, Intake
from hotline.replies import reply_type

Stamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]  # whole seconds, UTC, Z


@reply_type()
class Open311Endpoint:
    specification: str
    url: str
    changeset: Stamp | None
    type: str
    formats: tuple[str, ...]


@reply_type()
class Open311Discovery:
    """Who answers here, where and in which formats."""

    changeset: Stamp | None
    contact: str
    key_service: str
    endpoints: tuple[Open311Endpoint, ...]


@reply_type()
class Open311ServiceOut:
    """A service: a category that is offered. `group`: the category above it."""

    service_code: str
    service_name: str
    description: str
    metadata: bool
    type: Intake
    keywords: str
    group: str | None


@reply_type()
class Open311Value:
    key: str
    name: str


@reply_type()
class Open311Attribute:
    """A question of a service."""

    variable: bool
    code: str
    datatype: AttributeType
    required: bool
    datatype_description: str | None
    order: int
    description: str


@reply_type()
class Open311ChoiceAttribute(Open311Attribute):
    """A question that is answered by one or several of its values."""

    values: tuple[Open311Value, ...]


@reply_type()
class Open311AutomatedAttribute(Open311Attribute):
    """A field that the client fills in by itself."""

    automated: str


@reply_type()
class Open311ServiceDefinition:
    service_code: str
    attributes: tuple[Open311Attribute | Open311ChoiceAttribute | Open311AutomatedAttribute, ...]


@reply_type()
class Open311RequestOut:
    """A request as the public, or the key it came with, may read it."""

    service_request_id: str
    status: str
    status_notes: str
    service_name: str
    service_code: str
    description: str
    agency_responsible: str | None
    service_notice: str | None
    requested_datetime: Stamp | None
    updated_datetime: Stamp | None
    expected_datetime: Stamp | None
    address: str | None
    address_id: str | None
    zipcode: str | None
    lat: float | None
    long: float | None
    media_url: str | None


@reply_type()
class Open311Answer:
    code: str
    value: str


@reply_type()
class Open311ExtendedAttributes:
    channel: str


@reply_type()
class Open311Note:
    """A public step of a request."""

    datetime: Stamp | None
    description: str
    type: str


@reply_type()
class Open311ExtendedRequest(Open311RequestOut):
    """A request with `extensions=true`. `attributes`: answers to the service's questions, for the key it came with."""

    attributes: tuple[Open311Answer, ...]
    extended_attributes: Open311ExtendedAttributes
    notes: tuple[Open311Note, ...]


@reply_type()
class Open311Accepted:
    """A report that has its number."""

    service_request_id: str
    service_notice: str | None
    account_id: str | None


@reply_type()
class Open311Token:
    """A report that gets its number later: ask for it with the token."""

    token: str


@reply_type()
class Open311Notice:
    """A report that gets no number to follow."""

    service_notice: str


@reply_type()
class Open311TokenResult:
    """The number of a report that was answered with a token."""

    service_request_id: str
    token: str


@reply_type()
class Open311UpdateOut:
    """A step of a request."""

    update_id: str
    service_request_id: str
    status: str
    updated_datetime: Stamp | None
    description: str
    media_url: str | None


@reply_type()
class Open311UpdateReceipt:
    """The id an update is stored under."""

    update_id: str


@reply_type()
class Open311Problem:
    """What was wrong. `code`: the HTTP status."""

    code: int
    description: str
