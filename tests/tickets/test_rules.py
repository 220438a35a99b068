"""Triage, routing, limits, numbers, phones: the rules a resident would notice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import ANY
from hotline.organisation.model.vocabulary import Danger, Kind, Priority
from hotline.storage.file_types import is_declared_type, media_type_of
from hotline.text.normalisation import fold_text, index_terms, query_terms
from hotline.text.numbering import FIRST, number_from_serial, parse_number, serial_from_number
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import is_service_number, is_withheld, mask_phone
from hotline.tickets.model.dangers import TicketCase
from hotline.tickets.model.routing import choose_route
from hotline.tickets.sla.policies import limits_for, policy_for, working_time_of
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import Lexicon, build_lexicon
from tests.triage.seeded import seeded_directory, seeded_lexicon


@pytest.fixture(scope="module")
def directory() -> Directory:
    return seeded_directory("ruiquan")


@pytest.fixture(scope="module")
def lex(directory: Directory) -> Lexicon:
    return seeded_lexicon("ruiquan")


DANGERS: list[tuple[str, str]] = [
    ("楼道着火了", "fire"),
    ("厨房燃起来了", "fire"),
    ("车库冒烟子", "fire"),
    ("There is a fire on the stairs", "fire"),
    ("屋頂著火，起火了", "fire"),
    ("闻到煤气味", "gas"),
    ("气漏了", "gas"),
    ("煤气臭得很", "gas"),
    ("洗澡的时候闷倒了", "gas"),
    ("I smell gas in the hall", "gas"),
    ("有人触电", "electric"),
    ("我娃儿遭电打了", "electric"),
    ("摸到栏杆麻到了", "electric"),
    ("電線掉落在路邊", "electric"),
    ("3栋电梯关到人了", "lift"),
    ("电梯头关到人了", "lift"),
    ("电梯困到人了", "lift"),
    ("电梯把人关起了", "lift"),
    ("我卡在电梯里了", "lift"),
    ("被关电梯里了", "lift"),
    ("老汉儿在电梯里出不来", "lift"),
    ("屋头烧起来了", "fire"),
    ("电线遭火烧", "fire"),
    ("老头儿昏过去了", "medical"),
    ("掉到井里头了", "water"),
    ("婆婆晕倒了", "medical"),
    ("heart attack, my father, building 5", "medical"),
    ("有人被砍了", "violence"),
    ("我老公打我", "violence"),
    ("有人困在电梯里", "lift"),
    ("关到电梯头了", "lift"),
    ("電梯困人", "lift"),
    ("My son is stuck in the elevator", "lift"),
    ("老人昏迷了", "medical"),
    ("绊倒了起不来", "medical"),
    ("遭砸到脑壳了", "medical"),
    ("He is unconscious", "medical"),
    ("有人持刀", "violence"),
    ("楼下打锤", "violence"),
    ("他们割孽要动刀", "violence"),
    ("孩子丢了", "missing"),
    ("我娃儿不见了", "missing"),
    ("老汉儿走落了", "missing"),
    ("A lost child at the gate", "missing"),
    ("有人要跳楼", "self_harm"),
    ("她说不想活了", "self_harm"),
    ("他在楼顶想不开", "self_harm"),
    ("房屋倒塌", "collapse"),
    ("墙要垮了", "collapse"),
    ("掉东西砸到人", "collapse"),
    ("小孩落水", "water"),
    ("出车祸了", "traffic"),
    ("遭车撞倒了", "traffic"),
    ("有人扯横幅", "unrest"),
    ("堵到路了", "unrest"),
]


@pytest.mark.parametrize(("text", "danger"), DANGERS, ids=[t for t, _ in DANGERS])
def test_a_danger_word_always_rings(text: str, danger: str, lex: Lexicon) -> None:
    found = advise(lex, text)
    assert Danger(danger) in found.dangers
    assert found.priority is (Priority.URGENT if danger == "unrest" else Priority.EMERGENCY)
    assert found.tell
    assert found.category is not None and found.confidence >= 0.75  # an emergency waits for nobody to choose a category
    assert any(b.rule.startswith("danger:") for b in found.because)


OPEN_QUESTIONS = [
    ("电梯卡起了", "lift"),
    ("我闻到一股焦糊味", "fire"),
    ("我室友两天没回来了", "missing"),
]


@pytest.mark.parametrize(("text", "danger"), OPEN_QUESTIONS, ids=[t for t, _ in OPEN_QUESTIONS])
def test_where_the_words_leave_it_open_the_operator_asks_one_question(text: str, danger: str, lex: Lexicon) -> None:
    found = advise(lex, text)
    assert [asked.danger for asked in found.ask] == [danger]
    assert all(asked.zh and asked.en for asked in found.ask)
    assert not found.dangers and found.priority is not Priority.EMERGENCY


HARMLESS = [
    "没有起火，只是问一下消防演习",
    "昨天的火灾演练视频在哪看",
    "娃儿打针要预约不",
    "燃气费怎么交",
    "楼上打麻将",
    "不好意思麻烦你们",
    "门口卖麻辣烫",
    "卖房子跳楼价",
    "我上火了",
    "消防演练什么时候搞",
    "电梯广告的钱呢",
    "花了120元",
    "119号楼在哪里",
    "昨天着火已扑灭",
    "昨天困在电梯，已经救出来了",
    "打火机忘在活动室",
    "想不开通网上缴费",
    "这件衣服卡起了拉链",
    "The fire drill is on Monday",
    "楼上火锅味道大",
    "上周水管爆了，早修好了",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_a_word_that_only_looks_dangerous_does_not_ring(text: str, lex: Lexicon) -> None:
    found = advise(lex, text)
    assert found.dangers == (), found.because
    assert found.priority is not Priority.EMERGENCY


@pytest.mark.parametrize("text", ["阴沟堵起了", "天花板沁水", "滴滴答答漏", "我们这停水了", "水管爆了"])
def test_some_things_are_urgent_and_no_emergency(text: str, lex: Lexicon) -> None:
    assert advise(lex, text).priority is Priority.URGENT


def test_a_past_danger_does_not_hide_a_present_one(lex: Lexicon) -> None:
    assert Danger.FIRE in advise(lex, "昨天着火已扑灭。现在又起火了").dangers


@pytest.mark.parametrize(
    ("text", "category", "area", "kind"),
    [
        ("三栋二单元路灯不亮", "wx-light", "rq-b3", Kind.REQUEST),
        ("21栋楼上漏水，邻里扯皮", "zy-leak", "rq-b21", Kind.COMPLAINT),
        ("請問物業費收費標準", "wy-fee", None, Kind.ENQUIRY),
        ("瑞泉馨城12栋单元门刷卡刷不开", "wx-gate", "rq-b12", Kind.REQUEST),
        ("表扬保洁阿姨，楼道干净", "za-praise", None, Kind.PRAISE),
        ("北门有人乱停车", "tc-illegal", "rq-gate-n", Kind.COMPLAINT),
        ("电梯坏了，有人关到电梯头了", "dt-trapped", None, Kind.REQUEST),
        ("The street light at building 5 is out", "wx-light", "rq-b5", Kind.REQUEST),
        ("3栋和5栋中间的井盖坏了", "wx-road", "rq", Kind.REQUEST),  # two places: the one that holds both
    ],
)
def test_what_a_resident_says_is_understood(
    text: str, category: str, area: str | None, kind: Kind, lex: Lexicon
) -> None:
    found = advise(lex, text)
    assert (found.category, found.area, found.kind) == (category, area, kind)
    assert found.confidence >= 0.5


def test_advice_names_the_words_and_the_rule(lex: Lexicon) -> None:
    shown = advise(lex, "3栋电梯关到人了，关到电梯头了").as_dict()
    assert any(b["rule"].startswith("danger:lift") and "电梯" in b["matched"] for b in shown["because"])
    assert {"rule": "area:rq-b3", "matched": ["3栋"]} in shown["because"]


@given(st.text(max_size=400))
def test_no_text_breaks_triage_or_search(text: str) -> None:
    found = advise(LEX[0], text)
    assert 0 <= found.confidence < 1
    assert all(t for t in index_terms(text))
    assert all(t for t, _ in query_terms(text))


LEX = [build_lexicon(Directory(0))]

WORKDAY_NOON, NIGHT, SUNDAY = (
    datetime(2026, 11, 25, 4, tzinfo=UTC),
    datetime(2026, 11, 25, 15, tzinfo=UTC),
    datetime(2026, 11, 29, 4, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("category", "kind", "area", "now", "row", "lead"),
    [
        ("dt-trapped", Kind.REQUEST, "rq-b3", WORKDAY_NOON.replace(hour=6), "r-dt-trapped", "property-works"),
        ("dt-trapped", Kind.REQUEST, "rq-b3", NIGHT, "r-dt-trapped-duty", "service-centre"),  # the duty desk at night
        ("dt-trapped", Kind.REQUEST, "rq-b3", SUNDAY, "r-dt-trapped-duty", "service-centre"),
        ("tc-illegal", Kind.COMPLAINT, "rq-b3", NIGHT, "r-tc-illegal", "property-desk"),
        # the place is more specific
        (
            "tc-illegal",
            Kind.COMPLAINT,
            "rq-gate-n",
            NIGHT,
            "r-tc-illegal-north",
            "city-management",
        ),
        ("wx-roof", Kind.COMPLAINT, "rq-b3", NIGHT, "r-wx-roof-complaint", "residents-affairs"),  # the kind is
        ("wt-venue", Kind.ENQUIRY, None, NIGHT, "r-wt", "culture-sports"),  # the root's row, for a leaf without one
        (None, Kind.REQUEST, None, NIGHT, None, "service-centre"),  # never nobody
    ],
)
def test_the_most_specific_row_of_the_catalogue_wins(
    category: str | None, kind: Kind, area: str | None, now: datetime, row: str | None, lead: str, directory: Directory
) -> None:
    routed = choose_route(directory, category, kind, area, now)
    assert routed is not None
    assert (routed.route, routed.lead, routed.sure) == (row, lead, row is not None)


def test_an_emergency_is_due_in_hours_and_an_enquiry_in_working_days(directory: Directory) -> None:
    fast = limits_for(directory, TicketCase(Kind.REQUEST, Priority.EMERGENCY, "dt-trapped", None), WORKDAY_NOON)
    slow = limits_for(directory, TicketCase(Kind.ENQUIRY, Priority.NORMAL, None, None), WORKDAY_NOON)
    assert fast is not None and slow is not None
    assert ((fast.due_at - WORKDAY_NOON).total_seconds(), fast.policy) == (7200, "emergency")
    assert (slow.policy, slow.due_at.isoformat()) == ("enquiry", "2026-11-30T16:00:00+00:00")
    late = limits_for(
        directory, TicketCase(Kind.COMPLAINT, Priority.NORMAL, None, None), datetime(2026, 12, 18, 4, tzinfo=UTC)
    )
    assert late is not None and late.provisional  # 2027 is not announced


def test_of_all_policies_that_fit_the_most_specific_counts(directory: Directory) -> None:
    """Priority before category before area before kind; a category and an area stand for all below them."""
    case = Kind.REQUEST, Priority.URGENT, "dt-trapped", "rq-b3"
    above, around = directory.category_path("dt-trapped")[1], directory.area_path("rq-b3")[1]
    general = replace(directory.policies["request"], kind=ANY, priority=ANY, category=ANY, area=ANY)
    rows: list[dict[str, str]] = [
        {"kind": "request"}, {"area": around}, {"area": "rq-b3"}, {"area": "rq-b3", "kind": "request"},
        {"category": above}, {"category": "dt-trapped"}, {"category": "dt-trapped", "area": around},
        {"priority": "urgent"}, {"priority": "urgent", "category": above}, {"priority": "urgent", "category": "dt-trapped"},
    ]  # fmt: skip
    others = {"other": replace(general, code="other", priority="emergency", category="dt-trapped", area="rq-b3")}
    for n, row in enumerate(rows):
        others[f"p{n}"] = replace(general, code=f"p{n}", **row)
        found = policy_for(Directory(2, categories=directory.categories, areas=directory.areas, policies=others), *case)
        assert found is not None and found.code == f"p{n}", row
    assert policy_for(Directory(2, policies={"other": others["other"]}), *case) is None


def test_no_danger_waits_longer_because_another_was_told_with_it(directory: Directory) -> None:
    """Of the policies of all its dangers the strictest; and whoever must act on a danger leads where no row is for the
    matter itself."""
    emergency = directory.policies["emergency"]
    lift = replace(emergency, code="lift", category="dt-trapped", accept="0:02 calendar_hours")
    strict = replace(directory, policies={**directory.policies, "lift": lift})
    of_both = TicketCase(Kind.REQUEST, Priority.EMERGENCY, "za-medical", None, ("medical", "lift"))
    found = limits_for(strict, of_both, NIGHT)
    assert found is not None and (found.policy, found.accept_by - NIGHT) == ("lift", timedelta(minutes=2))
    alone = limits_for(strict, replace(of_both, dangers=("medical",)), NIGHT)
    assert alone is not None and alone.policy == "emergency"
    routed = choose_route(directory, None, Kind.REQUEST, None, NIGHT, ("gas", "medical"))
    assert routed is not None and (routed.lead, routed.sure) == ("gas", True)
    assert set(routed.assists) == {"security", "fire-watch", "service-centre"}


def test_offices_are_open_on_a_worked_saturday_and_shut_on_a_holiday(directory: Directory) -> None:
    counts = working_time_of(directory, None)
    assert counts is not None
    assert counts.is_working(datetime(2026, 5, 9, 2, tzinfo=UTC))
    assert not counts.is_working(datetime(2026, 5, 4, 2, tzinfo=UTC))
    assert not counts.is_working(datetime(2026, 11, 25, 4, 30, tzinfo=UTC))  # lunch


@given(st.integers(FIRST, 10**12))
def test_a_mistyped_number_never_hits_another_ticket(serial: int) -> None:
    number = number_from_serial(serial)
    assert (parse_number(number), serial_from_number(number)) == (number, serial)
    for place, digit in enumerate(number):
        for other in set("0123456789") - {digit}:
            assert parse_number(number[:place] + other + number[place + 1 :]) is None
    for place, (a, b) in enumerate(pairwise(number)):
        if a != b:
            assert parse_number(number[:place] + b + a + number[place + 2 :]) is None


@pytest.mark.parametrize("typed", ["100 000 006", "100-000-006", "１００００００６"[:3] + "000006", " 100000006 "])
def test_a_number_is_read_as_people_say_it(typed: str) -> None:
    assert parse_number(typed) == "100000006"


@pytest.mark.parametrize("typed", ["", "1", "10000000x", "000000000", "1" * 40, "一百", "10000006"])
def test_what_is_no_number_is_none(typed: str) -> None:
    assert parse_number(typed) is None


@pytest.mark.parametrize(
    ("raw", "phone", "caller"),
    [
        ("13800138000", "+8613800138000", True),
        ("+86 138 0013 8000", "+8613800138000", True),
        ("0086-138-0013-8000", "+8613800138000", True),
        ("１３８００１３８０００", "+8613800138000", True),
        ("86001234", "+862886001234", True),
        ("(028) 8600 1234", "+862886001234", True),
        ("+44 20 7946 0018", "+442079460018", True),
        ("12345", "12345", False),
        ("106575123456", "106575123456", False),
        ("95598", "95598", False),
        ("110", "110", False),
        ("anonymous", None, False),
        ("", None, False),
        (None, None, False),
        ("匿名", None, False),
    ],
)
def test_a_number_is_heard_as_what_it_is(raw: str | None, phone: str | None, caller: bool) -> None:
    found = parse_phone(raw, "CN", "28")
    assert (found.phone, found.caller) == (phone, caller)


@pytest.mark.parametrize("raw", ["1380013800", "138001380000", "abc", "+1", "00000000000", "9" * 30, "无", "不详"])
def test_what_is_no_number_is_told_and_its_words_are_kept(raw: str) -> None:
    found = parse_phone(raw, "CN", "28")
    assert (found.phone, found.caller, found.words) == (None, False, raw)
    assert found.unread is not None


def test_masks_show_enough_to_tell_callers_apart_and_too_little_to_ring() -> None:
    assert [mask_phone(p) for p in ("+8613800138000", "+862886001234", "12345", None)] == [
        "138****8000",
        "288***1234",
        "*****",
        None,
    ]
    assert is_withheld("Anonymous") and is_service_number("119") and not is_service_number("13800138000")


def test_folding_meets_in_one_shadow_form() -> None:
    assert fold_text("電梯困人！三棟２單元") == fold_text("电梯困人!3栋2单元") == "电梯困人!3栋2单元"
    assert fold_text("十二栋二十一楼一百零三室") == "12栋21楼103室"
    assert index_terms("路灯坏了 Light") == ["路灯", "灯坏", "坏了", "了", "light"]
    assert query_terms("灯") == [("灯", True)] and query_terms("路灯坏") == [("路灯", False), ("灯坏", False)]
    assert query_terms("  ，。 ") == []


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"%PDF-1.7", "application/pdf"),
        (b"RIFF0000WEBP", "image/webp"),
        (b"\x00\x00\x00\x18ftypisom", "video/mp4"),
        (b"#!AMR\n", "audio/amr"),
        (b"MZ\x90\x00", None),
        (b"<html>", None),
        (b"PK\x03\x04", None),
        (b"", None),
    ],
)
def test_a_file_is_what_its_bytes_say(head: bytes, kind: str | None) -> None:
    assert media_type_of(head) == kind
    assert (
        is_declared_type("image/jpg", "image/jpeg")
        and not is_declared_type("image/png", "image/jpeg")
        and is_declared_type(None, "image/png")
    )
