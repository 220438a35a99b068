"""What became of a token: /tokens/{token}."""

from hotline.inbound import store as inbound_store
from hotline.inbound.model import InboundKind
from hotline.open311 import store as open311_store
from hotline.open311.routes.request import Open311Error, Open311Request
from hotline.open311.schemas import Open311Token, Open311TokenResult
from hotline.open311.serializer import ListDocument


async def token_result(request: Open311Request, token: str) -> ListDocument:
    row = await inbound_store.load_item(request.services.db, token)
    if row is None or row.kind != InboundKind.REQUEST:
        raise Open311Error(404, "token: no such token")
    if row.number is None:
        return ListDocument("service_requests", "request", [Open311Token(token)])
    if await open311_store.is_hidden(request.services.db, row.number):  # the token is its sender's: it needs no key
        raise Open311Error(404, "token: no such token")
    return ListDocument("service_requests", "request", [Open311TokenResult(row.number, token)])
