"""Who asks by text how it goes is told how the incident of their ticket ended."""

from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from hotline.tickets.lookup import query_code
from tests.conftest import Player
from tests.incidents.test_stories import BURST, act, only_incident, settled, solve
from tests.sms.town import LI, WANG, Town


async def test_who_asks_how_it_goes_is_told_how_the_incident_ended(
    town: Town, desk: Player, switch: Player, services: Services
) -> None:
    callers = [{"phone": who} for who in ("13800138000", "13900139000", "13900000011", "13900000012", "13900000013")]
    for text, caller in zip(BURST, callers, strict=True):
        await desk.call(text, caller=caller)
    worker = IncidentWatch(services)
    await settled(worker)
    incident = await only_incident(switch)
    await town.send()
    town.clock.forward(minutes=30)
    await town.writes("进度", LI)
    assert not any("18:30" in text for text in await town.send())
    await act(switch, incident, "end", text="水管已修复，18:30恢复供水")
    await settled(worker)
    await town.send()
    for who in (WANG, LI):  # of the parent, and of a ticket that was merged into it
        await town.writes("进度", who)
        (told,) = await town.send()
        assert "18:30恢复供水" in told
    stranger = "+8613700137000"
    member = next(t for t in (await switch.get("/v1/tickets", params={"status": "merged"})).json()["items"])
    await town.writes(f"查询 {member['number']} {query_code(services.secret, member['number'])}", stranger)
    (told,) = await town.send()
    assert "18:30恢复供水" in told


async def test_who_rates_what_is_over_is_told_so_in_their_language(
    town: Town, desk: Player, switch: Player, pipes: Player, services: Services
) -> None:
    callers = [{"phone": who} for who in (WANG, LI, "13900000011", "13900000012", "13900000013")]
    for text, caller in zip(BURST, callers, strict=True):
        await desk.call(text, caller=caller)
    worker = IncidentWatch(services)
    await settled(worker)
    incident = await only_incident(switch)
    await town.send()
    town.clock.forward(minutes=30)
    await solve(switch, pipes, incident["parent"], "水管已修好")
    await settled(worker)
    await town.send()
    town.clock.forward(minutes=30)
    await town.writes("满意", WANG)  # whose ticket carries it: it is closed
    await town.send()
    print(
        "PROBE",
        incident["parent"],
        [
            (t["number"], t["status"], t.get("parent"), t["flags"])
            for t in (await switch.get("/v1/tickets")).json()["items"]
        ],
    )
    for text, word in (("不满意", "处置完毕"), ("not satisfied", "log it anew")):
        await town.writes(text, LI)
        (told,) = await town.send()
        assert word in told and incident["code"] in told
