"""Logging in at an identity provider: the way there, the way back, and out again.

What the way back needs travels in a sealed cookie, so that strangers write nothing to the database. A person is added
or brought up to date at each log-in, as the claims say; a log-in name that somebody else has is never taken over."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import sqlalchemy as sa
import structlog

from hotline.oidc import store
from hotline.oidc.model import IdentityClaims, IdentityProvider, granted, is_subject, login_of, name_of
from hotline.oidc.people import NotProvisioned, provision_person
from hotline.oidc.provider_client import Metadata, ProviderClient, ProviderFault
from hotline.oidc.providers import Providers
from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.second_factors import needs_second_factor
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.service import sessions
from hotline.organisation.service.accounts import ActorCache, keyed_hash
from hotline.organisation.service.sessions import LogInOrigin, NewSession, StartedSession, start_session
from hotline.organisation.store import second_factors as factor_store
from hotline.organisation.store.sessions import end_session, load_people_of
from hotline.refusals import Code, Refusal, Refused
from hotline.secrets.sealed_state import UnusableState, open_state, seal_state
from hotline.security_log.store import NOBODY, Principal, SecurityEvent, record_deeds
from hotline.security_log.vocabulary import Deed, EventOutcome

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger()
LOG_IN_LIFETIME = timedelta(minutes=10)  # to log in at the provider
LOGOUT_LIFETIME = timedelta(minutes=15)  # for which a logout token is remembered: longer than one is accepted
_CONTEXT = "oidc log-in"
NO_PROVIDER = Refusal(Code.NOT_FOUND, "no such identity provider")


class LogInFailure(StrEnum):
    """Why nobody was logged in, as the page tells it."""

    START_AGAIN = "start_again"  # no log-in of this browser, or it took too long, or it was finished already
    NOT_LOGGED_IN = "not_logged_in"  # the provider says so
    NOT_TRUSTED = "not_trusted"  # what it sent does not hold
    UNMAPPED = "unmapped"
    LOGIN_TAKEN = "login_taken"
    CLOSED = "closed"


class LogInFailed(Exception):
    def __init__(self, failure: LogInFailure) -> None:
        super().__init__(failure)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class LogInTarget:
    """Where somebody goes once they are logged in, and the session that the browser has now, by its hash: it ends
    then. Browsers do not send its cookie with the callback."""

    page: str
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The way to a provider. `address`: where the browser goes; `cookie`: what it brings back."""

    address: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Callback:
    """What a browser comes back with: the parameters of the address, and its cookie."""

    query: Mapping[str, str]
    cookie: str


@dataclass(frozen=True, slots=True)
class LogInResult:
    """Somebody is logged in, and wanted to go to this page."""

    session: StartedSession
    next: str


def callback_address(services: OrganisationServices, code: str) -> str:
    return f"{services.public_url.rstrip('/')}/console/oidc/{code}/callback"


async def _provider(services: OrganisationServices, code: str) -> tuple[IdentityProvider, str | None]:
    """A provider that is in use, and our secret there. Raises Refused where there is none."""
    found = await services.part(Providers).find(services, code)
    if found is None or not found.provider.active:
        raise Refused(NO_PROVIDER)
    return found.provider, found.secret(services)


