"""A forecast as SVG: the past as a line, the forecast dashed, its intervals as bands; no script, no style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

__all__ = ["Band", "forecast_drawn"]

WIDTH: Final = 960
HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 16, 40
_TICKS: Final = 4
_LABELS: Final = 8


@dataclass(frozen=True, slots=True)
class Band:
    """The forecast of one period: the middle, and both intervals."""

    period: str
    middle: float
    low80: float
    high80: float
    low95: float
    high95: float


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    count: int

    def x(self, place: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * place / max(1, self.count - 1), 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share, 1)


def forecast_drawn(past: Sequence[tuple[str, float | None]], bands: Sequence[Band], words: str) -> str:
    """Return the drawing; ``words`` are what it says to who does not see it. Empty where there is nothing to draw."""
    known = [value for _, value in past if value is not None]
    values = [*known, *(edge for band in bands for edge in (band.low95, band.high95))]
    if not values:
        return ""
    scale = _Scale(*_rounded(min(values), max(values)), len(past) + len(bands))
    labels = [period for period, _ in past] + [band.period for band in bands]
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(words)}" font-size="12" fill="none">',
        *_axes(scale, labels),
        _area(scale, len(past), bands, wide=True),
        _area(scale, len(past), bands, wide=False),
        *_lines(scale, past, bands),
        "</svg>",
    ]
    return "".join(parts)


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Return the ends of the axis: from zero where that does not squeeze the line."""
    if 0 < low < (high - low):
        low = 0.0
    room = (high - low or abs(high) or 1) * 0.06
    return (low if low == 0 else low - room, high + room)


def _axes(scale: _Scale, labels: Sequence[str]) -> list[str]:
    parts = []
    for n in range(_TICKS + 1):
        value = scale.low + (scale.high - scale.low) * n / _TICKS
        y = scale.y(value)
        parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="var(--line)"></line>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end" fill="var(--ink-2)">{_short(value)}</text>')
    step = max(1, -(-len(labels) // _LABELS))
    for place in range(0, len(labels), step):
        x, y = scale.x(place), HEIGHT - _BOTTOM + 20
        parts.append(f'<text x="{x}" y="{y}" text-anchor="middle" fill="var(--ink-2)">{escape(labels[place])}</text>')
    return parts


def _short(value: float) -> str:
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2  # noqa: PLR2004 - three figures are enough on an axis
    return f"{value:,.{digits}f}"


def _area(scale: _Scale, first: int, bands: Sequence[Band], *, wide: bool) -> str:
    if not bands:
        return ""
    edges = [(band.low95, band.high95) if wide else (band.low80, band.high80) for band in bands]
    up = [f"{scale.x(first + n)},{scale.y(high)}" for n, (_, high) in enumerate(edges)]
    down = [f"{scale.x(first + n)},{scale.y(low)}" for n, (low, _) in enumerate(edges)]
    shade = "0.12" if wide else "0.22"
    return f'<polygon points="{" ".join([*up, *reversed(down)])}" fill="var(--sky)" fill-opacity="{shade}"></polygon>'


def _lines(scale: _Scale, past: Sequence[tuple[str, float | None]], bands: Sequence[Band]) -> list[str]:
    runs: list[list[str]] = [[]]
    for place, (_, value) in enumerate(past):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{scale.x(place)},{scale.y(value)}")
    parts = [
        f'<polyline points="{" ".join(run)}" stroke="var(--ink)" stroke-width="1.6"></polyline>' for run in runs if run
    ]
    ahead = [f"{scale.x(len(past) + n)},{scale.y(band.middle)}" for n, band in enumerate(bands)]
    if past and past[-1][1] is not None:
        ahead.insert(0, f"{scale.x(len(past) - 1)},{scale.y(past[-1][1])}")
    if bands:
        parts.append(
            f'<polyline points="{" ".join(ahead)}" stroke="var(--sky)" stroke-width="2" stroke-dasharray="5 4"></polyline>'
        )
    parts += [
        f'<circle cx="{scale.x(len(past) + n)}" cy="{scale.y(band.middle)}" r="3" fill="var(--sky)"><title>{escape(band.period)}: {band.middle:,.2f}</title></circle>'
        for n, band in enumerate(bands)
    ]
    return parts
