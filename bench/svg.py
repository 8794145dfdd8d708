"""Plots as SVG, written by hand: bars and lines, readable on light and on dark ground."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

WIDTH: Final = 760
_LEFT: Final = 300
_COLOURS: Final = (
    "#2f6fab", "#d9822b", "#3f8f5f", "#a2467f", "#7a6a4f",
    "#5b5fc7", "#b0413e", "#2a9d9d", "#8a8f2a", "#6b7785",
)  # fmt: skip
#: Grey in the middle, so that it shows on either ground.
_INK: Final = "#808080"


def bars(title: str, unit: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Horizontal bars: for each label one bar of each series. `groups` is label to series."""
    series = list(dict.fromkeys(name for values in groups.values() for name in values))
    most = max((value for values in groups.values() for value in values.values()), default=1.0)
    bar, gap = 16, 10
    y = 56.0
    parts = []
    for label, values in groups.items():
        middle = y + bar * len(values) / 2 + 4
        parts.append(_text(_LEFT - 8, middle, label, anchor="end"))
        for name, value in values.items():
            width = max(1.0, value / most * (WIDTH - _LEFT - 90))
            colour = _colour(series.index(name))
            parts.append(
                f'<rect x="{_LEFT}" y="{y:.1f}" width="{width:.1f}" height="{bar - 2}" '
                f'fill="{colour}"/>'
            )
            parts.append(_text(_LEFT + width + 6, y + bar - 5, f"{value:,.0f}"))
            y += bar
        y += gap
    return _page(title, unit, series, parts, y)


def stacked(title: str, unit: str, rows: Mapping[str, Mapping[str, float]]) -> str:
    """Horizontal bars of parts: label to part to value; parts keep their colour and order."""
    names = list(dict.fromkeys(name for parts in rows.values() for name in parts))
    most = max((sum(parts.values()) for parts in rows.values()), default=1.0)
    left = 150
    out = []
    y = 40.0
    for label, values in rows.items():
        out.append(_text(left - 8, y + 20, label, anchor="end"))
        x = float(left)
        for name in names:
            width = values.get(name, 0.0) / most * (WIDTH - left - 80)
            out.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="30" '
                f'fill="{_colour(names.index(name))}"><title>{escape(name)}: '
                f"{values.get(name, 0.0):,.0f} {escape(unit)}</title></rect>"
            )
            if width > 34:
                out.append(_text(x + width / 2, y + 20, f"{values[name]:,.0f}", "middle", "#fff"))
            x += width
        out.append(_text(x + 6, y + 20, f"{sum(values.values()):,.0f}"))
        y += 44
    y += 6
    for index, name in enumerate(names):
        column, line = index % 3, index // 3
        x, at = 20 + column * 245, y + line * 18
        out.append(f'<rect x="{x}" y="{at:.1f}" width="12" height="12" fill="{_colour(index)}"/>')
        out.append(_text(x + 18, at + 10, name))
    return _page(title, unit, [], out, y + math.ceil(len(names) / 3) * 18 + 10)


def lines(
    title: str, x_name: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]]
) -> str:
    """Lines over a logarithmic x axis; an x of 0 stands at its left end as `empty`."""
    points = [point for line in series.values() for point in line]
    xs = sorted({x for x, _ in points})
    least = min((x for x in xs if x > 0), default=1.0)
    left, right, top, bottom = 70, WIDTH - 40, 60, 300

    def place(x: float) -> float:
        # Empty is a decade before the first.
        at = math.log10(x) if x > 0 else math.log10(least) - 1
        low = math.log10(xs[0]) if xs[0] > 0 else math.log10(least) - 1
        high = math.log10(xs[-1]) if xs[-1] > 0 else low + 1
        return left + (at - low) / ((high - low) or 1) * (right - left)

    most = max((y for _, y in points), default=1.0) * 1.1
    out = [
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="{_INK}"/>',
        _text((left + right) / 2, bottom + 36, x_name, "middle"),
    ]
    out += [_text(place(x), bottom + 16, f"{x:,.0f}" if x > 0 else "empty", "middle") for x in xs]
    for step in range(5):
        value = most * step / 4
        y = bottom - (bottom - top) * step / 4
        out.append(_text(left - 8, y + 4, f"{value:,.0f}", "end"))
        if step:
            out.append(f'<path d="M{left} {y:.1f}H{right}" stroke="{_INK}" stroke-opacity="0.25"/>')
    for index, line in enumerate(series.values()):
        colour = _colour(index)
        where = [(place(x), bottom - y / most * (bottom - top)) for x, y in line]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in where)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in where]
    return _page(title, unit, list(series), out, bottom + 50)


def _colour(index: int) -> str:
    return _COLOURS[index % len(_COLOURS)]


def _page(title: str, unit: str, series: Sequence[str], parts: Sequence[str], height: float) -> str:
    head = [_text(20, 22, f"{title} ({unit})" if unit else title, weight="bold")]
    x = 20.0
    if len(series) > 1:
        for index, name in enumerate(series):
            colour = _colour(index)
            head.append(f'<rect x="{x:.0f}" y="34" width="12" height="12" fill="{colour}"/>')
            head.append(_text(x + 18, 44, name))
            x += 30 + 7.2 * len(name)
    body = "\n".join([*head, *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="{escape(title)}">\n{body}\n</svg>\n'
    )


def _text(
    x: float, y: float, text: str, anchor: str = "start", fill: str = _INK, *, weight: str = ""
) -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}"{bold}>'
        f"{escape(text)}</text>"
    )
