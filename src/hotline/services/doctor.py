"""Is the house well? Read-only questions, each by an index, and what each finds. Cheap enough never to be switched
off."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hotline.db import clocks, inbound, outbox
from hotline.db.columns import read_instant
from hotline.domain import duty
from hotline.domain.announcements import unannounced
from hotline.domain.directory import Directory, Roster
from hotline.domain.ticket import Message, Number, Refused
from hotline.gateways import registry
from hotline.gateways.provider import GatewayProvider

from .house import House
from .permissions import exposed, is_shared, told

UNFIRED = timedelta(seconds=60)  # a step that was due longer ago and has not been told
WAITING = timedelta(minutes=5)  # a message that was due longer ago and has not been sent
SKEW = timedelta(seconds=2)
AHEAD = timedelta(days=7)  # how far gaps in the rosters are looked for
BEHIND = timedelta(days=14)  # and how far back, to know when one began
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS_ZH = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `wrong`: somebody must act now; `warns`: somebody must act before long."""

    check: str
    says: str
    says_zh: str
    wrong: bool = False
    warns: bool = False


Check = Callable[[House, Directory, datetime], Awaitable[list[Finding]]]


async def _directory(house: House, directory: Directory, now: datetime) -> list[Finding]:
    if directory.home is None:
        return [Finding("directory", "there is no house: seed one", "没有机构数据：请先导入", wrong=True)]
    return [Finding("directory", f"version {directory.version}", f"版本 {directory.version}")]


async def _unfired(house: House, directory: Directory, now: datetime) -> list[Finding]:
    count, oldest = await clocks.unfired(house.db, now - UNFIRED)
    if not count or oldest is None:
        return [Finding("clocks", "no step is more than a minute late", "没有迟发超过一分钟的步骤")]
    ago = int((now - oldest).total_seconds())
    says = f"{count} steps were due and have not been told, the oldest {ago} s ago: does a worker run?"
    return [Finding("clocks", says, f"{count} 个到期步骤未触发，最早的已过 {ago} 秒：后台进程在运行吗？", wrong=True)]


async def _stuck(house: House, directory: Directory, now: datetime) -> list[Finding]:
    found = await clocks.stuck(house.db)
    if not found:
        return [Finding("ladders", "every running clock has a next step", "每个运行中的时钟都有下一步")]
    which = ", ".join(r.id for r in found[:5])
    return [Finding("ladders", f"{len(found)} clocks run without a next step: {which}",
                    f"{len(found)} 个时钟没有下一步：{which}", wrong=True)]  # fmt: skip


async def _lost(house: House, directory: Directory, now: datetime) -> list[Finding]:
    found = await clocks.without_clock(house.db, 5)
    if not found:
        return [Finding("tickets", "a clock runs on every open ticket", "每张未结工单都有时钟")]
    which = ", ".join(found)
    return [Finding("tickets", f"open tickets without a clock: {which} …", f"未结工单没有时钟：{which} …", wrong=True)]


async def _behind(house: House, directory: Directory, now: datetime) -> list[Finding]:
    for code in directory.calendars:
        version = directory.versions.get(("calendars", code), directory.version)
        if await clocks.counted_otherwise(house.db, code, version, 1):
            says = f"clocks are still counted with an older version of calendar {code}: does a worker run?"
            return [Finding("reckoning", says, f"仍有时钟按旧版日历 {code} 计算：后台进程在运行吗？", warns=True)]
    return [Finding("reckoning", "every clock is counted with today's calendars", "所有时钟均按现行日历计算")]


