"""What a model may say about a text, and what it can never do."""

import subprocess
import sys
import time
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotline.learning.fitting import fit
from hotline.learning.model.training import FitTask, LabelledText
from hotline.learning.scoring import LinearModel, ModelMeta
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.vocabulary import Channel, Kind, Priority
from hotline.organisation.service.accounts import NewKey, add_key
from hotline.text.normalisation import fold_text
from hotline.text.numbering import FIRST, number_from_serial
from hotline.text.phones import ParsedPhone
from hotline.tickets.context import Services
from hotline.tickets.model.intake import IncomingCall, IntakeRequest, opened
from hotline.tickets.model.ticket import Ticket
from hotline.triage.model.advising import advise
from hotline.triage.model.opinion import Opinion
from hotline.value_objects import replace
from tests.conftest import NOON, Cast, Player
from tests.learning.narratives import quarter
from tests.triage.seeded import seeded_directory, seeded_lexicon

DIRECTORY = seeded_directory("ruiquan")
LEXICON = seeded_lexicon("ruiquan")
URGENCY = list(Priority)
GATEWAY = Actor(ActorKind.KEY, "form", "web form", frozenset({Role.GATEWAY}))
RESIDENT = Actor(ActorKind.RESIDENT, "r", "resident", frozenset({Role.RESIDENT}))
ALARMS = (
    "厨房着火了，快来人", "燃气泄漏，味道很大", "电梯里关了个老人，出不来", "有人晕倒了，叫不醒", "楼下有人拿刀砍人",
    "高压线断了掉在地上，有人被电到", "my kitchen is on fire", "阳台要垮了，下面有人",
)  # fmt: skip
CALM = ("3栋路灯不亮", "感谢物业的师傅", "想问物业费怎么算", "举报物业经理收钱", "楼上吵得睡不着", "hello", "")


@pytest.fixture(scope="module")
def model() -> LinearModel:
    """Fitted on a quarter of decisions, and acting."""
    labels = [
        LabelledText(fold_text(t.text), t.category, t.kind, 1.0, True, t.by, f"{t.at:%j}", t.department, 1.0)
        for t in quarter(3, NOON, a_day=6)
    ]
    result = fit(FitTask(labels))
    return LinearModel(ModelMeta(4, True, result.heads, result.thresholds), result.arrays)


def opinions() -> st.SearchStrategy[Opinion]:
    return st.builds(
        Opinion,
        version=st.just(1),
        acting=st.booleans(),
        category=st.none() | st.sampled_from([*DIRECTORY.categories, "gone"]),
        confidence=st.floats(0, 1),
        sure=st.booleans(),
        kind=st.none() | st.sampled_from(Kind),
    )


def the_ticket(request: IntakeRequest, actor: Actor, opinion: Opinion | None) -> Ticket:
    advice = advise(
        LEXICON, request.narrative, request.address, request.area, form_opinion=lambda _text, _directory: opinion
    )
    incoming = IncomingCall(request, ParsedPhone(None, None, caller=False), None, "c", actor, NOON)
    return opened(incoming, number_from_serial(FIRST), advice, DIRECTORY).after.ticket


def channels() -> st.SearchStrategy[Channel]:
    return st.sampled_from([Channel.WEB, Channel.SMS, Channel.WECHAT, Channel.GRID])


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(ALARMS + CALM),
    st.sampled_from([GATEWAY, RESIDENT]),
    channels(),
    st.none() | st.sampled_from(Kind),
    st.none() | st.sampled_from(sorted(DIRECTORY.categories)),
    st.none() | st.sampled_from(Priority),
    st.none() | st.sampled_from(sorted(DIRECTORY.areas)),
    st.none() | opinions(),
)
def test_neither_a_model_nor_a_public_hint_ever_lowers_a_danger(
    narrative: str,
    actor: Actor,
    channel: Channel,
    kind: Kind | None,
    category: str | None,
    priority: Priority | None,
    area: str | None,
    opinion: Opinion | None,
) -> None:
    plain = the_ticket(IntakeRequest(channel, narrative), actor, None)
    hinted = IntakeRequest(channel, narrative, kind=kind, category=category, priority=priority, area=area)
    ticket = the_ticket(hinted, actor, opinion)
    assert URGENCY.index(ticket.priority) <= URGENCY.index(plain.priority)
    assert set(ticket.flags) >= set(plain.flags)
    if any(flag.startswith("danger:") for flag in plain.flags):
        assert ticket.category == plain.category  # it reaches who acts on the danger
    if plain.confidential and category is None and kind is None:
        assert ticket.confidential


def test_an_acting_model_decides_where_the_rules_are_not_sure(model: LinearModel) -> None:
    text = "那个机子认不到人，麻烦处理"
    alone = advise(LEXICON, text)
    advice = advise(LEXICON, text, form_opinion=model.form_opinion)
    assert not alone.is_sure(0.75) and advice.is_sure(0.75)
    assert (advice.category, advice.decided) == ("wx-gate", True)
    [reason] = [b for b in advice.because if b.rule == "model:4"]
    assert reason.matched and all(part in text for part in reason.matched)
    in_shadow = LinearModel(ModelMeta(4, False, model.meta.heads, model.meta.thresholds), _arrays(model))
    shadowed = advise(LEXICON, text, form_opinion=in_shadow.form_opinion)
    assert shadowed.category == alone.category and shadowed.opinion is not None
    assert shadowed.opinion.category == "wx-gate" and not shadowed.decided


def _arrays(model: LinearModel) -> bytes:
    from hotline.learning.scoring import pack_arrays

    slots = model._row_of.nonzero()[0]
    return pack_arrays(slots, model._weights[model._row_of[slots]], model._bias)


