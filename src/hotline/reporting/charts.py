"""Charts as SVG: line, bar, stacked, heat, sparkline, and a state machine with its present state highlighted.

Text in, text out; the same look on a screen, on paper and in a report. Each names itself for those who hear it read
(`title`, `desc`); patterns beside colours for those who cannot tell colours apart.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import Any, NamedTuple

from hotline.text.bidi import isolate_text

INK, PALE, GRID = "#1b2733", "#5a6772", "#d9dfe4"
SERIES = ("#1f5fa8", "#b3541e", "#2c7a4b", "#7a4fa3", "#8a6d00", "#a8324a")
COLOUR = {"green": "#2c7a4b", "blue": "#1f5fa8", "yellow": "#c79100", "red": "#b3261e", "grey": "#7c8791"}
FONT = "system-ui, 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"
WIDE, HIGH, LEFT, BOTTOM, TOP = 640, 240, 48, 34, 14


@dataclass(frozen=True, slots=True)
class Series:
    """A named row of values; None: unknown."""

    name: str
    values: Sequence[float | None]


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _escaped(words: str) -> str:
    return escape(isolate_text(words))


class _Look(NamedTuple):
    """How a text is set: the end that `x` is of, its size in pixels, its colour."""

    anchor: str = "start"
    size: int = 12
    fill: str = INK
    bold: bool = False


_PLAIN = _Look()


def _text(x: float, y: float, words: str, look: _Look = _PLAIN) -> str:
    weight = ' font-weight="600"' if look.bold else ""
    style = f'text-anchor="{look.anchor}" font-size="{look.size}" fill="{look.fill}"{weight}'
    return f'<text x="{_n(x)}" y="{_n(y)}" {style}>{_escaped(words)}</text>'


def _svg_document(inside: Iterable[str], title: str, description: str, wide: float, high: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(wide)} {_n(high)}" role="img" class="chart" '
        f'font-family="{FONT}"><title>{_escaped(title)}</title><desc>{_escaped(description)}</desc>{"".join(inside)}</svg>'
    )


def _description(labels: Sequence[str], series: Sequence[Series], unit: str) -> str:
    """The chart as text with every point, for screen readers."""
    parts = []
    for one in series:
        points = (f"{label} {_n(v)}{unit}" for label, v in zip(labels, one.values, strict=True) if v is not None)
        parts.append(f"{one.name}: " + ", ".join(points))
    return "; ".join(parts)


def axis_maximum(values: Iterable[float | None]) -> float:
    """The top of the scale: a round number not below any value."""
    most = max((v for v in values if v is not None), default=0)
    if most <= 0:
        return 1
    step = 1.0
    while step * 10 <= most:
        step *= 10
    while step > most:
        step /= 10
    return next(step * factor for factor in (1, 2, 5, 10) if step * factor >= most)


def _axes(labels: Sequence[str], top: float, unit: str) -> list[str]:
    parts = []
    for n in range(5):
        value, y = top * n / 4, _y(top * n / 4, top)
        parts.append(f'<line x1="{LEFT}" x2="{WIDE - 8}" y1="{_n(y)}" y2="{_n(y)}" stroke="{GRID}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{_n(value)}{unit}", _Look(anchor="end", size=11, fill=PALE)))
    every = max(1, -(-len(labels) // 10))
    parts += [
        _text(_x(n, len(labels)), HIGH - BOTTOM + 16, label, _Look(anchor="middle", size=11, fill=PALE))
        for n, label in enumerate(labels)
        if n % every == 0
    ]
    return parts


def _x(place: int, count: int) -> float:
    return LEFT + (WIDE - 8 - LEFT) * (place + 0.5) / max(1, count)


def _y(value: float, top: float) -> float:
    return TOP + (HIGH - BOTTOM - TOP) * (1 - value / top)


def _legend(names: Sequence[str], colours: Sequence[str]) -> list[str]:
    parts, x = [], float(LEFT)
    for name, colour in zip(names, colours, strict=True):
        parts.append(f'<rect x="{_n(x)}" y="{HIGH - 10}" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(x + 14, HIGH - 1, name, _Look(size=11)))
        x += 26 + 12 * sum(1.0 if ord(c) > 0x2E7F else 0.58 for c in name)
    return parts


_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4", "10 4")


def line_chart(
    title: str, labels: Sequence[str], series: Sequence[Series], unit: str = "", top: float | None = None
) -> str:
    """A line chart of values over time: a gap where a value is unknown, a dot where one stands alone."""
    highest = top if top is not None else axis_maximum(v for s in series for v in s.values)
    parts = _axes(labels, highest, unit)
    for place, one in enumerate(series):
        colour, dash = SERIES[place % len(SERIES)], _DASHES[place % len(_DASHES)]
        drawn, before = [], False
        for n, value in enumerate(one.values):
            if value is None:
                before = False
                continue
            drawn.append(f"{'L' if before else 'M'}{_n(_x(n, len(labels)))} {_n(_y(value, highest))}")
            alone = not before and (n + 1 == len(one.values) or one.values[n + 1] is None)
            if alone:
                parts.append(
                    f'<circle cx="{_n(_x(n, len(labels)))}" cy="{_n(_y(value, highest))}" r="3" fill="{colour}"/>'
                )
            before = True
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(f'<path d="{" ".join(drawn)}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>')
    parts += _legend([s.name for s in series], [SERIES[n % len(SERIES)] for n in range(len(series))])
    return _svg_document(parts, title, _description(labels, series, unit), WIDE, HIGH)


@dataclass(frozen=True, slots=True)
class RateColumn:
    """A column of `rate_chart`: how many did and did not, and the rate as text."""

    label: str
    reached: int
    failed: int
    rate: str


def rate_chart(title: str, columns: Sequence[RateColumn], names: tuple[str, str]) -> str:
    """Columns of what was reached and what was not, each with its numbers and its rate below. `names`: of the two."""
    high, foot, top = 250, 62, 22
    highest = axis_maximum(c.reached + c.failed for c in columns)
    step = (WIDE - 8 - LEFT) / max(1, len(columns))
    wide, room = min(54.0, step * 0.62), high - foot - top
    parts = []
    for n in range(5):
        y = top + room * (1 - n / 4)
        parts.append(f'<line x1="{LEFT}" x2="{WIDE - 8}" y1="{_n(y)}" y2="{_n(y)}" stroke="{GRID}"/>')
        parts.append(_text(LEFT - 6, y + 4, _n(highest * n / 4), _Look(anchor="end", size=12, fill=PALE)))
    for n, column in enumerate(columns):
        x = LEFT + step * (n + 0.5)
        did, not_done = room * column.reached / highest, room * column.failed / highest
        floor = top + room
        if column.reached:
            parts.append(_bar(x - wide / 2, floor - did, wide, did, SERIES[0]))
        if column.failed:
            parts.append(_bar(x - wide / 2, floor - did - not_done, wide, not_done, COLOUR["red"]))
            parts.append(_text(x, floor - did - not_done - 6, str(column.failed), _RED))
        if did > 18:
            parts.append(_text(x, floor - 7, str(column.reached), _ON_BAR))
        parts.append(_text(x, floor + 18, column.label, _Look(anchor="middle", size=12, fill=PALE)))
        parts.append(_text(x, floor + 37, column.rate, _Look(anchor="middle", size=13, bold=True)))
    parts += [part.replace(f'y="{HIGH - 10}"', f'y="{high - 14}"').replace(f'y="{HIGH - 1}"', f'y="{high - 5}"')
              for part in _legend(names, (SERIES[0], COLOUR["red"]))]  # fmt: skip
    description = ", ".join(f"{c.label}: {names[0]} {c.reached}, {names[1]} {c.failed}, {c.rate}" for c in columns)
    return _svg_document(parts, title, description, WIDE, high)


def _bar(x: float, y: float, wide: float, high: float, fill: str) -> str:
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" height="{_n(high)}" rx="2" fill="{fill}"/>'


_RED = _Look(anchor="middle", size=12, fill=COLOUR["red"], bold=True)
_ON_BAR = _Look(anchor="middle", size=12, fill="#fff", bold=True)


def bar_chart(title: str, rows: Sequence[tuple[str, float | None]], unit: str = "", top: float | None = None) -> str:
    """A horizontal bar chart: one value for each name."""
    high, at = 24, 0
    highest = top if top is not None else axis_maximum(v for _, v in rows)
    parts, left = [], 210.0
    for name, value in rows:
        y = 6 + at * high
        parts.append(_text(left - 8, y + 13, name if len(name) <= 22 else name[:21] + "…", _Look(anchor="end")))
        if value is None:
            parts.append(_text(left + 4, y + 13, "–", _Look(fill=PALE)))
        else:
            wide = (WIDE - 60 - left) * value / highest
            parts.append(f'<rect x="{_n(left)}" y="{y}" width="{_n(wide)}" height="16" fill="{SERIES[0]}"/>')
            parts.append(_text(left + wide + 6, y + 13, f"{_n(value)}{unit}"))
        at += 1
    description = ", ".join(f"{name} {'–' if v is None else _n(v) + unit}" for name, v in rows)
    return _svg_document(parts, title, description, WIDE, at * high + 12)


def stacked_bar_chart(
    title: str, rows: Sequence[tuple[str, Mapping[str, int]]], segments: Sequence[tuple[str, str, str]]
) -> str:
    """Stacked bars: each part is (key, name, colour) and shows its number, so that it can be read without colour."""
    high, left, drawn = 26, 210.0, []
    most = max((sum(counts.get(key, 0) for key, _, _ in segments) for _, counts in rows), default=0) or 1
    for at, (name, counts) in enumerate(rows):
        y, x = 6 + at * high, left
        drawn.append(_text(left - 8, y + 14, name if len(name) <= 22 else name[:21] + "…", _Look(anchor="end")))
        for key, _, colour in segments:
            n = counts.get(key, 0)
            if n:
                wide = (WIDE - 40 - left) * n / most
                drawn.append(
                    f'<rect x="{_n(x)}" y="{y}" width="{_n(wide)}" height="18" fill="{colour}" stroke="#fff"/>'
                )
                if wide > 16:
                    drawn.append(
                        _text(x + wide / 2, y + 13, str(n), _Look(anchor="middle", size=11, fill="#fff", bold=True))
                    )
                x += wide
        drawn.append(_text(x + 6, y + 14, str(sum(counts.get(key, 0) for key, _, _ in segments))))
    total = len(rows) * high + 30
    x = left
    for _, name, colour in segments:
        drawn.append(f'<rect x="{_n(x)}" y="{total - 16}" width="10" height="10" fill="{colour}"/>')
        drawn.append(_text(x + 14, total - 7, name, _Look(size=11)))
        x += 26 + 12 * sum(1.0 if ord(c) > 0x2E7F else 0.58 for c in name)
    description = "; ".join(
        f"{name}: " + ", ".join(f"{label} {counts.get(key, 0)}" for key, label, _ in segments) for name, counts in rows
    )
    return _svg_document(drawn, title, description, WIDE, total)


def heat_map(title: str, rows: Sequence[tuple[str, Sequence[int]]], columns: Sequence[str]) -> str:
    """A heat map by row and column: darker means more, with the number where there is room."""
    most = max((n for _, values in rows for n in values), default=0)
    left, wide, high = 70.0, 22.0, 20.0
    parts = [
        _text(left + n * wide + wide / 2, 12, c, _Look(anchor="middle", size=10, fill=PALE))
        for n, c in enumerate(columns)
    ]
    for at, (name, values) in enumerate(rows):
        y = 18 + at * high
        parts.append(_text(left - 6, y + 14, name, _Look(anchor="end", size=11)))
        for n, value in enumerate(values):
            share = value / most if most else 0
            parts.append(
                f'<rect x="{_n(left + n * wide)}" y="{_n(y)}" width="{_n(wide - 1)}" height="{_n(high - 1)}" '
                f'fill="{SERIES[0]}" fill-opacity="{0.06 + 0.94 * share:.2f}"/>'
            )
            if value:
                ink = "#fff" if share > 0.55 else INK
                parts.append(
                    _text(left + n * wide + wide / 2, y + 14, str(value), _Look(anchor="middle", size=10, fill=ink))
                )
    description = "; ".join(
        f"{name}: " + ", ".join(f"{c} {n}" for c, n in zip(columns, values, strict=True) if n) for name, values in rows
    )
    return _svg_document(parts, title, description, left + len(columns) * wide + 4, 20 + len(rows) * high)


def sparkline(title: str, values: Sequence[float | None]) -> str:
    """A sparkline."""
    top = axis_maximum(values)
    points = [
        f"{_n(2 + n * 96 / max(1, len(values) - 1))},{_n(22 - 20 * v / top)}"
        for n, v in enumerate(values)
        if v is not None
    ]
    description = ", ".join("–" if v is None else _n(v) for v in values)
    drawn = f'<polyline points="{" ".join(points)}" fill="none" stroke="{SERIES[0]}" stroke-width="1.5"/>'
    return _svg_document([drawn], title, description, 100, 24)


def state_diagram(
    moves: Sequence[Any], states: type[StrEnum], current_state: str, label_of: Callable[[str], str], title: str
) -> str:
    """A state machine drawn from its table: states in the order of the vocabulary, the present one highlighted. Actions
    that keep the state, those of the timer alone, and undoing the last one are left out."""
    across, wide, high = 4, 150.0, 62.0
    place = {str(s): (12 + (n % across) * wide, 16 + (n // across) * high * 1.45) for n, s in enumerate(states)}
    edges = dict.fromkeys((str(m.at), str(m.to)) for m in moves if m.at != m.to and m.action != "undo")
    parts = [
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{PALE}"/></marker></defs>'
    ]
    for start, end in edges:
        (x1, y1), (x2, y2) = place[start], place[end]
        lit = start == current_state
        parts.append(
            f'<path d="{_curve(x1 + 55, y1 + 18, x2 + 55, y2 + 18)}" fill="none" stroke="{SERIES[0] if lit else GRID}" '
            f'stroke-width="{2 if lit else 1}" marker-end="url(#tip)"/>'
        )
    for state, (x, y) in place.items():
        lit = state == current_state
        parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="110" height="36" rx="7" fill="{SERIES[0] if lit else "#fff"}" '
            f'stroke="{SERIES[0] if lit else PALE}" stroke-width="{3 if lit else 1}"/>'
        )
        words = label_of(state)
        parts.append(_text(x + 55, y + 23, words if len(words) <= 18 else words[:17] + "…", _Look(anchor="middle",
                           size=12 if len(words) < 12 else 10, fill="#fff" if lit else INK, bold=lit)))  # fmt: skip
    rows = -(-len(place) // across)
    description = f"{label_of(current_state)}" if current_state in place else ""
    return _svg_document(parts, title, description, across * wide + 4, 16 + rows * high * 1.45)


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    """An arrow between the edges of two boxes."""
    if abs(y1 - y2) < 1:  # in one row: along it, in an arc above or below
        way = 1 if x2 > x1 else -1
        bow = 0 if abs(x2 - x1) < 160 else -30 if way > 0 else 30
        return f"M{_n(x1 + 55 * way)} {_n(y1)}Q{_n((x1 + x2) / 2)} {_n(y1 + bow)} {_n(x2 - 57 * way)} {_n(y2)}"
    way = 1 if y2 > y1 else -1
    return f"M{_n(x1)} {_n(y1 + 18 * way)}Q{_n(x1)} {_n((y1 + y2) / 2)} {_n(x2)} {_n(y2 - 20 * way)}"
