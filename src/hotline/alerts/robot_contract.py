"""What a chat group's robot is: how a provider wants a text, and what its answers mean."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import httpx

from hotline.delivery import registry
from hotline.delivery.account import Account
from hotline.delivery.egress import is_web_address
from hotline.delivery.gateway_settings import GatewaySettings, TextList, setting, validator
from hotline.delivery.model import GatewayKind
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.delivery.provider import GatewayProvider, Secret
from hotline.delivery.provider_client import parse_json_response, send_request
from hotline.locales import LANGUAGES
from hotline.organisation.model.vocabulary import Danger

PAUSE = 60.0  # seconds: every provider takes 20 messages a minute
MAX_TEXT = 600  # characters; WeCom takes 2048 bytes
SYSTEM_BUSY = -1
Language = Annotated[str, validator(lambda value: value in LANGUAGES, f"one of {', '.join(LANGUAGES)}")]


Dangers = Annotated[
    TextList, validator(lambda value: set(value) <= set(Danger), f"a list of {', '.join(sorted(Danger))}")
]


class RobotSettings(GatewaySettings):
    """What every robot may have set."""

    title: str | None = setting("what its group is called")
    dangers: Dangers | None = setting("the dangers it is told; absent: every one")
    department: str | None = setting("code of the department whose group it is in; absent: the whole hotline's")
    language: Language | None = setting("of its texts; zh-Hans where absent")
    keyword: str | None = setting("a word that the provider wants in every text")


def _url_error(value: str) -> str | None:
    return None if is_web_address(value) else "an address that begins with https:// or http://"


URL = Secret("url", "the address the provider shows, with its key", authenticates=True, fault=_url_error)
SIGNING = Secret("signing", "where the robot has a signing secret")


@dataclass(frozen=True, slots=True)
class RobotRequest:
    """One text as the provider wants it."""

    url: str
    body: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RobotProvider(GatewayProvider):
    """A provider of robots. `request`: makes the request of one text; `busy`: the codes that mean later, not never."""

    request: Callable[[Account, str, datetime], RobotRequest]
    busy: frozenset[int]


def robot_provider(name: str) -> RobotProvider:
    """A provider by name. Raises Refused where it cannot be loaded."""
    return registry.find_provider(GatewayKind.ROBOT, name, RobotProvider)


async def send_robot_text(
    provider: RobotProvider, client: httpx.AsyncClient, account: Account, text: str, now: datetime
) -> None:
    """Post one text to a group. An answer of status 200 is a failure where its code is not 0. Raises GatewayDown or
    GatewayRefused; neither repeats the address, which is a secret."""
    keyword = account.setting("keyword")
    whole = text if not keyword or keyword in text else f"{keyword} {text}"
    request = provider.request(account, whole[:MAX_TEXT], now)
    reply = await send_request(client, "POST", request.url, json=request.body)
    found = parse_json_response(reply) if reply.is_success or reply.content[:1] == b"{" else {}
    code = answer_code(found)
    if code == 0 and reply.is_success:
        return
    if code is None:
        if reply.is_success:
            raise GatewayDown("an answer without a code")
        raise GatewayRefused(f"http {reply.status_code}")
    if code in provider.busy or code == SYSTEM_BUSY:
        raise GatewayDown(f"code {code}", PAUSE)
    raise GatewayRefused(f"code {code}")


def answer_code(answer: Any) -> int | None:
    """The code of an answer: `errcode`, `code` or, from older robots of Feishu, `StatusCode`."""
    if not isinstance(answer, dict):
        return None
    found = next((answer[name] for name in ("errcode", "code", "StatusCode") if name in answer), None)
    return found if isinstance(found, int) else None
