"""An identity provider as a file describes it."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator

from hotline.oidc.model import ClaimMapping, GrantRule, IdentityProvider
from hotline.oidc.provider_client import is_trusted_address
from hotline.organisation.model.actors import PERSON_ROLES, Role

Claim = Annotated[str, Field(min_length=1, max_length=200)]
Code = Annotated[str, Field(min_length=1, max_length=40)]


class RuleIn(BaseModel):
    """Whoever has this value in this claim holds these roles."""

    claim: Claim
    value: Annotated[str, Field(min_length=1, max_length=400)]
    roles: Annotated[list[Role], Field(min_length=1, max_length=10)]
    department: Code | None = None
    area: Code | None = None
    model_config = {"extra": "forbid"}

    @field_validator("roles")
    @classmethod
    def _of_people(cls, value: list[Role]) -> list[Role]:
        if not PERSON_ROLES.issuperset(value):
            raise ValueError("roles of people: " + ", ".join(sorted(PERSON_ROLES)))
        return value


class ProviderIn(BaseModel):
    """The file of `hotline oidc set`."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    issuer: Annotated[str, Field(max_length=400)]
    client_id: Annotated[str, Field(min_length=1, max_length=200)]
    rules: Annotated[list[RuleIn], Field(min_length=1, max_length=500)]
    login_claim: Claim = "preferred_username"
    name_claim: Claim = "name"
    department_claim: Claim | None = None
    area_claim: Claim | None = None
    scopes: Annotated[list[Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")]], Field(max_length=20)] = [
        "openid",
        "profile",
    ]
    own_factor: bool = False
    userinfo: bool = True
    active: bool = True
    acr_values: Annotated[list[Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]], Field(max_length=10)] = []
    max_age: Annotated[int | None, Field(ge=0, le=30 * 86400)] = None
    model_config = {"extra": "forbid"}

    @field_validator("issuer")
    @classmethod
    def _address(cls, value: str) -> str:
        if not is_trusted_address(value) or "?" in value:
            raise ValueError("an https address, as the provider's metadata names it")
        return value


def provider_from_body(code: str, body: dict[str, Any]) -> IdentityProvider:
    """A provider as stored. Raises pydantic.ValidationError."""
    given = ProviderIn.model_validate(body)
    rules = tuple(GrantRule(r.claim, r.value, frozenset(r.roles), r.department, r.area) for r in given.rules)
    mapping = ClaimMapping(rules, given.login_claim, given.name_claim, given.department_claim, given.area_claim)
    return IdentityProvider(
        code, given.name, given.issuer, given.client_id, mapping, tuple(dict.fromkeys(["openid", *given.scopes])),
        given.own_factor, given.userinfo, given.active, tuple(given.acr_values), given.max_age,
    )  # fmt: skip
