"""The settings of gateways: one Pydantic model for each provider, made of the types here.

A model checks what an administrator sets. The database keeps what was given, as it was given, so a rule that becomes
stricter takes no gateway out of service."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from hotline.delivery.egress import is_web_address, parse_networks
from hotline.text.timestamps import DateOrder
from hotline.web.rule_texts import rule_of_error

FieldErrors = list[tuple[str, str]]  # (field, rule)


def validator(is_valid: Callable[[Any], bool], rule: str) -> BeforeValidator:
    """A validator that keeps the value as it is, or names the rule it breaks."""

    def check(value: Any) -> Any:
        if not is_valid(value):
            raise ValueError(rule)
        return value

    return BeforeValidator(check)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _is_map_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(v, str) and v for v in value.values())


def _are_networks(value: Any) -> bool:
    try:
        parse_networks(",".join(value))
    except ValueError:
        return False
    return True


def _is_zone(value: Any) -> bool:
    try:
        ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):
        return False
    return True


def _is_whole_number(value: Any, maximum: int) -> bool:
    digits = str(value)
    return digits.isascii() and digits.isdigit() and len(digits) <= 5 and 1 <= int(digits) <= maximum


MAX_LIMIT_MINUTES = 7 * 24 * 60  # minutes a call may be silent at most: its events are kept for a month
TextList = Annotated[list[str], validator(_is_list_of_texts, 'a JSON list of texts, as ["10.1.0.0/16"]')]
Networks = Annotated[TextList, validator(_are_networks, "addresses or networks, as 10.1.0.0/16")]
AreaMap = Annotated[
    dict[str, str],
    validator(_is_map_of_texts, 'receiving numbers to areas, as a JSON object of texts: {"101":"li.min"}'),
]
LoginMap = Annotated[
    dict[str, str],
    validator(_is_map_of_texts, 'their users to our logins, as a JSON object of texts: {"101":"li.min"}'),
]
TemplateMap = Annotated[
    dict[str, Any],
    validator(lambda v: isinstance(v, dict), "our notices to the provider's templates, as a JSON object"),
]
WebAddress = Annotated[
    str, validator(lambda v: is_web_address(str(v)), "an address that begins with https:// or http://")
]
ZoneName = Annotated[str, validator(_is_zone, "no such time zone")]
Minutes = Annotated[int, validator(lambda v: _is_whole_number(v, MAX_LIMIT_MINUTES), "1 to 10080 minutes")]
Days = Annotated[int, validator(lambda v: _is_whole_number(v, 3650), "1 to 3650")]


def setting(about: str, *, required_to_send: bool = False) -> Any:
    """A setting that may be absent. `about`: what it is, for `hotline gateway providers`; `required_to_send`: no text
    can be sent without it."""
    return Field(default=None, description=about, json_schema_extra={"to_send": required_to_send})


class GatewaySettings(BaseModel):
    """What every gateway may have set."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)

    addresses: Networks | None = setting("networks that webhooks may come from")
    zone: ZoneName | None = setting("of times without a zone")
    date_order: DateOrder | None = setting("mdy, dmy or ymd, where dates are written 03/04/2026")


def settings_errors(model: type[GatewaySettings], values: Mapping[str, Any]) -> FieldErrors:
    """What is wrong with settings: (settings.<name>, rule), one for each setting. Empty ones count as absent."""
    found: dict[str, str] = {}
    try:
        model.model_validate({name: value for name, value in values.items() if not _is_empty(value)})
    except ValidationError as wrong:
        for error in wrong.errors(include_input=False, include_url=False):
            name = str(error["loc"][0])[:40]
            absent = error["type"] == "missing"
            rule = model.model_fields[name].description if absent else rule_of_error(error["type"], error["msg"])
            found.setdefault(name, rule or "required")
    return [(f"settings.{name}", rule) for name, rule in found.items()]


def missing_send_settings(model: type[GatewaySettings], values: Mapping[str, Any]) -> FieldErrors:
    """The settings without which no text can be sent and that are absent."""
    names = [name for name, about in model.model_fields.items() if _is_required_to_send(about)]
    return [(f"settings.{name}", "needed to send") for name in names if not values.get(name)]


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _is_required_to_send(about: FieldInfo) -> bool:
    extra = about.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("to_send"))
