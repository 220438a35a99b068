"""Second factors: your own, and what an administrator may reset."""

import io
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.dependencies import (
    AuthenticatedRoute,
    CodePath,
    StaffContext,
    credential,
    require_roles,
    set_session_cookie,
)
from hotline.organisation.model.actors import PERSON_ROLES, ActorKind, Role
from hotline.organisation.model.second_factors import needs_second_factor
from hotline.organisation.model.sessions import FACTOR_STAGES
from hotline.organisation.schemas.second_factors import (
    AddedFactorOut,
    CeremonyOut,
    CodeIn,
    FactorIn,
    FactorProof,
    FactorsOut,
    LogInStageOut,
    NewTotpOut,
    PasskeyIn,
    RecoveryCodesOut,
    factor_reply,
)
from hotline.organisation.service import factor_changes, passkeys, second_step
from hotline.organisation.service.factor_changes import AddedFactor
from hotline.organisation.service.second_factors import NewTotp, load_factors
from hotline.organisation.service.second_step import AskingSession
from hotline.organisation.service.sessions import StartedSession, load_managed_person
from hotline.refusals import Code, Refusal, Refused
from hotline.web.responses import POST_REFUSALS, READ_REFUSALS, action_reply, json_reply, refusal_responses
from hotline.web.schemas import dump_json

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=AuthenticatedRoute)
Person = Annotated[StaffContext, require_roles("factors.manage", *PERSON_ROLES)]
# also somebody whose log-in waits for a factor that is not there yet
Newcomer = Annotated[StaffContext, require_roles("factors.manage", *PERSON_ROLES, stages=FACTOR_STAGES)]
Pending = Annotated[StaffContext, require_roles("token.factor", *PERSON_ROLES, stages=FACTOR_STAGES)]
Admin = Annotated[StaffContext, require_roles("factors.reset", Role.ADMIN)]


async def _session(context: StaffContext) -> AskingSession:
    """The session of a person who asks. Raises Refused where it is a key: keys have no second factors."""
    if context.actor.kind is not ActorKind.PERSON:
        raise Refused(Refusal(Code.NOT_FOUND, "keys have no second factors: log in as a person"))
    return await second_step.load_asking_session(context.services, credential(context.request))


def _render_totp(new: NewTotp) -> str:
    return dump_json(NewTotpOut(new.id, new.secret, new.uri, _qr_code(new.uri)))


def _qr_code(text: str) -> str:
    import segno

    drawn = io.BytesIO()
    segno.make_qr(text, error="m").save(drawn, kind="svg", scale=4, xmldecl=False, nl=False)
    return drawn.getvalue().decode()


def _render_added(added: AddedFactor) -> str:
    return dump_json(AddedFactorOut(factor_reply(added.row), added.codes))


def _render_codes(codes: tuple[str, ...]) -> str:
    return dump_json(RecoveryCodesOut(codes))


