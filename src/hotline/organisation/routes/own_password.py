"""Your own password."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, StaffContext, credential, require_roles
from hotline.organisation.model.actors import PERSON_ROLES
from hotline.organisation.model.sessions import CHANGES_PASSWORD
from hotline.organisation.schemas.accounts import OwnPassword
from hotline.organisation.service.own_password import PasswordChange, change_own_password
from hotline.refusals import Code
from hotline.web.responses import POST_REFUSALS, action_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=AuthenticatedRoute)


@router.post(
    "/me/password",
    operation_id="change_my_password",
    status_code=204,
    responses=refusal_responses(*POST_REFUSALS, Code.STALE),
)
async def change_my_password(
    body: OwnPassword,
    context: Annotated[StaffContext, require_roles("password.own", *PERSON_ROLES, stages=CHANGES_PASSWORD)],
) -> Response:
    """Replace your password: 12 characters or more, of any kind, and not easy to guess. Every other session of yours
    ends. After a log-in whose `stage` is `pending_password`, this is the step that makes it active."""
    change = PasswordChange(body.old_password, body.new_password, credential(context.request) or "")
    return action_reply(
        await change_own_password(context.services, context.actor_cache, change, await context.write_request())
    )
