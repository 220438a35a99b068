"""Checks of the doctor: what people and departments that are gone still have, and where they are still named."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from hotline.delivery import store as outbox_store
from hotline.delivery.model import Message
from hotline.operations.findings import Finding, build_finding, list_finding
from hotline.organisation.model.directory import Directory, path_to_root
from hotline.organisation.store import people
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from hotline.tickets.departures import load_departed
from hotline.tickets.store import departures


async def check_orders_of_departed(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """Orders that the worker has not given back yet, and orders that a retired row of the catalogue sent: these stay
    with their department, which may no longer be the right one."""
    found: list[Finding] = []
    departed = await load_departed(services, directory, now)
    if departed:
        count = sum(holding.n for holding, _ in departed)
        found.append(
            list_finding("held", "doctor.held.orders", (departure.name for _, departure in departed), count=count)
        )
    ended = {code for code, route in directory.routes.items() if not route.active}
    sent = await departures.count_orders_by_route(services.db) if ended else {}
    left = {code: n for code, n in sent.items() if code in ended}
    if left:
        found.append(list_finding("held", "doctor.held.routes", left, count=sum(left.values())))
    unstaffed = await _load_unstaffed_departments(services, directory, now)
    found += [list_finding("held", "doctor.held.unstaffed", [code], count=n) for code, n in unstaffed.items()]
    return found or [build_finding("held", "doctor.held.good")]


async def _load_unstaffed_departments(services: Services, directory: Directory, now: datetime) -> Mapping[str, int]:
    """Departments with running orders that nobody can act on any more, and how many: every account that was made for
    them, or for a department above, is closed. One that never had an account has other ways to be told."""
    accounts = await people.load_handler_accounts(services.db, now)
    orders: Counter[str] = Counter()
    for holding in await departures.load_holdings(services.db):
        orders[holding.department] += holding.n
    unstaffed: dict[str, int] = {}
    for code, n in sorted(orders.items()):
        units = {code for code in path_to_root(directory.departments, code) if code in accounts}
        if units and not any(accounts[unit] for unit in units) and directory.departments[code].active:
            unstaffed[code] = n
    return unstaffed


async def check_names_of_departed(services: Services, directory: Directory, now: datetime) -> list[Finding]:
    """Rosters, heads and accounts that name somebody who is gone: an emergency would ring where nobody answers."""
    rosters = [r for r in directory.rosters.values() if r.active]
    heads = {d.code: d.head for d in directory.departments.values() if d.active and d.head is not None}
    logins = {member.code for roster in rosters for member in roster.members} | set(heads.values())
    closed = await people.load_closed_logins(services.db, sorted(logins))
    retired = {code for code, d in directory.departments.items() if not d.active}
    found: list[Finding] = []
    for roster in rosters:
        if roster.department in retired:
            key = "doctor.named.roster_department"
            found.append(build_finding("named", key, warns=True, roster=roster.code, department=roster.department))
        if gone := [member.name for member in roster.members if member.code in closed]:
            found.append(list_finding("named", "doctor.named.roster", gone, roster=roster.code))
    for department, head in heads.items():
        if head in closed:
            found.append(build_finding("named", "doctor.named.head", warns=True, department=department, who=head))
    if directory.home is not None and directory.home.committee in retired:
        found.append(build_finding("named", "doctor.named.committee", warns=True, department=directory.home.committee))
    if names := await people.load_account_names(services.db, sorted(retired), now):
        found.append(list_finding("named", "doctor.named.accounts", names, count=len(names)))
    return found or [build_finding("named", "doctor.named.good")]


async def notify_departed_names(services: Services, now: datetime) -> int:
    """Notify the supervisors of rosters, heads and accounts that name somebody who is gone, once for each finding; how
    many were new."""
    found = await check_names_of_departed(services, await services.directory.now(now), now)
    messages = [
        Message(
            f"gone.{hashlib.sha256(finding.says.encode()).hexdigest()[:32]}",
            "departed",
            TicketNumber(""),
            "role:supervisor",
            {"text": finding.says, "text_zh": finding.says_zh},
            now,
        )
        for finding in found
        if finding.warns
    ]
    return await services.db.transact(lambda c: outbox_store.add_messages(c, messages)) if messages else 0