async def _outbox(house: House, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    texts = bool(await house.gateways.senders(now))
    reach = outbox.Reach(texts, house.speaks, hooks=True)
    oldest = await outbox.oldest_due(house.db, now, reach)
    stranded = not house.speaks and await outbox.oldest_due(house.db, now) is not None
    if stranded and not texts:
        says = "HOTLINE_NOTICE_URL is not set: messages wait, and nobody outside is told anything"
        found.append(Finding("outbox", says, "未设置 HOTLINE_NOTICE_URL：消息滞留，无人收到通知", warns=True))
    elif stranded and await outbox.oldest_due(house.db, now, outbox.Reach(notices=True)) is not None:
        says = "HOTLINE_NOTICE_URL is not set: residents get their texts, departments and the desk are told nothing"
        found.append(
            Finding("outbox", says, "未设置 HOTLINE_NOTICE_URL：居民可收短信，部门和坐席收不到通知", warns=True)
        )
    elif oldest is not None and now - oldest > WAITING:
        ago = int((now - oldest).total_seconds())
        says = f"the oldest message has been waiting for {ago} s: do HOTLINE_NOTICE_URL and the gateways answer?"
        zh = f"最早的消息已等待 {ago} 秒：HOTLINE_NOTICE_URL 和网关有应答吗？"
        found.append(Finding("outbox", says, zh, wrong=True))
    waits = await outbox.waiting(house.db, reach)
    for kind in (w for w in waits if not w.sendable or w.count >= outbox.COUNTED):
        count = f"{kind.count}" if kind.count < outbox.COUNTED else f"{kind.count} or more"
        count_zh = f"{kind.count}" if kind.count < outbox.COUNTED else f"至少 {kind.count}"
        if kind.sendable:
            says, zh = "wait to be sent", "等待发送"
        else:
            says, zh = "wait, and no gateway or address is set for them", "滞留：没有可用的网关或地址"
        says = f"{count} messages of kind {kind.kind} {says}, the oldest since {kind.oldest:%Y-%m-%dT%H:%M}Z"
        zh = f"{count_zh} 条 {kind.kind} 类消息{zh}，最早的自 {kind.oldest:%Y-%m-%dT%H:%M}Z 起"
        found.append(Finding("outbox", says, zh, warns=True))
    if dead := len(await outbox.listed(house.db, "dead", "", 100)):
        says = f"{dead if dead < 100 else '100 or more'} messages are dead: hotline outbox list"
        found.append(Finding("outbox", says, f"{dead} 条消息发送失败：hotline outbox list", warns=True))
    return found or [Finding("outbox", "no message waits too long", "没有积压的消息")]


async def _inbound(house: House, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    waiting = await inbound.oldest_waiting(house.db, now)
    oldest = read_instant(waiting.at) if waiting else None
    if oldest is not None and now - oldest > WAITING:
        ago = int((now - oldest).total_seconds())
        says = f"the oldest text has been waiting for {ago} s: does a worker run?"
        found.append(Finding("inbound", says, f"最早的来件已等待 {ago} 秒：后台进程在运行吗？", wrong=True))
    if odd := await inbound.odd_ones(house.db):
        says = f"{odd} items wait for somebody to look at them: GET /v1/inbound?status=odd"
        found.append(Finding("inbound", says, f"{odd} 件来件等待人工处理：GET /v1/inbound?status=odd", warns=True))
    return found or [Finding("inbound", "what came in is worked off", "来件均已处理")]


async def _spool(house: House, directory: Directory, now: datetime) -> list[Finding]:
    if house.spool is None:
        return [Finding("spool", "there is none: with the database away nothing is taken in",
                        "未启用暂存：数据库不可用时不再受理", warns=True)]  # fmt: skip
    found: list[Finding] = []
    if house.spool.bad():
        says = f"{house.spool.bad()} files of the spool were set aside (*.bad): somebody must look at them"
        found.append(Finding("spool", says, f"暂存目录中有 {house.spool.bad()} 个损坏文件（*.bad）", wrong=True))
    if house.spool.size():
        waiting = await asyncio.to_thread(house.spool.waiting)
        says = f"{waiting} records wait in the spool: does a worker run on this machine?"
        found.append(Finding("spool", says, f"暂存中有 {waiting} 条记录待导入", warns=True))
    return found or [Finding("spool", "nothing waits in the spool", "暂存为空")]


async def _gateways(house: House, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    gateways = await house.gateways.now(now)
    all_beside_us = True
    for g in gateways.values():
        try:
            declared = registry.provider(g.kind, g.provider, GatewayProvider)
            all_beside_us &= declared.same_machine or not g.active
        except Refused as refused:
            zh = f"{g.name}：服务商 {g.provider} 的安装包缺失或无法加载"
            found.append(Finding("gateways", f"{g.name}: {refused.refusal.detail}", zh, wrong=g.active))
        if g.account.settings.get("wanted_certificate"):
            says = f"{g.name} waits for a certificate of its provider"
            found.append(Finding("gateways", says, f"{g.name} 正在等待服务商证书", warns=True))
        strange = sorted(set((g.account.settings.get("numbers") or {}).values()) - set(directory.areas))
        if strange:
            says = f"{g.name}: a receiving number belongs to an area that is not there: {', '.join(strange[:3])}"
            found.append(
                Finding("gateways", says, f"{g.name} 的接收号码对应的区域不存在：{'、'.join(strange[:3])}", warns=True)
            )
        if g.weight != g.resting:
            says = f"{g.name} carries {g.weight} instead of {g.resting}: it was slow or failing"
            zh = f"{g.name} 权重为 {g.weight}（平时 {g.resting}）：近期缓慢或失败"
            found.append(Finding("gateways", says, zh, warns=True))
    if any(g.sends and g.active for g in gateways.values()):
        if house.public_url.startswith("http://127.0.0.1") and not all_beside_us:
            says = (
                "HOTLINE_PUBLIC_URL is an address of this machine: providers cannot reach us, signatures will not fit"
            )
            found.append(
                Finding("gateways", says, "HOTLINE_PUBLIC_URL 是本机地址：服务商无法回调，签名无法校验", warns=True)
            )
        rosters = [r for r in directory.rosters.values() if r.active]
        silent = [f"{r.code}:{m.code}" for r in rosters for m in r.members if not m.phone]
        if silent and not house.speaks:
            listed = ", ".join(silent[:5])
            says = f"no phone number on the roster, and HOTLINE_NOTICE_URL is not set: {listed}"
            found.append(Finding("gateways", says, f"值班人员没有电话：{listed}", wrong=True))
    return found or [Finding("gateways", "every gateway is well", "网关正常")]


async def _calendars(house: House, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    for c in directory.calendars.values():
        today = now.astimezone(ZoneInfo(c.zone)).date()
        year = unannounced(c, today)
        if year is not None:
            says = (
                f"{c.code}: the notice of {year} is missing; limits beyond {c.confirmed_to or 'today'} are provisional"
            )
            zh = f"{c.code}：缺少 {year} 年放假安排，{c.confirmed_to} 之后的时限为暂定"
            found.append(Finding("calendar", says, zh, wrong=year == today.year, warns=year != today.year))
    return found or [Finding("calendar", "every calendar is announced far enough", "日历覆盖充足")]


async def _duty(house: House, directory: Directory, now: datetime) -> list[Finding]:
    found: list[Finding] = []
    for roster in directory.rosters.values():
        if not roster.active:
            continue
        for start, end in duty.gaps(roster, now, now + AHEAD):
            en, zh = gap_said(roster, start, end)
            found.append(Finding("duty", en, zh, wrong=start <= now, warns=start > now))
    return found or [Finding("duty", "somebody is on duty at every hour of the week ahead", "未来一周值班无空缺")]


def gap_said(roster: Roster, start: datetime, end: datetime) -> tuple[str, str]:
    """A gap as people say it, in English and Chinese."""
    zone = ZoneInfo(roster.zone)
    a, b = start.astimezone(zone), end.astimezone(zone)
    day, day_zh = f"{_WEEKDAYS[a.weekday()]} {a:%Y-%m-%d}", f"{a:%m月%d日} 周{_DAYS_ZH[a.weekday()]}"
    if a.date() == b.date():
        en = f"{roster.name_en}: nobody on duty {a:%H:%M}–{b:%H:%M} {day}"
        return en, f"{roster.name}：{day_zh} {a:%H:%M}–{b:%H:%M} 无人值班"
    last, last_zh = f"{_WEEKDAYS[b.weekday()]} {b:%Y-%m-%d}", f"{b:%m月%d日} 周{_DAYS_ZH[b.weekday()]}"
    en = f"{roster.name_en}: nobody on duty from {a:%H:%M} {day} to {b:%H:%M} {last}"
    return en, f"{roster.name}：{day_zh} {a:%H:%M} 至 {last_zh} {b:%H:%M} 无人值班"


async def skew_of(house: House) -> tuple[datetime, timedelta]:
    """The database's time, and how far this process's clock is ahead of it (negative: behind), less what asking
    took."""
    before = house.clock()
    theirs = await house.db.time()
    after = house.clock()
    return theirs, before - theirs if before > theirs else min(after - theirs, timedelta(0))


async def _skew(house: House, directory: Directory, now: datetime) -> list[Finding]:
    theirs, ahead = await skew_of(house)
    apart = abs(ahead)
    if apart > SKEW:
        says = f"this machine and the database are {apart.total_seconds():.1f} s apart: set both clocks (NTP)"
        return [Finding("skew", says, f"本机与数据库时间相差 {apart.total_seconds():.1f} 秒：请校时", wrong=True)]
    newest = await clocks.newest_entry(house.db)  # other processes write as well, by clocks this one cannot see
    if newest is not None and newest - theirs > SKEW:
        seconds = (newest - theirs).total_seconds()
        says = f"the newest timeline entry lies {seconds:.1f} s in the future: another machine's clock is or was ahead"
        zh = f"最新的时间线记录在未来 {seconds:.1f} 秒：另一台机器的时钟偏快，请校时"
        return [Finding("skew", says, zh, wrong=True)]
    return [Finding("skew", "this machine and the database agree on the time", "本机与数据库时间一致")]


async def _durability(house: House, directory: Directory, now: datetime) -> list[Finding]:
    weak = [f"{name} = {value}" for name, value, safe in await house.db.durability() if not safe]
    if weak:
        listed = ", ".join(weak)
        return [Finding("durability", f"a power cut would lose acknowledged calls: {listed}",
                        f"断电会丢失已确认的来电：{listed}", wrong=True)]  # fmt: skip
    return [Finding("durability", "what is acknowledged survives a power cut", "已确认的数据断电不丢")]


async def _permissions(house: House, directory: Directory, now: datetime) -> list[Finding]:
    found = await asyncio.to_thread(exposed, house.data_dir, house.database_file)
    if not found:
        return [Finding("permissions", "only its owner may read the data", "数据仅限运行账号读取")]
    listed, folder = told(found), house.data_dir
    if folder is not None and found == [folder] and is_shared(folder):
        says = f"others may look into {listed}, which holds more than ours: set HOTLINE_DATA_DIR to a folder of its own"
        zh = f"数据目录 {listed} 与他人共用：请将 HOTLINE_DATA_DIR 设为专用目录"
        return [Finding("permissions", says, zh, warns=True)]
    remedy = f"chmod -R go= {folder or ''}".strip() if folder is not None and folder in found else f"chmod go= {listed}"
    says = f"others on this machine may read callers' data: {listed}: run `{remedy}` as their owner"
    return [
        Finding(
            "permissions", says, f"本机其他账号可读取居民数据：{listed}，请以文件属主身份运行 `{remedy}`", wrong=True
        )
    ]


QUICK: Sequence[Check] = (
    _directory,
    _unfired,
    _stuck,
    _outbox,
    _inbound,
    _spool,
    _calendars,
    _duty,
)  # for every look at /readyz
WATCH: Sequence[Check] = (
    *QUICK,
    _gateways,
    _behind,
    _skew,
    _durability,
    _permissions,
)  # for the worker, every few minutes
CHECKS: Sequence[Check] = (*WATCH, _lost)  # the last walks through all that is open: for `hotline doctor`


async def examine(house: House, now: datetime, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Every check's findings, in order. Changes nothing."""
    directory = await house.directory.now(now)
    found: list[Finding] = []
    for check in checks:
        found += await check(house, directory, now)
    return found


async def warn_of_gaps(house: House, now: datetime) -> int:
    """Tell the supervisors of hours that nobody is on duty for, once for each; how many were new. A gap is known by its
    roster and its beginning, which no later look moves; a roster that never had anybody is told once."""
    directory = await house.directory.now(now)
    messages: list[Message] = []
    for roster in directory.rosters.values():
        window = now - BEHIND
        for start, end in duty.gaps(roster, window, now + AHEAD + BEHIND) if roster.active else ():
            if end <= now or start > now + AHEAD:
                continue
            if start == window and duty.turns(roster, window, now + AHEAD + BEHIND):
                continue  # it began long ago, and was told then
            begins = "ever" if start == window else f"{start.astimezone(UTC):%Y%m%dT%H%M}"
            key = f"gap.{hashlib.sha256(f'{roster.code} {begins}'.encode()).hexdigest()[:32]}"
            en, zh = gap_said(roster, max(start, now), end)
            payload = {"roster": roster.code, "from": max(start, now), "to": end, "text": en, "text_zh": zh}
            messages.append(Message(key, "gap", Number(""), "role:supervisor", payload, now))
    return await house.db.transact(lambda c: outbox.add_once(c, messages)) if messages else 0