async def begin_log_in(
    services: OrganisationServices, code: str, wanted: LogInTarget, now: datetime
) -> AuthorizationRequest:
    """Where a browser logs in at a provider. Raises Refused where the provider does not answer."""
    provider, _ = await _provider(services, code)
    client = services.part(ProviderClient)
    try:
        async with client.connect(provider) as connection:
            metadata = await client.metadata(connection, provider)
    except ProviderFault as fault:
        raise _unusable(code, fault) from None
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": callback_address(services, code),
        "scope": " ".join(provider.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if provider.acr_values:
        query["acr_values"] = " ".join(provider.acr_values)
    if provider.max_age is not None:
        query["max_age"] = str(provider.max_age)
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    kept = [state, nonce, verifier, wanted.page, wanted.previous or ""]
    sealed = seal_state(services.secret, _CONTEXT, [code], kept, now + LOG_IN_LIFETIME)
    return AuthorizationRequest(f"{metadata.authorization_endpoint}{joint}{urlencode(query)}", sealed)


def _unusable(code: str, fault: ProviderFault) -> Refused:
    log.warning("identity provider unusable", provider=code, fault=str(fault))
    return Refused(Refusal(Code.UNAVAILABLE, "the identity provider answers what it must not; see the log"))


async def complete_log_in(
    services: OrganisationServices, code: str, returned: Callback, origin: LogInOrigin, now: datetime
) -> LogInResult:
    """Log somebody in who comes back from a provider. Raises LogInFailed, and Refused where provider or database do not
    answer."""
    try:
        return await _arrive(services, code, returned, origin, now)
    except LogInFailed as failed:
        details = {"method": f"oidc:{code[:40]}", "why": failed.failure}
        services.security_log.note(
            SecurityEvent(Deed.LOG_IN_FAILED, NOBODY, now, details=details, outcome=EventOutcome.FAILED)
        )
        raise


async def _arrive(
    services: OrganisationServices, code: str, returned: Callback, origin: LogInOrigin, now: datetime
) -> LogInResult:
    provider, secret = await _provider(services, code)
    nonce, verifier, wanted = _open_cookie(services, code, returned, now)
    query = returned.query
    if "error" in query or "code" not in query:
        raise LogInFailed(LogInFailure.NOT_LOGGED_IN)
    form = {
        "grant_type": "authorization_code",
        "code": query["code"],
        "redirect_uri": callback_address(services, code),
        "code_verifier": verifier,
    }
    claims = await _claims(services, _Exchange(provider, secret, form, nonce, query.get("iss")), now)
    session = await _log_in(services, provider, claims, replace(origin, previous=wanted.previous), now)
    return LogInResult(session, wanted.page)


def _open_cookie(
    services: OrganisationServices, code: str, returned: Callback, now: datetime
) -> tuple[str, str, LogInTarget]:
    """Nonce, verifier and what was wanted. Raises LogInFailed where the browser did not set out from here."""
    try:
        opened = open_state(services.secret, _CONTEXT, [code], returned.cookie, now)
        state, nonce, verifier, page, previous = opened
    except (UnusableState, ValueError):
        raise LogInFailed(LogInFailure.START_AGAIN) from None
    if not compare_digest(str(state).encode(), returned.query.get("state", "").encode()):
        raise LogInFailed(LogInFailure.START_AGAIN)
    return nonce, verifier, LogInTarget(page, previous or None)


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A code to be exchanged. `secret`: ours at the provider; `sent_issuer`: whose the code is said to be."""

    provider: IdentityProvider
    secret: str | None
    form: Mapping[str, str]
    nonce: str
    sent_issuer: str | None


async def _claims(services: OrganisationServices, exchange: _Exchange, now: datetime) -> Mapping[str, Any]:
    """The claims about whoever logged in, checked. Raises LogInFailed."""
    from hotline.oidc.id_token import InvalidToken, check_strength

    client, provider = services.part(ProviderClient), exchange.provider
    try:
        async with client.connect(provider) as connection:
            metadata = await client.metadata(connection, provider)
            _check_sender(metadata, provider, exchange.sent_issuer)
            tokens = await client.exchange(connection, provider, exchange.secret, exchange.form)
            claims = await _checked(client, connection, provider, str(tokens.get("id_token", "")), exchange.nonce, now)
            check_strength(claims, provider.acr_values, provider.max_age, now)
            if not provider.userinfo:
                return claims
            more = await client.userinfo(connection, provider, str(tokens.get("access_token", "")))
    except (ProviderFault, InvalidToken) as fault:
        log.warning("log-in at identity provider refused", provider=provider.code, fault=str(fault))
        raise LogInFailed(LogInFailure.NOT_TRUSTED) from None
    if more and more.get("sub") != claims["sub"]:  # another person's, put in by whoever stands between
        log.warning("log-in at identity provider refused", provider=provider.code, fault="userinfo is another's")
        raise LogInFailed(LogInFailure.NOT_TRUSTED)
    return {**more, **claims}


def _check_sender(metadata: Metadata, provider: IdentityProvider, sent: str | None) -> None:
    """A code of another provider is not taken to this one (RFC 9207)."""
    if (sent is not None or metadata.sends_issuer) and sent != provider.issuer:
        raise ProviderFault("the code is another issuer's")


async def _checked(
    client: ProviderClient,
    connection: "httpx.AsyncClient",
    provider: IdentityProvider,
    token: str,
    nonce: str,
    now: datetime,
) -> Mapping[str, Any]:
    from hotline.oidc.id_token import UnknownKey, check_id_token

    keys = await client.keys(connection, provider)
    try:
        return check_id_token(token, keys, provider.issuer, provider.client_id, nonce, now)
    except UnknownKey:
        keys = await client.keys(connection, provider, unknown_key=True)
        return check_id_token(token, keys, provider.issuer, provider.client_id, nonce, now)


def _identity_claims(provider: IdentityProvider, claims: Mapping[str, Any]) -> IdentityClaims:
    grant, login = granted(provider.mapping, claims), login_of(provider.mapping, claims)
    if grant is None or login is None:
        raise LogInFailed(LogInFailure.UNMAPPED)
    return IdentityClaims(claims["sub"], login, name_of(provider.mapping, claims, login), grant)


async def _log_in(
    services: OrganisationServices,
    provider: IdentityProvider,
    claims: Mapping[str, Any],
    origin: LogInOrigin,
    now: datetime,
) -> StartedSession:
    from hotline.oidc.id_token import authenticated_at

    claimed = _identity_claims(provider, claims)
    try:
        change = await provision_person(services, provider, claimed, now)
    except NotProvisioned as fault:
        raise LogInFailed(LogInFailure(fault.reason)) from None
    asks = provider.own_factor and (
        needs_second_factor(claimed.grant.roles, services.second_factor_required)
        or (change.known is not None and await services.second_factors.is_required(change.known))
    )
    stage = SessionStage.PENDING_FACTOR if asks else SessionStage.ACTIVE
    proved_at = authenticated_at(claims, now)
    sid = claims.get("sid") if is_subject(claims.get("sid")) else None

    def begin(c: sa.Connection) -> StartedSession:
        factor_store.use_challenge(c, _once(claims["nonce"]), now + LOG_IN_LIFETIME)
        person, events = change.write(c)
        method = f"oidc:{provider.code}"
        session = start_session(c, services, NewSession(person, origin, method, stage, proved_at), now)
        row = {"session": keyed_hash(services, session.token), "provider": provider.code, "subject": claimed.subject}
        store.add_session(c, {**row, "sid": sid, "expires_at": now + services.account_rules.session_lifetime})
        who, details = Principal("person", person, claimed.name), {"method": method, "stage": stage}
        record_deeds(c, [*events, SecurityEvent(Deed.LOG_IN, who, now, ("person", person), details)])
        return session

    try:
        return await services.db.transact(begin)
    except sa.exc.IntegrityError:  # this log-in was finished already, or another took the name a moment ago
        raise LogInFailed(LogInFailure.START_AGAIN) from None


def _once(text: str) -> str:
    return hashlib.sha256(f"oidc {text}".encode()).hexdigest()


async def log_out(
    services: OrganisationServices, actor_cache: ActorCache, token: str, back: str, now: datetime
) -> str | None:
    """End a session here, and then ask where the browser ends the one at the provider, too. None: it began here, or the
    provider has no such page or does not answer."""
    hashed = keyed_hash(services, token)
    row = await store.load_session(services.db, hashed)
    await sessions.log_out(services, actor_cache, token, now)
    if row is None:
        return None
    await services.db.transact(lambda c: store.delete_session(c, hashed))
    client = services.part(ProviderClient)
    try:
        provider, _ = await _provider(services, row.provider)
        async with client.connect(provider) as connection:
            metadata = await client.metadata(connection, provider)
    except (Refused, ProviderFault):
        return None
    if metadata.end_session_endpoint is None:
        return None
    query = {"client_id": provider.client_id, "post_logout_redirect_uri": services.public_url.rstrip("/") + back}
    joint = "&" if "?" in metadata.end_session_endpoint else "?"
    return f"{metadata.end_session_endpoint}{joint}{urlencode(query)}"


async def log_out_from_provider(
    services: OrganisationServices, actor_cache: ActorCache, code: str, token: str, now: datetime
) -> int:
    """End the sessions that a provider's logout token names (Back-Channel Logout); how many. Raises Refused where the
    token does not hold."""
    from hotline.oidc.id_token import InvalidToken, UnknownKey, check_logout_token

    provider, _ = await _provider(services, code)
    client = services.part(ProviderClient)
    try:
        async with client.connect(provider) as connection:
            keys = await client.keys(connection, provider)
            try:
                claims = check_logout_token(token, keys, provider.issuer, provider.client_id, now)
            except UnknownKey:
                keys = await client.keys(connection, provider, unknown_key=True)
                claims = check_logout_token(token, keys, provider.issuer, provider.client_id, now)
    except (ProviderFault, InvalidToken) as fault:
        log.warning("logout token refused", provider=code, fault=str(fault))
        why, failed = {"why": "logout token"}, EventOutcome.FAILED
        services.security_log.note(SecurityEvent(Deed.SESSION_ENDED, NOBODY, now, ("provider", code), why, failed))
        raise Refused(Refusal(Code.BAD_REQUEST, "the logout token does not hold")) from None

    def end(c: sa.Connection) -> int:
        factor_store.use_challenge(c, _once(f"{code} {claims['jti']}"), now + LOGOUT_LIFETIME)
        taken = store.take_sessions(c, code, claims.get("sub"), claims.get("sid"))
        people = load_people_of(c, taken)
        ended = sum(end_session(c, hashed) for hashed in taken)
        by = Principal("system", f"oidc:{code}", provider.name)
        counts = {("person", person): people.count(person) for person in people} or {("provider", code): 0}
        record_deeds(c, [SecurityEvent(Deed.SESSION_ENDED, by, now, who, {"count": n}) for who, n in counts.items()])
        return ended

    try:
        ended = await services.db.transact(end)
    except sa.exc.IntegrityError:
        raise Refused(Refusal(Code.BAD_REQUEST, "the logout token was used before")) from None
    actor_cache.forget()
    return ended
