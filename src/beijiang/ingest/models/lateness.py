"""How late rows come, and how far back a run therefore reads again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from beijiang.ingest.typing import ColumnType
from beijiang.kit import Text
from beijiang.kit.errors import JsonValue

__all__ = ["AUTO", "REMEMBERED", "Lateness", "Overlap", "learned"]

AUTO: Final = "auto"
"""An overlap that is learned from what was observed."""
REMEMBERED: Final = timedelta(days=90)
_ENOUGH_RUNS, _ENOUGH_TIME = 10, timedelta(days=7)
"""Before so many runs over so long a time nothing is narrowed: late rows follow the working week."""
_MARGIN: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """Rows that came after the position had passed them: seen by one run inside its overlap, or missed and found by a verification."""

    sync_id: str
    run_id: str | None
    """None: found by a verification, so it had been missed."""
    at: datetime
    late: int
    """How many rows; zero is an observation too."""
    worst: float
    """How far behind the position the latest of them was, in the cursor's unit."""
    middle: float
    """Half of them were not later than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How far before the last position the next run reads, and why."""

    size: str
    why: Text

    def to_json(self) -> dict[str, JsonValue]:
        """Return it for an API answer or the terminal."""
        return {"size": self.size, "why": {"zh": self.why.zh, "en": self.why.en}}


@dataclass(frozen=True, slots=True)
class _Scale:
    """What is too little, what to begin with, and what is back-dating rather than lateness; in the cursor's unit."""

    least: float
    first: float
    most: float
    unit: Text


_SCALES: Final = {
    ColumnType.TIMESTAMP: _Scale(600, 86_400, 30 * 86_400, Text("秒", "seconds")),
    ColumnType.DATE: _Scale(1, 3, 60, Text("天", "days")),
}
_NUMBERS: Final = _Scale(100, 10_000, 1_000_000, Text("", "units"))


def learned(seen: Sequence[Lateness], kind: ColumnType) -> Overlap:
    """Return the overlap that would have missed none of what was observed, with as much again for what was not.

    ``seen`` holds what is remembered of one sync, oldest first.
    """
    scale = _SCALES.get(kind, _NUMBERS)
    worst = max((s.worst for s in seen if s.late), default=0.0)
    runs = sum(s.run_id is not None for s in seen)
    missed = sum(s.late for s in seen if s.run_id is None)
    known = runs >= _ENOUGH_RUNS and seen[-1].at - seen[0].at >= _ENOUGH_TIME
    size = max(scale.least, _MARGIN * worst)
    zh = [f"观察 {runs} 次取数，最晚的一行迟到 {worst:g} {scale.unit.zh}".strip() + "，按其两倍"]
    en = [f"{runs} runs observed, the latest row {worst:g} {scale.unit.en} late: twice that"]
    if missed:
        zh.append(f"其中 {missed} 行曾被漏掉、由核对找到")
        en.append(f"{missed} of the late rows had been missed and were found by a verification")
    if not known:
        size = max(size, scale.first)
        zh.append(f"观察未满 10 次或 7 天，至少 {scale.first:g}")
        en.append(f"fewer than 10 runs or 7 days: at least {scale.first:g}")
    elif size == scale.least:
        zh.append(f"不低于 {scale.least:g}")
        en.append(f"never below {scale.least:g}")
    if size > scale.most:
        size = scale.most
        zh.append(f"不超过 {scale.most:g}，更早补录的行由核对（verify --repair）取回")
        en.append(f"never above {scale.most:g}; rows dated further back are brought by verify --repair")
    return Overlap(size=f"{size:.6f}".rstrip("0").rstrip("."), why=Text("；".join(zh) + "。", "; ".join(en) + "."))
