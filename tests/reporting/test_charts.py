"""Charts look the same everywhere: drawn once here as they should be, and compared letter by letter."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hotline.reporting import charts
from hotline.reporting.charts import Series
from hotline.tickets.lifecycle import ASSIGNMENT_MOVES, TICKET_MOVES
from hotline.tickets.model.vocabulary import AssignmentStatus, TicketStatus

KEPT = Path(__file__).parent / "charts"
DAYS = [f"11-{n:02}" for n in range(1, 15)]
DRAWN: dict[str, Callable[[], str]] = {
    "line": lambda: charts.line_chart(
        "受理与办结", DAYS, [Series("受理", [3, 5, 0, 8, 12, 7, 2, 4, 9, 11, 6, 3, 5, 10]), Series("办结", [1, 4, None, 6, 9, 8, 3, 2, None, 7, 8, 4, 4, 6])]
    ),
    "line-share": lambda: charts.line_chart("按时办结率", DAYS[:3], [Series("按时办结率", [None, 95.5, None])], "%", 100.0),
    "bar": lambda: charts.bar_chart("按时办结率", [("物业工程部", 97.5), ("一个名字特别特别特别长的部门需要截断显示", 60.0), ("水务", None)], "%", 100.0),
    "stacked": lambda: charts.stacked_bar_chart(
        "到期工单", [("物业工程部", {"met": 40, "missed": 3}), ("水务", {"met": 2, "overdue": 5})],
        [("met", "按时", charts.COLOUR["green"]), ("missed", "逾期", charts.COLOUR["yellow"]), ("overdue", "未报", charts.COLOUR["red"])],
    ),
    "heat": lambda: charts.heat_map("时段", [("11-01", [0, 1, 5, 9]), ("11-02", [2, 0, 0, 3])], ["8", "9", "10", "11"]),
    "sparkline": lambda: charts.sparkline("趋势", [1, 3, None, 2, 8]),
    "ticket": lambda: charts.state_diagram(TICKET_MOVES, TicketStatus, "dispatched", str, "工单"),
    "assignment": lambda: charts.state_diagram(ASSIGNMENT_MOVES, AssignmentStatus, "reported", str, "承办"),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_it_is_drawn_as_it_was(name: str) -> None:
    svg = DRAWN[name]()
    kept = KEPT / f"{name}.svg"
    if os.environ.get("HOTLINE_DRAW_ANEW"):
        KEPT.mkdir(exist_ok=True)
        kept.write_text(svg, encoding="utf-8")
    assert svg == kept.read_text(encoding="utf-8"), (
        "look at it, then: HOTLINE_DRAW_ANEW=1 pytest tests/reporting/test_charts.py"
    )


@pytest.mark.parametrize("name", DRAWN)
def test_it_says_in_words_what_it_shows_and_needs_nothing_from_elsewhere(name: str) -> None:
    svg = DRAWN[name]()
    tree = ElementTree.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    assert tree.get("role") == "img"
    title, desc = tree.find(f"{space}title"), tree.find(f"{space}desc")
    assert title is not None and title.text and desc is not None and desc.text
    assert " style=" not in svg and "<script" not in svg and not re.search(r"(?:href|src)=", svg)


def test_words_of_residents_cannot_break_out_of_a_chart() -> None:
    svg = charts.bar_chart("<b>&", [("</text><script>alert(1)</script>", 3)])
    assert "<script" not in svg and ElementTree.fromstring(svg) is not None


def test_an_empty_chart_is_a_chart() -> None:
    for svg in (
        charts.line_chart("x", [], []),
        charts.bar_chart("x", []),
        charts.stacked_bar_chart("x", [], []),
        charts.heat_map("x", [], []),
        charts.sparkline("x", []),
    ):
        ElementTree.fromstring(svg)


@pytest.mark.parametrize(
    ("values", "top"), [([], 1), ([0], 1), ([7], 10), ([12], 20), ([51], 100), ([100], 100), ([0.3], 0.5)]
)
def test_an_axis_ends_at_a_round_number(values: list[float], top: float) -> None:
    assert charts.axis_maximum(values) == pytest.approx(top)


def test_the_present_state_is_lit_and_only_it() -> None:
    svg = DRAWN["ticket"]()
    assert svg.count(f'fill="{charts.SERIES[0]}" stroke="{charts.SERIES[0]}"') == 1