def test_what_the_directory_no_longer_has_is_never_named(model: LinearModel) -> None:
    text = fold_text("刷脸的机器认不到人")
    opinion = model.form_opinion(text, DIRECTORY)
    assert opinion.category == "wx-gate" and opinion.sure
    gate = DIRECTORY.categories["wx-gate"]
    for changed in (
        {code: c for code, c in DIRECTORY.categories.items() if code != "wx-gate"},
        {**DIRECTORY.categories, "wx-gate": replace(gate, active=False)},
    ):
        abstained = model.form_opinion(text, replace(DIRECTORY, categories=changed))
        assert (abstained.category, abstained.sure) == (None, False)
    works = DIRECTORY.departments["property-works"]
    retired = replace(DIRECTORY, departments={**DIRECTORY.departments, "property-works": replace(works, active=False)})
    assert opinion.department == "property-works" and model.form_opinion(text, retired).department is None


@pytest.mark.parametrize("text", ["", " ", "\U0001f525" * 5000, "a\x00b", "\ud800"])
def test_any_text_gets_an_opinion(model: LinearModel, text: str) -> None:
    assert 0 <= model.form_opinion(text, DIRECTORY).confidence <= 1


def test_an_opinion_costs_little_and_no_more_than_in_proportion(model: LinearModel) -> None:
    text = fold_text("，".join(t.text for t in quarter(5, NOON, a_day=20, days=1)))

    def fastest(size: int) -> float:
        best = 1.0
        for _ in range(30):
            begin = time.perf_counter()
            for _ in range(20):
                model.form_opinion(text[:size], DIRECTORY)
            best = min(best, (time.perf_counter() - begin) / 20)
        return best

    assert fastest(160) < 120e-6  # 33 µs on two idle cores; the suite shares them
    assert fastest(160) < 4 * fastest(40)


def test_the_server_does_not_load_what_fits_a_model() -> None:
    """Nor does it load numpy before there is a version."""
    program = (
        "import sys; from hotline.composition import routers; routers(); import hotline.serving, hotline.learning.in_use;"
        "print(sorted({'sklearn', 'scipy', 'numpy'} & set(sys.modules)));"
        "import hotline.learning.scoring; print(sorted({'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


async def test_the_opinion_stands_in_every_advice(
    desk: Player, cast: Cast, services: Services, model: LinearModel
) -> None:
    services.form_opinion = model.form_opinion
    ticket = await desk.call("刷脸的机器认不到人，关不拢")
    said = ticket["advice"]["model"]
    assert (said["version"], said["acting"], said["category"], said["sure"]) == (4, True, "wx-gate", True)
    assert 0.9 < said["confidence"] <= 1
    assert ticket["category"]["code"] == "wx-gate" and ticket["status"] == "dispatched"
    assert any(b["rule"] == "model:4" and b["matched"] for b in ticket["advice"]["triage"]["because"])
    explained = (await desk.post("/v1/explain/triage", {"narrative": "刷脸的机器认不到人"})).json()
    assert explained["result"]["model"]["category"] == "wx-gate"
    services.form_opinion = lambda text, directory: None
    assert "model" not in (await desk.call("刷脸的机器认不到人"))["advice"]


async def test_a_danger_that_a_form_joins_to_another_ticket_opens_its_own(desk: Player, cast: Cast) -> None:
    gate = await cast("gate")
    light = await gate.call("3栋路灯不亮", channel="web")
    fire = await gate.call("3栋2楼着火了，快来人", channel="web", attach_to=light["number"])
    seen = await desk.see(fire["number"])
    assert fire["number"] != light["number"]
    assert seen["priority"] == "emergency" and "danger:fire" in seen["flags"]
    # what is no danger is joined, and so is what the ticket knows of; the desk decides for itself
    again = await gate.call("路灯还是不亮", channel="web", attach_to=light["number"])
    more = await gate.call("火越来越大了，着火了", channel="web", attach_to=fire["number"])
    by_desk = await desk.call("3栋2楼着火了，快来人", attach_to=light["number"])
    assert [t["number"] for t in (again, more, by_desk)] == [light["number"], fire["number"], light["number"]]


@pytest.mark.parametrize(("hint", "kind"), list(product(["za-praise", "wy-fee"], ["praise", "report", None])))
async def test_a_form_cannot_file_a_fire_as_something_else(cast: Cast, desk: Player, hint: str, kind: Any) -> None:
    gate = await cast("gate")
    body = {"channel": "web", "narrative": "7栋着火了，快来人", "category": hint, **({"kind": kind} if kind else {})}
    number = (await gate.post("/v1/calls", body)).json()["ticket"]["number"]
    seen = await desk.see(number)
    assert (seen["category"]["code"], seen["priority"], seen["status"]) == ("dt-fire", "emergency", "dispatched")


async def test_an_open311_client_cannot_file_a_fire_as_praise(cast: Cast, desk: Player, services: Services) -> None:
    key = await add_key(services, NewKey("app", Grant(frozenset({Role.GATEWAY}))), "test", services.clock())
    form = {
        "api_key": key["secret"],
        "service_code": "za-praise",
        "description": "7栋着火了，快来人",
        "address_string": "7栋",
    }
    reply = await desk.http.post("/open311/v2/requests.json", data=form)
    assert reply.status_code == 200, reply.text
    [ticket] = (await desk.get("/v1/tickets")).json()["items"]
    assert (ticket["category"]["code"], ticket["priority"]) == ("dt-fire", "emergency")