@router.get(
    "/me/factors",
    operation_id="list_my_factors",
    response_model=FactorsOut,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_my_factors(context: Newcomer) -> Response:
    """Your second factors, the oldest first, and how many recovery codes are left."""
    person = (await _session(context)).row
    found = await load_factors(context.services, person.id)
    required = needs_second_factor(map(Role, person.roles), context.services.second_factor_required)
    items = tuple(factor_reply(row._asdict()) for row in found.rows)
    return json_reply(FactorsOut(items, found.codes_left, required))


@router.post(
    "/me/factors/totp",
    operation_id="begin_one_time_codes",
    response_model=NewTotpOut,
    status_code=201,
    responses=refusal_responses(*POST_REFUSALS),
)
async def begin_one_time_codes(body: FactorIn, context: Newcomer) -> Response:
    """Set one-time codes up (TOTP): a secret for an authenticator. They count once a first code has confirmed them.
    Changing factors needs a log-in that is not older than 15 minutes."""
    session, request = await _session(context), await context.write_request()
    return action_reply(
        await factor_changes.begin_totp_once(context.services, session, body.name, request, _render_totp)
    )


@router.post(
    "/me/factors/{factor}/confirmation",
    operation_id="confirm_one_time_codes",
    response_model=AddedFactorOut,
    responses=refusal_responses(*POST_REFUSALS),
)
async def confirm_one_time_codes(factor: CodePath, body: CodeIn, context: Newcomer) -> Response:
    """Confirm one-time codes by a first code. From now on a log-in asks for one; your other sessions end."""
    session, request = await _session(context), await context.write_request()
    return action_reply(
        await factor_changes.confirm_totp_once(
            context.services,
            context.actor_cache,
            session,
            factor_changes.FirstCode(factor, body.code),
            request,
            _render_added,
        )
    )


@router.post(
    "/me/factors/passkey/options",
    operation_id="begin_passkey",
    response_model=CeremonyOut,
    responses=refusal_responses(*POST_REFUSALS),
)
async def begin_passkey(context: Newcomer) -> Response:
    """What a browser needs to make a passkey. Nothing is stored."""
    session = await _session(context)
    person = session.row
    await second_step.require_recent_log_in(context.services, session, context.now)
    begun = await passkeys.registration_options(context.services, person.id, person.login, person.name, context.now)
    return json_reply(CeremonyOut(begun.options, begun.state))


@router.post(
    "/me/factors/passkey",
    operation_id="add_passkey",
    response_model=AddedFactorOut,
    status_code=201,
    responses=refusal_responses(*POST_REFUSALS),
)
async def add_passkey(body: PasskeyIn, context: Newcomer) -> Response:
    """Add the passkey that a browser made. From now on a log-in asks for a second factor; your other sessions end."""
    session, request = await _session(context), await context.write_request()
    new = passkeys.PasskeyAnswer(body.state, body.credential.values(), body.name)
    return action_reply(
        await factor_changes.add_passkey_once(
            context.services, context.actor_cache, session, new, request, _render_added
        )
    )


@router.delete(
    "/me/factors/{factor}",
    operation_id="remove_factor",
    status_code=204,
    responses=refusal_responses(*READ_REFUSALS, Code.CONFLICT),
)
async def remove_factor(factor: CodePath, context: Person) -> Response:
    """Remove one of your factors. The recovery codes go with the last one, which stays where your role needs one. Your
    other sessions end."""
    await factor_changes.remove_factor(
        context.services, context.actor_cache, await _session(context), factor, context.now
    )
    return Response(status_code=204)


@router.post(
    "/me/recovery-codes",
    operation_id="renew_recovery_codes",
    response_model=RecoveryCodesOut,
    status_code=201,
    responses=refusal_responses(*POST_REFUSALS),
)
async def renew_recovery_codes(context: Person) -> Response:
    """Get new recovery codes; those before count no more."""
    session, request = await _session(context), await context.write_request()
    return action_reply(
        await factor_changes.renew_recovery_codes_once(context.services, session, request, _render_codes)
    )


@router.get(
    "/people/{person}/factors",
    operation_id="list_factors",
    response_model=FactorsOut,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_factors(person: CodePath, context: Admin) -> Response:
    """The second factors of a person, by login or id, without their secrets; for an administrator of an area or
    department, of those within it."""
    row = await load_managed_person(context.services, context.actor, person)
    found = await load_factors(context.services, row.id)
    required = needs_second_factor(map(Role, row.roles), context.services.second_factor_required)
    items = tuple(factor_reply(each._asdict()) for each in found.rows)
    return json_reply(FactorsOut(items, found.codes_left, required))


@router.delete(
    "/people/{person}/factors",
    operation_id="reset_factors",
    status_code=204,
    responses=refusal_responses(*READ_REFUSALS, Code.CONFLICT),
)
async def reset_factors(person: CodePath, context: Admin) -> Response:
    """Remove all second factors and recovery codes of a person who lost them, by login or id, and end their sessions.
    They log in by password alone, and where their role needs a factor they set one up then. Needs a log-in that is not
    older than 15 minutes (401); your own factors are removed under `/v1/me` alone (409)."""
    await second_step.require_recent_administrator(
        context.services, context.actor, credential(context.request), context.now
    )
    await factor_changes.reset_factors(context.services, context.actor_cache, person, context.now, context.actor)
    return Response(status_code=204)


@router.post(
    "/token/factor/options",
    operation_id="begin_second_step",
    response_model=CeremonyOut,
    responses=refusal_responses(*POST_REFUSALS),
)
async def begin_second_step(context: Pending) -> Response:
    """What a browser needs to answer by one of your passkeys, while a log-in waits for its second step."""
    session = await _session(context)
    begun = await passkeys.log_in_options(context.services, session.row.id, context.now)
    return json_reply(CeremonyOut(begun.options, begun.state))


@router.post(
    "/token/factor",
    operation_id="finish_log_in",
    response_model=LogInStageOut,
    responses=refusal_responses(*POST_REFUSALS),
)
async def finish_log_in(body: FactorProof, context: Pending) -> Response:
    """The second step of a log-in: a one-time code or a recovery code, or the answer of a passkey. The reply has a new
    token, which opens what is yours; the one sent with this request opens nothing any more, also for a repeat: where
    the reply was lost, log in again. Wrong codes are counted by person."""
    session, request = await _session(context), await context.write_request()
    by_cookie, renewed = "authorization" not in context.request.headers, list[StartedSession]()

    def render(begun: StartedSession) -> str:
        renewed.append(begun)
        return dump_json(LogInStageOut(begun.stage, begun.expires_at, None if by_cookie else begun.token))

    answer = action_reply(
        await second_step.finish_log_in(context.services, context.actor_cache, session, body.proof(), request, render)
    )
    if by_cookie and renewed:
        set_session_cookie(answer, context.services, renewed[-1].token)
    return answer
