"""`/.well-known/security.txt` (RFC 9116): where a weakness of this installation is reported."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, allow_anonymous
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.dependencies import TicketContext
from hotline.web.responses import refusal_responses_only

PATH = "/.well-known/security.txt"
VALID_FOR = timedelta(days=180)  # less than a year, as the standard advises; each answer is dated anew
NO_CONTACT = Refusal(Code.NOT_FOUND, "no contact for security is set: HOTLINE_SECURITY_CONTACT")
_TEXT = {"text/plain": {"schema": {"type": "string"}}}

router = APIRouter(tags=["operations"], route_class=AuthenticatedRoute)


@dataclass(frozen=True, slots=True)
class SecurityContact:
    """`uri`: mailto:, https: or tel:. None: nobody is named."""

    uri: str | None


@router.get(
    PATH,
    operation_id="security_txt",
    response_class=Response,
    responses={
        200: {"description": "Whom to tell of a weakness", "content": _TEXT},
        **refusal_responses_only(Code.INVALID, Code.NOT_FOUND, Code.TOO_MANY, Code.INTERNAL),
    },
)
async def security_txt(context: Annotated[TicketContext, allow_anonymous("security_contact.read")]) -> Response:
    """Whom to tell of a weakness found here (RFC 9116). 404 where nobody is named."""
    uri = context.services.part(SecurityContact).uri
    if uri is None:
        raise Refused(NO_CONTACT)
    canonical = f"{context.services.public_url.rstrip('/')}{PATH}"
    return Response(render_security_txt(uri, canonical, context.now), media_type="text/plain; charset=utf-8")


def render_security_txt(contact: str, canonical: str, now: datetime) -> str:
    """The file, valid for half a year from `now`. `canonical`: its own address, named where it is https."""
    lines = [
        f"Contact: {contact}",
        f"Expires: {(now + VALID_FOR).strftime('%Y-%m-%dT00:00:00Z')}",
        "Preferred-Languages: zh, en",
    ]
    if canonical.startswith("https://"):
        lines.append(f"Canonical: {canonical}")
    return "\n".join(lines) + "\n"
