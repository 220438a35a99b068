"""What a route is given: the house, the moment, who asks and whether they may, the key and version they sent."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Depends, Header, Path, Request

from hotline.domain.ticket import Actor, Refusal, Refused
from hotline.domain.vocabulary import Code, Role
from hotline.services.accounts import Believed, who_is
from hotline.services.act import Asked
from hotline.services.house import House

_VERSION = re.compile(r'"?([0-9]{1,9})"?')


# All of these are async: FastAPI sends a plain function to a thread, which costs more than what it does here.


async def the_house(request: Request) -> House:
    return request.app.state.house  # type: ignore[no-any-return]


async def the_moment(request: Request) -> datetime:
    return request.app.state.house.clock()  # type: ignore[no-any-return]


async def believed_of(request: Request) -> Believed:
    return request.app.state.believed  # type: ignore[no-any-return]


TheHouse = Annotated[House, Depends(the_house)]
Now = Annotated[datetime, Depends(the_moment)]
TheBelieved = Annotated[Believed, Depends(believed_of)]


def bearer(request: Request) -> str | None:
    kind, _, credential = request.headers.get("authorization", "").partition(" ")
    return credential.strip() if kind.lower() == "bearer" else None


class Policy:
    """Who may use a route. Declared on every one of them; a test fails where it is missing."""

    def __init__(self, rule: str, roles: frozenset[Role] | None) -> None:
        self.rule, self.roles = rule, roles

    async def __call__(self, request: Request) -> Actor | None:
        if self.roles is None:
            return None
        house: House = request.app.state.house
        actor = await who_is(house, request.app.state.believed, bearer(request), house.clock())
        if not actor.roles & self.roles:
            raise Refused(Refusal(Code.NOT_YOUR_ROLE, f"{self.rule} is not for your role"))
        return actor

    def declared(self) -> dict[str, Any]:
        return {"rule": self.rule, "roles": None if self.roles is None else sorted(self.roles)}


def may(rule: str, *roles: Role) -> Any:
    """Only these roles."""
    return Depends(Policy(rule, frozenset(roles)))


def anybody(rule: str) -> Any:
    """Without credentials: declared, not forgotten."""
    return Depends(Policy(rule, None))


SentKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="1-255 visible ASCII characters. The same key with the same request gets the same answer for 72 hours.",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
    ),
]


def fingerprint(request: Request, body: bytes) -> str:
    """What tells one request from another under the same key."""
    return hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + body).hexdigest()


async def asked_of(request: Request, key: SentKey = None) -> tuple[str | None, str]:
    """The key as sent, and the fingerprint of the request."""
    return key, fingerprint(request, await request.body())


KeyAndPrint = Annotated[tuple[str | None, str], Depends(asked_of)]


def asked_by(actor: Actor, sent: tuple[str | None, str]) -> Asked:
    """The request's key in its owner's name; one of our own where none was sent."""
    key, digest = sent
    return Asked(f"{actor.kind}:{actor.id}", key or f"own-{uuid4().hex}", digest, keep_body=key is not None)


async def version_of(
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", description='The version you saw, as its ETag said: `"3"`.', examples=['"3"']),
    ] = None,
) -> int:
    if if_match is None:
        raise Refused(Refusal(Code.VERSION_REQUIRED, "send If-Match with the version you saw", errors=(("If-Match", "required"),)))
    found = _VERSION.fullmatch(if_match.strip())
    if found is None:
        raise Refused(Refusal(Code.BAD_REQUEST, "If-Match is no version", errors=(("If-Match", 'a version as "3"'),)))
    return int(found[1])


Version = Annotated[int, Depends(version_of)]
NumberPath = Annotated[str, Path(description="A ticket number, check digit included", max_length=40, examples=["100000006"])]
CodePath = Annotated[str, Path(max_length=60)]
Showing = Callable[..., Any]
