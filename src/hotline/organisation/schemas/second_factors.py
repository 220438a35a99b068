"""Second factors as they are sent and as replies show them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from hotline.organisation.model.second_factors import FactorKind
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.service.passkeys import PasskeyAnswer
from hotline.refusals import Code, Refusal, Refused
from hotline.replies import reply_type
from hotline.web.field_types import Line, Strict
from hotline.web.schemas import LEFT_OUT

_BASE64URL = r"^[A-Za-z0-9_-]+$"
CodeText = Annotated[str, Field(min_length=6, max_length=60)]
Encoded = Annotated[str, Field(min_length=1, max_length=16_000, pattern=_BASE64URL)]
StateText = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[A-Za-z0-9+/=.]+$")]


class FactorIn(Strict):
    name: Line
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"name": "手机"}]}}


class CodeIn(Strict):
    code: CodeText
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"code": "123456"}]}}


class PasskeyResponse(Strict):
    """`response` of a credential, its bytes as base64url."""

    clientDataJSON: Encoded
    attestationObject: Annotated[Encoded | None, LEFT_OUT] = None
    authenticatorData: Annotated[Encoded | None, LEFT_OUT] = None
    signature: Annotated[Encoded | None, LEFT_OUT] = None
    userHandle: Annotated[Encoded | None, LEFT_OUT] = None


class PasskeyCredential(Strict):
    """What `navigator.credentials` returned (WebAuthn's PublicKeyCredential, as `toJSON` writes it)."""

    id: Annotated[str, Field(min_length=1, max_length=1400, pattern=_BASE64URL)]
    rawId: Annotated[str, Field(min_length=1, max_length=1400, pattern=_BASE64URL)]
    type: Annotated[str, Field(pattern="^public-key$")]
    response: PasskeyResponse

    def values(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class FactorProof(Strict):
    """Either `code`, or `state` and `credential`."""

    code: Annotated[CodeText | None, LEFT_OUT] = None
    state: Annotated[StateText | None, LEFT_OUT] = None
    credential: Annotated[PasskeyCredential | None, LEFT_OUT] = None
    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"code": "123456"}]}}

    def proof(self) -> str | PasskeyAnswer:
        """Raises Refused where it is neither, or both."""
        if self.code is not None and self.credential is None:
            return self.code
        if self.code is None and self.credential is not None and self.state is not None:
            return PasskeyAnswer(self.state, self.credential.values())
        raise Refused(Refusal(Code.INVALID, "either a code or a passkey's answer", errors=(("code", "required"),)))


class PasskeyLogIn(Strict):
    """A passkey's answer, from the console's log-in page."""

    state: StateText
    credential: PasskeyCredential

    def answer(self) -> PasskeyAnswer:
        return PasskeyAnswer(self.state, self.credential.values())


class PasskeyIn(Strict):
    name: Line
    state: StateText
    credential: PasskeyCredential
    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [
                {
                    "name": "安全钥匙",
                    "state": "c2VhbGVk",
                    "credential": {
                        "id": "AQID",
                        "rawId": "AQID",
                        "type": "public-key",
                        "response": {"clientDataJSON": "e30", "attestationObject": "oA"},
                    },
                }
            ]
        },
    }


@reply_type()
class FactorOut:
    id: str
    kind: FactorKind
    name: str
    created_at: datetime
    last_used_at: datetime | None


@reply_type()
class FactorsOut:
    """Your second factors. `required`: your roles log in with one."""

    items: tuple[FactorOut, ...]
    recovery_codes_left: int
    required: bool


@reply_type()
class NewTotpOut:
    """One-time codes to be confirmed by a first code, within an hour."""

    id: str
    secret: Annotated[str, Field(description="Base32, for an authenticator that reads no QR code; shown here only")]
    uri: Annotated[str, Field(description="`otpauth://…`, as the QR code holds it")]
    qr: Annotated[str, Field(description="The QR code as SVG")]


@reply_type()
class AddedFactorOut:
    """A factor that counts from now on."""

    factor: FactorOut
    recovery_codes: Annotated[
        tuple[str, ...], Field(description="With the first factor: each stands in for it once. Shown here only")
    ]


@reply_type()
class RecoveryCodesOut:
    """New codes; those before count no more."""

    recovery_codes: Annotated[tuple[str, ...], Field(description="Shown here only")]


@reply_type()
class LogInStageOut:
    """How far the log-in has come: `active`, or the step that it still lacks. `token`: to be sent from now on, the old
    one opens nothing any more; null where it came as a cookie, and goes as one."""

    stage: SessionStage
    expires_at: datetime
    token: str | None


@reply_type()
class CeremonyOut:
    """`options`: for `navigator.credentials` (WebAuthn, as `parseCreationOptionsFromJSON` and
    `parseRequestOptionsFromJSON` read it). `state`: to be sent back with the credential, within five minutes."""

    options: Mapping[str, Any]
    state: str


def factor_reply(row: Mapping[str, Any]) -> FactorOut:
    return FactorOut(row["id"], FactorKind(row["kind"]), row["name"], row["created_at"], row.get("last_used_at"))
