"""One's own browsers that are told of dangers."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.alerts import push_service
from hotline.alerts.schemas import PushDeviceAdded, PushDeviceIn, PushDevicePage, PushDevices, push_device_reply
from hotline.alerts.web_push import PushTarget, encode, is_public_key, public_key
from hotline.delivery.egress import EgressRules, is_web_address
from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, credential, require_roles
from hotline.organisation.model.actors import PERSON_ROLES, Role
from hotline.organisation.model.sessions import device_name
from hotline.organisation.service.accounts import session_hash
from hotline.organisation.service.sessions import load_managed_person
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.dependencies import TicketContext
from hotline.web.responses import READ_REFUSALS, json_reply, refusal_responses

router = APIRouter(prefix="/v1/me/push", tags=["alerts"], route_class=AuthenticatedRoute)
of_people = APIRouter(prefix="/v1/people", tags=["alerts"], route_class=AuthenticatedRoute)
Admin = Annotated[TicketContext, require_roles("accounts.manage", Role.ADMIN)]
Owner = Annotated[TicketContext, require_roles("push.own", *PERSON_ROLES)]


@router.get("", operation_id="read_my_push_devices", response_model=PushDevices, responses=refusal_responses())
async def read_my_push_devices(context: Owner) -> Response:
    """The browsers of yours that are told of dangers, and the server's public key."""
    key = public_key(await push_service.server_key(context.services, context.now))
    rows = await push_service.load_devices(context.services.db, context.actor.id)
    return json_reply(PushDevices(encode(key), tuple(map(push_device_reply, rows))))


@router.put(
    "", operation_id="add_push_device", response_model=PushDeviceAdded, responses=refusal_responses(*READ_REFUSALS)
)
async def add_push_device(body: PushDeviceIn, context: Owner) -> Response:
    """Tell this browser of dangers: place, kind and ticket, nothing of a caller, encrypted for it. A new one gets a
    first message at once; the same browser again is one device. It goes with this log-in: when you log out, end your
    sessions or change your password, it is told no more. A worker sends to it, and only to public addresses."""
    errors = []
    if not is_web_address(body.endpoint) or not body.endpoint.startswith("https://"):
        errors.append(("endpoint", "an address that begins with https://"))
    elif rule := context.services.part(EgressRules).broken_by(body.endpoint):
        errors.append(("endpoint", rule))
    if not is_public_key(body.keys.p256dh):
        errors.append(("keys.p256dh", "a public key of P-256"))
    if errors:
        raise Refused(Refusal(Code.INVALID, "the browser cannot be told like this", errors=tuple(errors)))
    target = PushTarget(body.endpoint, body.keys.p256dh, body.keys.auth)
    about = {
        "device": device_name(context.request.headers.get("user-agent", ""))[:60],
        "language": body.language,
        "session": session_hash(context.services, credential(context.request)),
    }
    device = await push_service.add_device(context.services, context.actor, target, about, context.now)
    return json_reply(PushDeviceAdded(device))


@router.delete(
    "/{device}", operation_id="remove_push_device", status_code=204, responses=refusal_responses(*READ_REFUSALS)
)
async def remove_push_device(device: CodePath, context: Owner) -> Response:
    """Tell one of your browsers no more."""
    await push_service.remove_device(context.services, context.actor, device)
    return Response(status_code=204)


@of_people.get(
    "/{person}/push",
    operation_id="list_push_devices",
    response_model=PushDevicePage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_push_devices(person: CodePath, context: Admin) -> Response:
    """The browsers of a person that are told of dangers, by login or id; for an administrator of an area or department,
    of those within it."""
    row = await load_managed_person(context.services, context.actor, person)
    rows = await push_service.load_devices(context.services.db, row.id)
    return json_reply(PushDevicePage(tuple(map(push_device_reply, rows))))


@of_people.delete(
    "/{person}/push/{device}",
    operation_id="end_push_device",
    status_code=204,
    responses=refusal_responses(*READ_REFUSALS),
)
async def end_push_device(person: CodePath, device: CodePath, context: Admin) -> Response:
    """Tell one browser of a person no more: a telephone that was lost. Its log-in goes on."""
    row = await load_managed_person(context.services, context.actor, person)
    await push_service.end_device(context.services, row.id, device, context.actor, context.now)
    return Response(status_code=204)
