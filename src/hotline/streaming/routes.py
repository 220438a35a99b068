"""The live stream, as server-sent events."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from hotline.database.engine import DatabaseUnavailable
from hotline.organisation.dependencies import AuthenticatedRoute, credential, directory_for_department, require_roles
from hotline.organisation.model.actors import PERSON_ROLES
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.service.accounts import authenticate, identify_credential
from hotline.refusals import Code, Refused
from hotline.streaming.schemas import BYE, MESSAGE_SCHEMA, framed
from hotline.streaming.service import Listener, Stream, StreamAccess
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.stream_events import StreamFilter
from hotline.web.field_types import CodeWord
from hotline.web.guard import CONTINUATION_KEY
from hotline.web.responses import READ_REFUSALS, refusal_responses

router = APIRouter(prefix="/v1", tags=["boards"], route_class=AuthenticatedRoute)
RECHECK_SECONDS = 60.0  # seconds after which the right to listen is looked at again
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a proxy that gathers would hold the events back
]


class EventStream(Response):
    """One task and one socket for each listener. `may_continue`: whether they may go on listening."""

    media_type = None  # it is declared with the route, where FastAPI would make it a plain text

    def __init__(
        self, stream: Stream, stream_filter: StreamFilter, owner: str, after: int | None, recent: int,
        may_continue: Callable[[], Awaitable[bool]], access: StreamAccess,
    ) -> None:  # fmt: skip
        super().__init__()
        self._access = access
        self._recent = recent
        self._stream, self._watching, self._owner, self._after, self._still = (
            stream,
            stream_filter,
            owner,
            after,
            may_continue,
        )

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        scope[CONTINUATION_KEY] = self.run  # all that answered the request is let go of first: a stream stays for hours

    async def run(self, receive: Receive, start: Send, send: Send) -> None:
        """Tell, until the listener goes. `start` begins the answer, with the headers every answer has."""

        def give(data: bytes) -> bool:
            """A send that would wait is taken back: the server waits before it writes, so nothing of it is out."""
            step: Any = send({"type": "http.response.body", "body": data, "more_body": True}).__await__()
            try:
                next(step)
            except StopIteration:
                return True
            step.close()
            return False

        async def wait(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        listener = Listener(self._stream, self._watching, self._owner, give, wait, self._access)
        listener.hold(asyncio.current_task())
        await start({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        try:
            await self._stream.join(listener, self._after, self._recent)
            await self._wait_for_disconnect(receive)
        except Refused:  # no room after all, or the database is unavailable: the client tries again
            pass
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not listener.ended or task is None:
                raise
            task.uncancel()  # ended by us: the rest of the request goes its way
        finally:
            self._stream.leave(listener)
        await send({"type": "http.response.body", "body": framed(BYE), "more_body": False})

    async def _wait_for_disconnect(self, receive: Receive) -> None:
        """Until the listener goes, or may listen no more."""
        while True:
            try:
                async with asyncio.timeout(RECHECK_SECONDS * random.uniform(0.75, 1.25)):  # noqa: S311 - to spread
                    if (await receive())["type"] == "http.disconnect":
                        return
            except TimeoutError:
                if not await self._still():
                    return


@router.get(
    "/stream",
    operation_id="listen",
    response_class=EventStream,
    status_code=200,
    responses={
        200: {
            "description": "Server-sent events, each as the schema has it",
            "content": {"text/event-stream": {"schema": MESSAGE_SCHEMA}},
        },
        **refusal_responses(*READ_REFUSALS, Code.OVERLOADED),
    },
)
async def listen(
    context: Annotated[TicketContext, require_roles("stream.listen", *PERSON_ROLES)],
    department: Annotated[
        list[CodeWord] | None, Query(max_length=20, description="Only what concerns these departments, and all below")
    ] = None,
    last_event_id: Annotated[
        int | None, Header(ge=0, description="The `id` of the last event you have; the events after it are sent first")
    ] = None,
    after: Annotated[int | None, Query(ge=0, description="The same, for clients that cannot set the header")] = None,
    recent: Annotated[
        int,
        Query(
            ge=0, le=200, description="Without a position to resume from: this many of the latest events are sent first"
        ),
    ] = 0,
) -> Response:
    """Live events within your scope: one `ticket` event for each timeline entry, in commit order, with what changed but
    no caller and no text; read the ticket for those. `hello` gives your position, `resync` means read everything again,
    `bye` means reconnect. The stream ends within about a second when your account or key is changed, disabled, revoked
    or expires. A comment every 15 seconds keeps the connection open."""
    services, actor, token = context.services, context.actor, credential(context.request)
    departments: frozenset[str] | None = None
    for code in department or ():
        directory = await directory_for_department(context, code)
        departments = (departments or frozenset()) | directory.department_subtrees.get(code, frozenset({code}))
    owner = f"{actor.kind}:{actor.id}"
    services.part(Stream).check_room(owner)

    actor_cache = context.actor_cache

    async def still() -> bool:
        """A page that only listens, as each does, keeps no session from ending for want of use."""
        try:
            return await authenticate(services, actor_cache, token, services.clock(), is_use=False) == actor
        except DatabaseUnavailable:
            return True
        except Refused:
            return False

    place = last_event_id if last_event_id is not None else after
    access = StreamAccess(identify_credential(services, token or ""), actor)
    return EventStream(
        services.part(Stream), StreamFilter(scope_of(actor), departments), owner, place, recent, still, access
    )
