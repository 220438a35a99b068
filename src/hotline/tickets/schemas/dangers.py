"""What an operator does about a danger, as replies show it."""

from typing import Annotated

from pydantic import Field

from hotline.locales import translate
from hotline.locales.labels import label_key
from hotline.organisation.model.vocabulary import Danger
from hotline.replies import reply_type
from hotline.triage.model.guidance import EmergencyService


@reply_type()
class WrittenForms:
    """A text for people in each written form."""

    zh: str
    zh_hant: str
    en: str


@reply_type()
class ServiceToCall:
    code: Annotated[EmergencyService, Field(description="Its number; a word where each town has a service of its own")]
    name: WrittenForms
    phone: Annotated[str | None, Field(description="Null: the directory does not know it")]


@reply_type()
class DangerGuidance:
    """`say`: to the caller, at once; `ask`: in this order; `call`: whom the caller is told to call, the first in any
    case."""

    danger: Danger
    say: WrittenForms
    ask: tuple[WrittenForms, ...]
    call: tuple[ServiceToCall, ...]


@reply_type()
class DangerGuidancePage:
    items: tuple[DangerGuidance, ...]


def written_forms(key: str) -> WrittenForms:
    """The text of a key."""
    return WrittenForms(translate(key, "zh-Hans"), translate(key, "zh-Hant"), translate(key, "en"))


def render_service(service: EmergencyService, phone: str | None) -> ServiceToCall:
    """`phone`: of the town's own service."""
    number = service.value if service.value.isdigit() else phone
    return ServiceToCall(service, written_forms(label_key(service)), number)
