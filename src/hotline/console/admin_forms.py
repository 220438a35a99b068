"""The forms of people, keys and subscriptions on the administrators' page, made from the bodies that the API takes."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from hotline.organisation.model.actors import GRANTABLE_ROLES, Role
from hotline.organisation.schemas.accounts import KeyIn, PersonChange, PersonIn
from hotline.web.field_types import Strict
from hotline.webhooks.schemas import SubscriptionChange, SubscriptionIn

# By path below /v1: the body of POST, and that of PATCH. A key is revoked, not changed.
BODIES: Mapping[str, tuple[type[Strict], type[Strict] | None]] = {
    "people": (PersonIn, PersonChange),
    "keys": (KeyIn, None),
    "subscriptions": (SubscriptionIn, SubscriptionChange),
}


@cache
def body_schemas() -> Mapping[str, Mapping[str, Any]]:
    """By path: the JSON Schema of what makes one (`made`) and of what changes one (`changed`)."""
    return {
        path: {"made": _schema(made), **({"changed": _schema(changed)} if changed is not None else {})}
        for path, (made, changed) in BODIES.items()
    }


def _schema(body: type[Strict]) -> dict[str, Any]:
    schema = body.model_json_schema()
    roles = schema.get("$defs", {}).get("Role")
    if roles is not None:  # the vocabulary has roles that nobody is given
        roles["enum"] = [role for role in Role if role in GRANTABLE_ROLES]
    return schema
