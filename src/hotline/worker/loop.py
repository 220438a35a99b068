"""The loops: each wakes, takes one thing, does it, sleeps. A failure is told and tried again; it ends nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from hotline.delivery.heartbeat import Heartbeat
from hotline.delivery.notices import GatewayDown
from hotline.operations.doctor import WATCH, Finding, examine, warn_of_gaps
from hotline.reporting.service.exports import make_next
from hotline.reporting.service.figures import FOLDED_AT_ONCE, are_many, fold, must_be_rebuilt, stand
from hotline.reporting.service.reports import make_due
from hotline.sms.outgoing import shift_weights
from hotline.telephony.service import end_silent_calls
from hotline.tickets.context import Services
from hotline.tickets.sla.jobs import adopt, escalate_due, recalculate_due
from hotline.worker.certificates import fetch_wanted
from hotline.worker.inbound import take_next
from hotline.worker.outbox import DeliveryChannels, Sender, alarm
from hotline.worker.retention import check_counters, check_figures, tidy
from hotline.worker.spool_drain import bring_in
from hotline.worker.subprocess import DRIFT, LEFT, WorkerSubprocess

log = structlog.get_logger("hotline.worker")
# seconds a loop sleeps when there was nothing to do
AT_ONCE = 0.25
SOON = 1.0
SELDOM = 60.0
AUDIT = 300.0
HOURLY = 3600.0
NIGHT = 3  # the hour (UTC) after which the counters are checked once a day


class Worker:
    """All loops of one process. `run` until `stop`."""

    def __init__(
        self,
        services: Services,
        ways: DeliveryChannels,
        heartbeat: Heartbeat | None = None,
        aside: WorkerSubprocess | None = None,
    ) -> None:
        self.services, self.ways, self.heartbeat, self._aside = services, ways, heartbeat, aside
        self._sender = Sender(services, ways)
        self._stop = asyncio.Event()
        self._checked: datetime | None = None

    async def run(self) -> None:
        loops = [
            self._loop("clocks", self._ring, AT_ONCE),
            self._loop("reckoning", self._reckon, SOON),
            self._loop("adoption", self._adopt, HOURLY),
            self._loop("retention", self._retain, SELDOM),
            self._loop("audit", self._audit, AUDIT),
            self._loop("outbox", self._send, AT_ONCE),
            self._loop("inbound", self._take, AT_ONCE),
            self._loop("weights", self._weigh, 10.0),
            self._loop("calls", self._end_calls, SELDOM),
            self._loop("certificates", self._certificates, 5.0),
            self._loop("spool", self._spooled, SOON),
            self._loop("figures", self._fold, SOON),
            self._loop("reports", self._report, SELDOM),
            self._loop("exports", self._export, SOON),
        ]
        await asyncio.gather(*loops)
        await self._sender.settle_all()
        await self.ways.close()
        if self.heartbeat is not None:
            await self.heartbeat.close()

    def stop(self) -> None:
        self._stop.set()
        if self._aside is not None:
            self._aside.stop()

    async def _loop(self, name: str, step: Callable[[], Awaitable[bool]], pause: float) -> None:
        while not self._stop.is_set():
            busy = False
            try:
                busy = await step()
            except Exception as fault:  # the loop outlives whatever one step met
                log.error("worker.fault", loop=name, kind=type(fault).__name__, exc_info=fault)
            if not busy:
                try:
                    await asyncio.wait_for(self._stop.wait(), pause)
                except TimeoutError:
                    continue

    async def _send(self) -> bool:
        return await self._sender.step(self.services.clock())

    async def _take(self) -> bool:
        return await take_next(self.services, self.services.clock()) > 0

    async def _weigh(self) -> bool:
        for name, weight in (await shift_weights(self.services, self.services.clock())).items():
            log.warning("gateway.weight", gateway=name, weight=weight)
        return False

    async def _end_calls(self) -> bool:
        return await end_silent_calls(self.services, self.services.clock()) > 0

    async def _certificates(self) -> bool:
        if self.ways.texts is not None:
            await fetch_wanted(self.services, self.ways.texts, self.services.clock())
        return False

    async def _spooled(self) -> bool:
        await bring_in(self.services)
        return False

    async def _fold(self) -> bool:
        now = self.services.clock()
        if self._aside is not None and not await stand(self.services) and await are_many(self.services):
            if await must_be_rebuilt(self.services):
                code, said = await self._aside.run("figures", "rebuild", "--if-needed")
                if code not in LEFT:
                    log.error("figures.rebuild", code=code, said=said)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stop.wait(), SELDOM)
            return False
        # again at once only where much waits: a fold for every few events would cost the house a commit for each
        return await fold(self.services, now) >= FOLDED_AT_ONCE

    async def _report(self) -> bool:
        return await make_due(self.services, self.services.clock()) > 0

    async def _export(self) -> bool:
        return await make_next(self.services, self.services.clock())

    async def _ring(self) -> bool:
        return (await escalate_due(self.services, self.services.clock())).claimed > 0

    async def _reckon(self) -> bool:
        return await recalculate_due(self.services, self.services.clock()) > 0

    async def _adopt(self) -> bool:
        return await adopt(self.services, self.services.clock()) > 0

    async def _audit(self) -> bool:
        """Look whether a clock was missed, warn of hours without anybody, and say outside if all is well."""
        now = self.services.clock()
        await warn_of_gaps(self.services, now)
        wrong = [f for f in await examine(self.services, now, WATCH) if f.wrong]
        for finding in wrong:
            log.error("doctor", check=finding.check, says=finding.says)
            if finding.check == "skew":  # `hotline doctor` on another machine cannot see this one's clock
                await self._tell(finding)
        if self.heartbeat is not None and not wrong:
            try:
                await self.heartbeat.beat()
            except GatewayDown as down:
                log.warning("heartbeat.down", why=str(down))
        return False

    async def _tell(self, finding: Finding) -> None:
        """Tell operators, once an hour."""
        at = await self.services.db.time()
        await self.services.db.transact(
            lambda c: alarm(c, finding.check, {"text": finding.says, "text_zh": finding.says_zh}, at)
        )

    async def _retain(self) -> bool:
        now = self.services.clock()
        done = await tidy(self.services, now)
        if now.hour == NIGHT and (self._checked is None or now - self._checked > timedelta(hours=12)):
            self._checked = now
            await check_counters(self.services)
            if self._aside is not None and await are_many(self.services):
                code, said = await self._aside.run("figures", "check")
                if code not in LEFT:
                    log.error("figures.drift" if code == DRIFT else "figures.unchecked", code=code, said=said)
            else:
                await check_figures(self.services, now)
        return done["answers"] > 0
