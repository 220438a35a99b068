"""Plays one scripted day over HTTP, as operators, departments and supervisors. It uses only the public API."""

import csv
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

Ticket = dict[str, Any]
Order = dict[str, Any]
RESULT = {
    "internal_result": "已到场处理完毕",
    "public_reply": "已处理完毕，请您放心。",
    "solved": True,
}


MAX_CONFLICT_RETRIES = 3  # retries of one action after a version conflict


class DemoFailed(Exception):
    """The server did not do what it promises; says which call, which step, which answer."""


@dataclass
class DemoRun:
    """One run against one server, with its own key for each person who acts."""

    http: httpx.Client
    admin: str
    tell: Callable[[str], None]
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)  # who -> (key id, secret)
    tickets: dict[str, str] = field(default_factory=dict)  # line -> ticket number
    done: Counter[str] = field(default_factory=Counter)
    seed: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    step: int = 0

    def ask(self, who: str, method: str, path: str, body: Any = None, version: int | None = None) -> Any:
        """One request as `who`, with an idempotency key. Where the server's timers changed the ticket first, it is
        read again and the request repeated."""
        for _ in range(MAX_CONFLICT_RETRIES):
            reply = self._ask(who, method, path, body, version)
            if reply.status_code != 412 or version is None:
                break
            version = self.see(path.split("/")[3])["version"]
        if not reply.is_success:
            raise DemoFailed(f"{who} {method} {path}: {reply.status_code} {reply.text[:400]}")
        return reply.json() if reply.content else None

    def _ask(self, who: str, method: str, path: str, body: Any, version: int | None) -> httpx.Response:
        self.step += 1
        secret = self.admin if who == "admin" else self.keys[who][1]
        headers = {"authorization": f"Bearer {secret}", "idempotency-key": f"demo-{self.seed}-{self.step}"}
        if version is not None:
            headers["if-match"] = f'"{version}"'
        return self.http.request(method, path, json=body, headers=headers)

    def create_key(self, who: str, *roles: str, name: str, department: str | None = None) -> str:
        if who not in self.keys:
            body = {"name": f"演示{name}", "roles": list(roles), "department": department}
            made = self.ask("admin", "POST", "/v1/keys", body)
            self.keys[who] = (made["id"], made["secret"])
        return who

    def act(self, who: str, ticket: Ticket, action: str, **fields: Any) -> Ticket:
        return dict(
            self.ask(who, "POST", f"/v1/tickets/{ticket['number']}/actions/{action}", fields, ticket["version"])
        )

    def order(self, who: str, ticket: Ticket, order: Order, action: str, **fields: Any) -> Ticket:
        """Act on an order; the ticket as the desk sees it then (a contractor is shown its own orders alone)."""
        path = f"/v1/tickets/{ticket['number']}/assignments/{order['id']}/actions/{action}"
        self.ask(who, "POST", path, fields, ticket["version"])
        return self.see(ticket["number"])

    def handler_key_name(self, order: Order) -> str:
        code, name = order["department"]["code"], order["department"]["name"]
        return self.create_key(f"handler {code}", "handler", name=f"承办人（{name}）", department=code)

    def see(self, number: str) -> Ticket:
        return dict(self.ask("desk", "GET", f"/v1/tickets/{number}"))


def run_demo(url: str, key: str, day: Path, print_line: Callable[[str], None]) -> Counter[str]:
    """Play the day to its end; how often each kind of story was played. Raises DemoFailed at the first broken
    promise."""
    with httpx.Client(base_url=url, timeout=30) as http:
        run = DemoRun(http, key, print_line)
        run.create_key("desk", "operator", name="话务员")
        run.create_key("switch", "dispatcher", name="派单员")
        run.create_key("watch", "supervisor", name="督办员")
        try:
            lines = list(_lines(day))
            awaited = {line["then"].partition(":")[2] for line in lines}
            evening = [finish for line in lines if (finish := _run_call(run, line, later=line["id"] in awaited))]
            for finish in evening:  # what others called about was kept open for them
                finish()
            run.done["still open"] = int(run.ask("watch", "GET", "/v1/board")["open"])
        finally:
            for key_id, _ in run.keys.values():
                run.ask("admin", "DELETE", f"/v1/keys/{key_id}")
        return run.done


