"""The words of texts, read and written, and the weights of gateways: pure rules, small tables."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.locales import text_keys, translate
from hotline.organisation.model.vocabulary import Channel, Danger, Kind, Priority
from hotline.sms.model.requests import Intent, TextEffect, effect_on_ticket, parse_text
from hotline.sms.model.templates import (
    MAX_TEXT_LENGTH,
    compose_text,
    count_parts,
    quiet_until,
    template_for,
    withheld_reason,
)
from hotline.sms.model.weights import GatewayHealth, GatewayWeight, choose_gateway, weight_changes
from hotline.text.simplified import to_traditional
from hotline.tickets.model.vocabulary import Action, Satisfaction, TicketStatus
from hotline.triage.model.advice import Advice
from tests.tickets.make import a_ticket

TEMPLATES = [key.removeprefix("message_template.") for key in text_keys("message_template.")]
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("text", "parts", "ucs2"),
    [
        ("a" * 160, 1, False), ("a" * 161, 2, False), ("a" * 306, 2, False), ("a" * 307, 3, False), ("€" * 80, 1, False),
        ("€" * 81, 2, False), ("灯" * 70, 1, True), ("灯" * 71, 2, True), ("灯" * 134, 2, True), ("灯" * 135, 3, True),
        ("😀" * 35, 1, True), ("😀" * 36, 2, True), ("", 1, False),
    ],
)  # fmt: skip
def test_how_many_parts_a_text_takes(text: str, parts: int, ucs2: bool) -> None:
    assert count_parts(text) == (parts, ucs2)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("language", ["zh", "zh-Hant", "en"])
def test_every_message_is_one_line_and_bounded_whatever_is_filled_in(template: str, language: str) -> None:
    values = {
        n: "第一行\n第二行\x00{number}" * 100
        for n in ("reply", "reason", "channel", "department", "status", "promised", "place")
    } | {"hotline": "热线", "number": "100000006", "code": "123456"}
    plain = translate(f"message_template.{template}", language)
    message = compose_text(plain, values)
    assert len(message.body) <= MAX_TEXT_LENGTH and "\n" not in message.body and "\x00" not in message.body
    assert "100000006" in message.body or "{number}" not in plain


TYPICAL = {
    "zh": {
        "hotline": "瑞泉馨城24365热线", "department": "瑞泉馨城物业服务中心", "promised": "5月20日18:00", "until": "5月20日18:00",
        "reason": "请说明楼栋", "reply": "已更换门机皮带，电梯恢复运行", "channel": "区人民法院", "review": "8月20日18:00",
        "parent": "100000014", "numbers": "110/119/120",
    },
    "en": {
        "hotline": "Ruiquan 24365 hotline", "department": "Property service", "promised": "20 May 18:00", "until": "20 May 18:00",
        "reason": "which building", "reply": "the door belt was replaced", "channel": "the court", "review": "20 Aug 18:00",
        "parent": "100000014", "numbers": "110/119/120",
    },
}  # fmt: skip
TYPICAL["zh-Hant"] = {name: to_traditional(words) for name, words in TYPICAL["zh"].items()}


@pytest.mark.parametrize("language", ["zh", "zh-Hant", "en"])
@pytest.mark.parametrize("template", ["received", "dispatched", "received_dispatched", "extended", "reopened", "declined",
                                      "info", "emergency", "closed", "shelved", "solved"])  # fmt: skip
def test_what_residents_are_sent_most_costs_one_text_and_two_where_it_asks(template: str, language: str) -> None:
    message = compose_text(
        translate(f"message_template.{template}", language),
        {"number": "100000006", "code": "123456", **TYPICAL[language]},
    )
    assert message.parts <= (2 if template == "solved" else 1), (message.parts, len(message.body), message.body)
    assert message.ucs2 is (language != "en"), "an English text must do with seven bits"


def test_quiet_hours_end_in_the_morning_and_may_be_none() -> None:
    night = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)  # 23:00
    assert quiet_until(night, SHANGHAI) == datetime(2026, 11, 26, 0, 0, tzinfo=UTC)
    assert quiet_until(datetime(2026, 11, 25, 18, 0, tzinfo=UTC), SHANGHAI) == datetime(2026, 11, 26, 0, 0, tzinfo=UTC)
    assert quiet_until(NOON, SHANGHAI) is None
    assert quiet_until(night, SHANGHAI, time(0), time(0)) is None
    assert quiet_until(NOON, SHANGHAI, time(11), time(14)) == datetime(2026, 11, 25, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wish", "satisfaction"),
    [
        ("1", Intent.RATE, Satisfaction.VERY_SATISFIED), ("1分", Intent.RATE, Satisfaction.VERY_SATISFIED),
        ("５", Intent.RATE, Satisfaction.VERY_DISSATISFIED), ("100000006 2", Intent.RATE, Satisfaction.SATISFIED),
        ("3栋漏水", Intent.MATTER, None), ("1 楼没水", Intent.MATTER, None), ("不满意", Intent.RATE, Satisfaction.DISSATISFIED),
        ("不满意的是楼道灯", Intent.MATTER, None), ("我对物业非常不满意，三天没人来", Intent.MATTER, None),
        ("查询", Intent.PROGRESS, None), ("查询 100000006 123456", Intent.PROGRESS, None), ("进度", Intent.PROGRESS, None),
        ("查水表的师傅态度很差", Intent.MATTER, None), ("query", Intent.PROGRESS, None), ("100-000-006", Intent.PROGRESS, None),
        ("谢谢！", Intent.THANKS, None), ("谢谢，但是还没修好", Intent.MATTER, None), ("", Intent.NOTHING, None), ("\u200b \n", Intent.NOTHING, None),
        ("帮助", Intent.HELP, None), ("帮助老人过马路的路灯坏了", Intent.MATTER, None), ("stop", Intent.OPT_OUT, None),
        ("Stop the noise at number 5", Intent.MATTER, None), ("开始", Intent.MATTER, None), ("START", Intent.OPT_IN, None),
    ],
)  # fmt: skip
def test_what_a_text_asks_for(text: str, wish: Intent, satisfaction: Satisfaction | None) -> None:
    read = parse_text(text)
    assert (read.intent, read.satisfaction) == (wish, satisfaction)


def test_a_phone_number_is_taken_for_a_ticket_only_by_its_check_digit() -> None:
    assert parse_text("请回电13800138001，路灯坏了").numbers in ((), ("13800138001",))
    assert parse_text("工单100000006还没修好").numbers == ("100000006",)
    read = parse_text("查询 100 000 006 271828")
    assert (read.numbers, read.code) == (("100000006",), "271828")


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(text: str) -> None:
    parse_text(text)


def _share(name: str, weight: int, resting: int = 50, shifted_at: datetime | None = None) -> GatewayWeight:
    return GatewayWeight(name, weight, resting, shifted_at)


def test_weight_goes_in_tens_never_below_ten_and_never_on_one_error() -> None:
    good, bad = GatewayHealth(tries=100), GatewayHealth(tries=100, errors=60)
    a, b = _share("a", 50), _share("b", 50)
    assert weight_changes([a, b], {"a": GatewayHealth(tries=1, errors=1)}, NOON) == {}
    assert weight_changes([a, b], {"a": GatewayHealth(tries=9, errors=9)}, NOON) == {}
    assert weight_changes([a, b], {"a": bad, "b": good}, NOON) == {"a": 40, "b": 60}
    assert weight_changes([_share("a", 10), b], {"a": bad}, NOON) == {}
    assert weight_changes([_share("a", 15), b], {"a": bad}, NOON) == {"a": 10, "b": 55}
    assert weight_changes([a, b], {"a": bad, "b": bad}, NOON) == {}  # nowhere better to go
    assert weight_changes([a], {"a": bad}, NOON) == {}
    assert weight_changes([_share("a", 40, 50, NOON), _share("b", 60)], {"a": bad}, NOON + timedelta(seconds=59)) == {}
    slow = GatewayHealth(texts=20, slow=3)
    assert weight_changes([a, b], {"a": slow}, NOON) == {"a": 40, "b": 60}
    back = weight_changes([_share("a", 20, 50, NOON), _share("b", 80, 50, NOON)], {}, NOON + timedelta(minutes=5))
    assert back == {"a": 30, "b": 70}


@given(st.floats(0, 0.999999), st.lists(st.integers(0, 100), min_size=1, max_size=5))
def test_some_gateway_is_always_chosen_and_never_one_without_weight(roll: float, weights: list[int]) -> None:
    shares = [_share(str(n), w) for n, w in enumerate(weights)]
    name = choose_gateway(shares, roll)
    assert name is not None
    assert weights[int(name)] > 0 or not any(weights)


def advice(category: str | None = None, *dangers: Danger) -> Advice:
    return Advice(Kind.REQUEST, Priority.NORMAL, category, None, dangers, 0.9 if category else 0.0, ())


LIFT, WATER = "dt-fault", "sdq-water"


@pytest.mark.parametrize(
    ("status", "text", "of", "how", "does", "said"),
    [
        ("resolved", "1", None, {}, TextEffect.RATE, Satisfaction.VERY_SATISFIED),
        ("resolved", "5", None, {}, TextEffect.REOPEN, Satisfaction.VERY_DISSATISFIED),
        ("resolved", "又坏了", LIFT, {}, TextEffect.REOPEN, Satisfaction.DISSATISFIED),
        ("resolved", "又停水了", WATER, {}, TextEffect.NEW, None),
        ("resolved", "满意，9栋停水了", None, {"beside": WATER}, TextEffect.NEW, Satisfaction.SATISFIED),
        ("resolved", "1", None, {"theirs": False}, TextEffect.JOIN, None),  # an officer decides nothing
        ("resolved", "9栋停水了", WATER, {}, TextEffect.NEW, None),
        ("closed", "又坏了", LIFT, {}, TextEffect.REOPEN, None),
        ("closed", "又停水了", WATER, {}, TextEffect.NEW, None),
        ("closed", "又停水了", WATER, {"named": True}, TextEffect.REOPEN, None),
        ("closed", "5", None, {}, TextEffect.REOPEN, None),
        ("closed", "1", None, {}, TextEffect.NOTE, None),
        ("closed", "路灯坏了", None, {}, TextEffect.NEW, None),
        ("closed", "又坏了", LIFT, {"theirs": False}, TextEffect.NEW, None),
        ("awaiting_info", "7栋楼下", None, {}, TextEffect.TELL, None),
        ("awaiting_info", "7栋楼下", None, {"theirs": False}, TextEffect.JOIN, None),
        ("awaiting_info", "9栋停水了", WATER, {}, TextEffect.NEW, None),
        ("dispatched", "左边那台", None, {}, TextEffect.JOIN, None),
        ("dispatched", "9栋停水了", WATER, {}, TextEffect.NEW, None),
        ("dispatched", "9栋停水了", WATER, {"named": True}, TextEffect.JOIN, None),
        ("void", "左边那台", None, {"named": True}, TextEffect.NEW, None),
    ],
)  # fmt: skip
def test_what_a_text_does_to_a_ticket_about_a_lift(
    status: str, text: str, of: str | None, how: dict[str, object], does: TextEffect, said: Satisfaction | None
) -> None:
    beside = advice(str(how["beside"])) if "beside" in how else None
    theirs, named = bool(how.get("theirs", True)), bool(how.get("named", False))
    ticket = a_ticket(status, category=LIFT)
    assert effect_on_ticket(ticket, parse_text(text), advice(of), beside, is_own_ticket=theirs, is_named=named) == (
        does,
        said,
    )


@pytest.mark.parametrize("status", [s for s in TicketStatus if s is not TicketStatus.MERGED])
def test_a_new_danger_is_always_a_matter_of_its_own_and_a_known_one_is_not(status: TicketStatus) -> None:
    fire = advice(None, Danger.FIRE)
    for said in ("1 着火了", "谢谢，着火了", "又着火了"):
        assert (
            effect_on_ticket(a_ticket(status), parse_text(said), fire, None, is_own_ticket=True, is_named=True)[0]
            is TextEffect.NEW
        )
    found_to_be_none = a_ticket("dispatched", flags=("danger:fire",), priority=Priority.NORMAL)
    assert (
        effect_on_ticket(found_to_be_none, parse_text("着火了"), fire, None, is_own_ticket=True, is_named=True)[0]
        is TextEffect.NEW
    )
    burning = a_ticket("dispatched", flags=("danger:fire",), priority=Priority.EMERGENCY)
    assert (
        effect_on_ticket(burning, parse_text("还在烧"), fire, None, is_own_ticket=True, is_named=False)[0]
        is TextEffect.JOIN
    )


@pytest.mark.parametrize(
    ("action", "ticket", "how", "template"),
    [
        (Action.RECEIVE, {}, {}, "received"),
        (Action.RECEIVE, {"department": "d", "promised_at": NOON}, {}, "received_dispatched"),
        (Action.RECEIVE, {"priority": Priority.EMERGENCY, "department": "d", "promised_at": NOON}, {}, "emergency"),
        (Action.RECEIVE, {"status": TicketStatus.CLOSED}, {}, None),
        (Action.DISPATCH, {}, {"begun": True}, None), (Action.DISPATCH, {}, {}, "dispatched"),
        (Action.ACCEPT_REPORT, {"status": TicketStatus.RESOLVED}, {}, "solved"),
        (Action.ACCEPT_REPORT, {"status": TicketStatus.RESOLVED}, {"asks": False}, "answered"),
        (Action.ACCEPT_REPORT, {"status": TicketStatus.CLOSED}, {}, "answered"),
        (Action.CONFIRM, {"channel": Channel.SMS, "satisfaction_final": Satisfaction.FAIR}, {}, "closed"),
        (Action.CONFIRM, {"channel": Channel.SMS, "satisfaction_final": Satisfaction.NO_ANSWER}, {}, None),
        (Action.CONFIRM, {"satisfaction_final": Satisfaction.FAIR}, {}, None),
        (Action.REOPEN, {}, {}, "reopened"), (Action.URGE, {}, {}, None),
    ],
)  # fmt: skip
def test_which_template_is_sent_after_a_step(
    action: Action, ticket: dict[str, object], how: dict[str, bool], template: str | None
) -> None:
    chosen = template_for(
        action, a_ticket(**ticket), at_opening=how.get("begun", False), may_ask_rating=how.get("asks", True)
    )
    assert chosen == template and (chosen is None or chosen in TEMPLATES)


def test_who_is_not_written_to() -> None:
    assert withheld_reason(a_ticket()) is None
    assert withheld_reason(a_ticket(confidential=True)) == "confidential"
    assert withheld_reason(a_ticket(reply_wanted=False)) == "no reply wanted"
    assert withheld_reason(a_ticket(reply_wanted=False, priority=Priority.EMERGENCY)) is None
    assert withheld_reason(a_ticket(phone="+862887654321")) == "a landline takes no texts"
