"""Whatever changes the configuration stands in the security log, with who did it and what it was about."""

from typing import Any

from hotline.tickets.context import Services
from hotline.webhooks.model import EVENT_TYPES
from tests.conftest import Cast
from tests.contract.replies import document

HOOK_EVENTS = list(EVENT_TYPES[:1])
PASSWORD = "a long pass 24365"
# operations of administrators alone that change no configuration, and why none of them has a row of its own
NO_CONFIGURATION = {
    "preview_notice": "it writes nothing",
    "replay_delivery": "it sends again what was sent: the log of deliveries tells it",
    "resend_text": "it sends again: the text's own attempts tell it",
    "erase_person": "tests/privacy",
    "export_person": "tests/privacy",
    "reset_factors": "tests/organisation/test_second_factors.py",
    "end_session": "as end_sessions",
    "end_push_device": "tests/alerts/test_push.py",
}


def administrative() -> set[str]:
    """The operations that change something and are for administrators alone, or for them and no handler or operator."""
    found = set()
    for item in document()["paths"].values():
        for method, operation in item.items():
            roles = operation.get("x-authz", {}).get("roles") or ()
            if method != "get" and "admin" in roles and not {"operator", "handler"} & set(roles):
                found.add(operation["operationId"])
    return found


async def test_each_change_of_the_configuration_is_in_the_security_log(cast: Cast, services: Services) -> None:
    boss, audit = await cast("boss"), await cast("committee")
    seen: set[str] = set()

    async def rows() -> list[dict[str, Any]]:
        await services.security_log.drain()
        return list((await audit.get("/v1/security-log", params={"limit": 200})).json()["items"])

    async def does(operation: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        before = {row["position"] for row in await rows()}
        reply = await boss.http.request(method, path, json=body, headers=headers)
        assert reply.is_success, (operation, reply.text)
        new = [row for row in await rows() if row["position"] not in before and row["by"]["id"] == boss.actor.id]
        told = [row for row in new if row["deed"] not in ("caller_looked_up", "log_in")]
        assert told and told[0]["by"]["name"] and told[0]["about"], operation
        seen.add(operation)
        return reply.json() if reply.content else None

    person = await does("add_person", "POST", "/v1/people", {"login": "new.one", "name": "新人", "password": PASSWORD, "roles": ["operator"]})  # fmt: skip
    await does("change_person", "PATCH", f"/v1/people/{person['login']}", {"name": "新名"}, **{"If-Match": '"1"'})
    await boss.http.post("/v1/token", json={"login": "new.one", "password": PASSWORD})
    await does("end_sessions", "DELETE", "/v1/people/new.one/sessions")
    key = await does("add_key", "POST", "/v1/keys", {"name": "门禁", "roles": ["operator"]})
    renewed = await does("rotate_key", "POST", f"/v1/keys/{key['id']}/rotate", {})
    await does("revoke_key", "DELETE", f"/v1/keys/{renewed['id']}")
    robot = {"provider": "wecom", "url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc", "active": True}
    await does("set_robot", "PUT", "/v1/robots/night", robot)
    await does("test_robot", "POST", "/v1/robots/night/test")
    await does("remove_robot", "DELETE", "/v1/robots/night")
    hook = await does("subscribe", "POST", "/v1/subscriptions", {"name": "对接", "url": "https://example.org/hook", "events": HOOK_EVENTS})  # fmt: skip
    path = f"/v1/subscriptions/{hook['id']}"
    tag = (await boss.get(path)).headers.get("etag") or '"1"'
    await does("change_subscription", "PATCH", path, {"name": "对接二"}, **{"If-Match": tag})
    await does("rotate_subscription", "POST", f"{path}/rotate")
    await does("test_subscription", "POST", f"{path}/test")
    await does("unsubscribe", "DELETE", path)
    version = {"If-Match": (await boss.get("/v1/directory/areas")).headers.get("etag") or ""}
    area = (await boss.get("/v1/directory/areas/rq-b3")).json()
    await does("write_directory_item", "PUT", "/v1/directory/areas/rq-b77", {**area, "code": "rq-b77"}, **version)
    version = {"If-Match": (await boss.get("/v1/directory/areas")).headers.get("etag") or ""}
    await does("retire_directory_item", "DELETE", "/v1/directory/areas/rq-b77", **version)
    assert administrative() - NO_CONFIGURATION.keys() == seen
