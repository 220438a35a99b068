"""Several dangers in one matter: whatever leads, each of them is named, and whoever must leave is told so first."""

from hotline.alerts.store import load_alerts
from hotline.alerts.texts import group_text, push_texts
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.model.vocabulary import Danger
from hotline.tickets.context import Services
from tests.conftest import Clock, Player

BURNING = "6栋2单元厨房起火了，有个老人晕倒在楼道里喊不答应"


def _name_all(text: str) -> bool:
    return "火" in text and ("急病" in text or "昏" in text or "晕" in text)


async def test_fire_is_named_though_somebody_is_ill(
    desk: Player, switch: Player, watch: Player, services: Services, clock: Clock
) -> None:
    """The ill decide who leads, and the fire stands before them in the title, on the wall, in the bar and in what
    groups and phones are told."""
    ticket = await desk.call(BURNING)
    assert ticket["category"]["code"] == "za-medical" and set(ticket["flags"]) == {"danger:fire", "danger:medical"}
    assert _name_all(ticket["title"]) and ticket["title"].startswith("瑞泉馨城6栋 · 火"), ticket["title"]
    [brief] = [x for x in (await switch.get("/v1/tickets")).json()["items"] if x["number"] == ticket["number"]]
    assert brief["title"] == ticket["title"]
    wall = (await watch.get("/v1/wall")).json()
    assert [x["dangers"] for x in wall["emergencies"]] == [["fire", "medical"]]
    assert all(x["dangers"] == ["fire", "medical"] for x in wall["entries"]) and wall["entries"]
    [bar] = (await desk.get("/v1/alerts")).json()["items"]
    assert bar["dangers"] == ["fire", "medical"]
    directory = await services.directory.now(clock())
    [alert] = await load_alerts(services.db, SYSTEM_SCOPE, own_alone=False)
    told = [group_text(alert, directory, language, "https://a.example", clock()) for language in ("zh-Hans", "en")]
    told += push_texts(alert, directory, "zh-Hans").values()
    assert all(_name_all(text) or ("fire" in text and "medical" in text) for text in (*told[:2], told[3])), told
    # what is said to the caller: out of the fire first
    told_caller = ticket["advice"]["triage"]["tell"]
    assert "起火" in str(told_caller[0]) or "119" in str(told_caller[0]), told_caller
    assert "120" in str(told_caller[-1]) and len(told_caller) == 2, told_caller
    order = [one["danger"] for one in (await desk.get("/v1/dangers")).json()["items"]]
    assert set(order) == set(Danger) and order[-1] == "medical" and order.index("fire") < order.index("lift")


async def test_title_follows_the_dangers_that_are_left(desk: Player, switch: Player) -> None:
    """A danger that the desk found not to be there is not named; one that is told later is."""
    denied = await desk.call(BURNING, denied_dangers=["medical"], notes=["老人是自己坐下休息"])
    assert "火" in denied["title"] and "急病" not in denied["title"] and "晕" not in denied["title"], denied["title"]
    smoke = await desk.call("7栋厨房起火了")
    worse = await switch.act(smoke, "amend", narrative="7栋厨房起火了，有个老人晕倒了", reason="他又打来")
    assert _name_all(worse["title"]), worse["title"]
    long = "翠竹路一百二十八号附一号背后那栋没有门牌的灰色楼房二单元右手边靠楼梯间的那一户，门口有两个红色灭火器箱，窗户朝着河边"
    far = await desk.call("煤气泄漏，有人晕倒了", location={"address": long})
    assert len(far["title"]) <= 60 and "燃气" in far["title"], far["title"]
    english = await desk.call("There is a fire in building 6 and an old man has collapsed, he does not answer")
    assert "Fire" in english["title"] and ", " in english["title"], english["title"]
