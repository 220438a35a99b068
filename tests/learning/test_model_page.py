"""What supervisors are shown of the model: the route, the page, the doctor, the metrics."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import cycle

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from hotline.learning import store
from hotline.learning.in_use import ModelInUse
from hotline.learning.model.calibration import Prediction
from hotline.learning.model.gate import judge
from hotline.learning.service import promote, rollback, train
from hotline.learning.tables import model_check
from hotline.operations.doctor import run_checks
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.tickets.context import Services
from hotline.web.rule_texts import translate_stored
from tests.conftest import Cast, Clock, Player, on_one_database
from tests.learning.desk import Desk, fit_here
from tests.learning.narratives import MATTERS
from tests.learning.test_quarter import BEGIN, some, taught

pytestmark = pytest.mark.unchained  # the desk writes what it decided, and no timelines

PASSWORD = "a long pass 24365"


async def signed_in(app: FastAPI, services: Services, clock: Clock, grant: Grant) -> httpx.AsyncClient:
    await add_person(services, NewPerson("chen", "陈静", PASSWORD, grant), clock())
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline")
    made = await client.post("/console/session", json={"login": "chen", "password": PASSWORD})
    assert made.status_code == 200
    return client


async def test_the_model_is_shown_with_its_figures(watch: Player, services: Services, clock: Clock) -> None:
    empty = (await watch.get("/v1/triage/model")).json()
    assert (empty["use"], empty["version"], empty["versions"]) == (None, None, [])
    desk = Desk(services)
    await taught(desk, clock)
    await desk.decide(some(11, BEGIN + timedelta(hours=1), 80))
    clock.forward(hours=5)
    shown = (await watch.get("/v1/triage/model")).json()
    assert (shown["use"]["version"], shown["use"]["state"], shown["strong_labels"]) == (1, "shadow", 380)
    version = shown["version"]
    assert version["passed"] and len(version["hash"]) == 64 and version["judged_by"] == 60
    assert version["accuracy"] > 0.7 and version["ece"] < 0.3 and version["directory_version"] == 1
    assert {row["category"] for row in shown["categories"]} <= set((await services.directory.now(clock())).categories)
    assert sum(row["count"] for row in shown["confusion"]) == sum(tenth["guesses"] for tenth in shown["bins"]) == 60
    assert shown["record"]["labels"] == 80
    for row in shown["disagreements"]:
        assert row["said"] != row["chosen"] and row["version"] == 1
    assert len(shown["disagreements"]) == min(20, sum(not right for _, _, right in desk.outcomes))


async def test_the_model_is_for_supervisors_of_the_whole(cast: Cast) -> None:
    for name, status in (("watch", 200), ("committee", 200), ("boss", 200), ("desk", 403), ("lifts", 403)):
        assert (await (await cast(name)).get("/v1/triage/model")).status_code == status, name


@on_one_database
@pytest.mark.parametrize(
    ("language", "words", "why"),
    [
        ("zh-Hans", ("学习模型", "置信度校准", "最新分歧", "仅记录", "门禁故障"), ("由第 1 版回退", "新版本须由")),
        ("zh-Hant", ("學習模型", "信心度校準", "最新分歧", "僅記錄"), ("由第 1 版回退", "新版本須由")),
        (
            "en",
            ("Learning", "Calibration", "Newest disagreements", "in shadow"),
            ("rolled back from 1", "new versions"),
        ),
    ],
)
async def test_the_page_is_rendered_in_every_written_form(
    app: FastAPI, services: Services, clock: Clock, language: str, words: tuple[str, ...], why: tuple[str, ...]
) -> None:
    client = await signed_in(app, services, clock, Grant(frozenset({Role.SUPERVISOR})))
    client.cookies.set("hotline_language", language)
    nothing = await client.get("/console/model")
    assert nothing.status_code == 200 and "50" in nothing.text
    await taught(Desk(services), clock)
    page = await client.get("/console/model")
    assert page.status_code == 200
    for word in words:
        assert word in page.text, word
    await promote(services, 1, "boss", clock())
    await rollback(services, "boss", clock())
    lowered = await client.get("/console/model")
    for word in why:
        assert word in lowered.text and word not in page.text, word
    await client.aclose()


@on_one_database
@pytest.mark.parametrize(("language", "place"), [("zh-Hans", 0), ("zh-Hant", 1)])
async def test_why_a_version_did_not_pass_is_read_in_chinese(
    app: FastAPI, services: Services, clock: Clock, language: str, place: int
) -> None:
    wrong, right = [Prediction("a", "b", 0.9)] * 40, [Prediction("a", "a", 0.9)] * 40
    said = {
        reason
        for result in (
            judge([], None), judge(wrong, None), judge(wrong, None, {"b"}), judge(right, None), judge(right, right),
            judge([*right[:34], *wrong[:6]], right),
        )
        for reason in result.reasons
    }  # fmt: skip
    assert len(said) == 7
    for reason in said:
        found = translate_stored("gate_reason.", reason)
        assert found is not None and not re.search(r"[A-Za-z]{2,}", found[place].replace("F1", "")), reason
    desk = Desk(services)
    codes = cycle(MATTERS)
    await desk.decide([replace(each, category=next(codes)) for each in some(1, BEGIN, 60)])
    trained = await train(services, fit_here, clock())
    assert trained is not None and not trained.gate.passed
    client = await signed_in(app, services, clock, Grant(frozenset({Role.SUPERVISOR})))
    client.cookies.set("hotline_language", language)
    page = (await client.get("/console/model")).text
    assert ("判断正确，至少需达到 40%", "判斷正確，至少需達到 40%")[place] in page and "decisions" not in page
    await client.aclose()


@on_one_database
async def test_the_page_is_not_for_part_of_the_organisation(app: FastAPI, services: Services, clock: Clock) -> None:
    client = await signed_in(app, services, clock, Grant(frozenset({Role.SUPERVISOR}), None, "rq-g1"))
    assert (await client.get("/console/model")).status_code == 404
    await client.aclose()


async def test_doctor_and_metrics_tell_how_the_model_fares(desk: Player, services: Services, clock: Clock) -> None:
    async def said() -> tuple[str, bool]:
        [finding] = [f for f in await run_checks(services, clock()) if f.check == "model"]
        return finding.says, finding.warns

    assert await said() == ("no triage model yet: it learns from persons' decisions", False)
    await taught(Desk(services), clock)
    await promote(services, 1, "boss", clock(), acting=True)
    assert await said() == ("triage model version 1, acting", False)
    await rollback(services, "boss", clock())
    waits = "since a rollback new versions wait for hotline triage promote"
    assert await said() == (f"triage model version 1, in shadow; {waits}", False)
    await services.db.transact(
        lambda c: store.insert_check(c, {"at": clock(), "version": 1, "figures": {}, "alarms": ["label_mix"]})
    )
    [finding] = [f for f in await run_checks(services, clock()) if f.check == "model"]
    assert finding.warns and "类别构成变化" in finding.says_zh and "label_mix" not in finding.says_zh
    await services.db.transact(lambda c: c.execute(sa.delete(model_check)))
    await promote(services, 1, "boss", clock(), acting=True)
    metrics = (await desk.get("/metrics")).text
    assert "hotline_model_version 1.0" in metrics and "hotline_model_acting 1.0" in metrics
    assert "hotline_model_drift_alarms 0.0" in metrics


async def test_another_process_notices_which_version_is_in_use(services: Services, clock: Clock) -> None:
    elsewhere = ModelInUse()
    directory = await services.directory.now(clock())
    await elsewhere.refresh(services.db)
    assert elsewhere.form_opinion("路灯", directory) is None
    await taught(Desk(services), clock)
    await elsewhere.refresh(services.db)
    opinion = elsewhere.form_opinion("拍手也不燃，过道的灯", directory)
    assert opinion is not None and (opinion.version, opinion.acting) == (1, False)
    await promote(services, 1, "boss", clock(), acting=True)
    await elsewhere.refresh(services.db)
    assert elsewhere.model is not None and elsewhere.model.meta.acting
    assert await train(services, fit_here, clock()) is not None