def _lines(day: Path) -> Iterator[dict[str, str]]:
    with day.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _run_call(p: DemoRun, line: dict[str, str], *, later: bool) -> Callable[[], None] | None:
    """Take the call; what comes of it at once, or by the call that is returned."""
    story, _, other = line["then"].partition(":")
    body: dict[str, Any] = {"channel": line["channel"], "narrative": line["words"], "caller": {}, "location": {}}
    if line["phone"]:
        body["caller"]["phone"] = line["phone"]
    if line["name"]:
        body["caller"]["name"] = line["name"]
    if line["place"]:
        body["location"]["address"] = line["place"]
    if line["category"]:
        body["category"] = line["category"]
    if line["phone"] and line["phone"].isdigit():
        p.ask("desk", "POST", "/v1/callers/lookup", {"phone": line["phone"]})
    if story == "answer":
        body["at_once"] = {
            "action": "answer",
            "answer": "已按知识库答复",
            "satisfaction": "satisfied",
        }
    elif story == "decline":
        body["at_once"] = {
            "action": "decline",
            "reason_code": "legal_procedure",
            "channel_told": "人民法院",
        }
    elif story == "outer":
        due = datetime.now(UTC) + timedelta(days=5)
        body["outer"] = {
            "system": "12345",
            "number": f"{p.seed}-{line['id']}",
            "due_at": due.isoformat(timespec="seconds"),
        }
    elif story in ("repeat", "urge"):
        body["attach_to"] = open_number(p, p.tickets[other])
    ticket: Ticket = p.ask("desk", "POST", "/v1/calls", body)["ticket"]
    p.tickets[line["id"]] = ticket["number"]

    def finish() -> None:
        after = play_story(p, story, ticket["number"], other)
        leads = [a["department"]["code"] for a in after["assignments"] if a["part"] == "lead"]
        department = leads[-1] if leads else "-"
        shown = f"{after['priority']:9} {department:18} {after['status']:13} {line['words'][:34]}"
        p.tell(f"{line['at']}  {ticket['number']}  {shown}")

    if later:
        return finish
    finish()
    return None


def play_story(p: DemoRun, story: str, number: str, other: str) -> Ticket:
    """The story of a ticket to its end; the ticket after it. One that an open incident takes in has no story of its
    own: it is dealt with there."""
    ticket = p.see(number)
    if not _is_of_incident(ticket):
        try:
            STORIES[story](p, ticket, p.tickets.get(other, ""))
        except DemoFailed:
            if not _is_of_incident(p.see(number)):  # else the worker took it in meanwhile
                raise
    ticket = p.see(number)
    p.done["in an incident" if _is_of_incident(ticket) else story] += 1
    return ticket


def _is_of_incident(ticket: Ticket) -> bool:
    return ticket["status"] == "merged" and ticket.get("incident") is not None


def open_number(p: DemoRun, number: str) -> str:
    """The ticket, or the one that an incident merged it into."""
    ticket = p.see(number)
    return str(ticket["parent"]) if _is_of_incident(ticket) else number


def _dispatch(p: DemoRun, t: Ticket) -> Ticket:
    """What the rules were not sure of is decided by a person, who sees the advice."""
    if t["status"] == "received":
        advice = t["advice"]["triage"]
        category = advice["category"] or "za"
        t = p.act("switch", t, "triage", category=category, kind=advice["kind"], priority=advice["priority"])
    if t["status"] == "triaged":
        ask = {"category": t["category"]["code"], "kind": t["kind"], "area": (t["area"] or {}).get("code")}
        routed = p.ask("switch", "POST", "/v1/explain/routing", ask)["result"]
        t = p.act(
            "switch",
            t,
            "dispatch",
            department=routed["lead"],
            assists=routed["assists"],
            **({"performer": routed["performer"]} if routed["performer"] else {}),
        )
    return t


def _lead_order(t: Ticket) -> Order:
    """The lead order that runs, or ran last."""
    return dict([a for a in t["assignments"] if a["part"] == "lead"][-1])


def _work_orders(p: DemoRun, t: Ticket) -> Ticket:
    """Every order of the ticket accepted and reported, the assisting ones first; the report reviewed."""
    orders = [a for a in t["assignments"] if a["status"] in ("issued", "accepted")]
    for order in sorted(orders, key=lambda a: bool(a["part"] == "lead")):
        who = p.handler_key_name(order)
        if order["status"] == "issued":
            t = p.order(who, t, order, "accept")
        if order["part"] == "assist":
            t = p.order(who, t, order, "report", internal_result="已配合处理")
        else:
            t = p.order(who, t, order, "contact_caller", contacted="电话")
            t = p.order(who, t, order, "report", **RESULT)
    return p.act("switch", t, "accept_report")


def _solve(p: DemoRun, t: Ticket, _: str = "") -> None:
    t = _work_orders(p, _dispatch(p, t))
    caller = t.get("caller") or {}
    if caller.get("phone") or caller.get("masked"):
        p.act("desk", t, "confirm", satisfaction="satisfied")
    else:
        p.act("desk", t, "confirm", satisfaction="no_answer")


def _return(p: DemoRun, t: Ticket, _: str) -> None:
    t = _dispatch(p, t)
    lead = _lead_order(t)
    t = p.order(
        p.handler_key_name(lead),
        t,
        lead,
        "request_return",
        reason_code="not_our_duty",
        basis="职责清单",
        department="service-centre",
    )
    t = p.order("switch", t, lead, "approve_return")
    t = p.act("switch", t, "dispatch", department="service-centre")
    _solve(p, t)


def _refuse_return(p: DemoRun, t: Ticket, _: str) -> None:
    t = _dispatch(p, t)
    lead = _lead_order(t)
    t = p.order(
        p.handler_key_name(lead),
        t,
        lead,
        "request_return",
        reason_code="not_our_duty",
        basis="职责清单",
        department="property",
    )
    t = p.order("switch", t, lead, "refuse_return", reason="按首接负责制由您单位办理")
    _solve(p, t)


def _extend(p: DemoRun, t: Ticket, _: str) -> None:
    t = _dispatch(p, t)
    lead = _lead_order(t)
    who = p.handler_key_name(lead)
    t = p.order(who, t, lead, "accept")
    later = (datetime.fromisoformat(lead["due_at"]) + timedelta(days=3)).isoformat()
    t = p.order(who, t, lead, "request_extension", due_at=later, reason="等配件")
    t = p.order("switch", t, lead, "approve_extension")
    _solve(p, t)


def _assist(p: DemoRun, t: Ticket, _: str) -> None:
    t = _dispatch(p, t)
    lead = _lead_order(t)
    busy = {a["department"]["code"] for a in t["assignments"]}
    more = next(c for c in ("property-works", "service-centre", "property-desk") if c not in busy)
    t = p.order(p.handler_key_name(lead), t, lead, "accept")
    t = p.order(p.handler_key_name(lead), t, lead, "assist", department=more, reason="需要配合")
    _solve(p, t)


def _reopen(p: DemoRun, t: Ticket, _: str) -> None:
    t = p.act("desk", _work_orders(p, _dispatch(p, t)), "reopen", reason="又坏了")
    t = p.act("switch", t, "dispatch", department=_lead_order(t)["department"]["code"])
    _solve(p, t)


def _unreachable(p: DemoRun, t: Ticket, _: str) -> None:
    t = _work_orders(p, _dispatch(p, t))
    for _try in range(3):
        t = p.act("desk", t, "call_back", reached="no_reply")
    p.act("desk", t, "confirm", satisfaction="no_answer")


def _info(p: DemoRun, t: Ticket, _: str) -> None:
    t = p.act("desk", t, "request_info", text="请问是哪一栋、什么事")
    t = p.act("desk", t, "provide_info", text="3栋楼道灯不亮")
    t = p.act("switch", t, "triage", category="wx-light", kind="request", priority="normal")
    _solve(p, t)


def _confidential(p: DemoRun, t: Ticket, _: str) -> None:
    if not t["caller"]["confidential"]:
        t = p.act("desk", t, "set_confidential", confidential=True, reason="来电人要求保密")
    t = p.act("watch", t, "reveal", reason="核实线索")
    if t["caller"]["phone"] is None:
        raise DemoFailed("a supervisor with a reason must see the caller")
    _solve(p, p.see(t["number"]))


def _shelve(p: DemoRun, t: Ticket, _: str) -> None:
    review = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="seconds")
    p.act("watch", _dispatch(p, t), "shelve", reason="提交联合议事会", review_at=review)


STORIES: dict[str, Callable[[DemoRun, Ticket, str], None]] = {
    "solve": _solve,
    "answer": lambda p, t, _: None,
    "decline": lambda p, t, _: None,
    "void": lambda p, t, _: _void(p, t),
    "open": lambda p, t, _: None,
    "outer": lambda p, t, _: None,
    "repeat": lambda p, t, _: None,
    "urge": lambda p, t, _: _urge(p, t),
    "merge": lambda p, t, other: _merge(p, t, other),
    "withdraw": lambda p, t, _: _withdraw(p, t),
    "return": _return,
    "refuse_return": _refuse_return,
    "extend": _extend,
    "assist": _assist,
    "reopen": _reopen,
    "unreachable": _unreachable,
    "info": _info,
    "confidential": _confidential,
    "shelve": _shelve,
}


def _void(p: DemoRun, t: Ticket) -> None:
    p.act("desk", t, "void", reason_code="mistake")


def _urge(p: DemoRun, t: Ticket) -> None:
    p.act("desk", t, "urge", reason="居民来电催办")


def _withdraw(p: DemoRun, t: Ticket) -> None:
    p.act("desk", t, "withdraw", reason="已经开走了")


def _merge(p: DemoRun, t: Ticket, other: str) -> None:
    p.act("switch", t, "merge", target=open_number(p, other))
