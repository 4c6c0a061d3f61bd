"""How good the rows are, in words for citizens: the published version's score by the scorecard in force, with its reasons.

Only indicators and counts are told; the rules behind them, their names and the rows that fail are the department's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.kit import Text, Word
from beijiang.quality import FALLING, points

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.quality import IndicatorScore, Run, Score
    from beijiang.standards import QualityIndicator

__all__ = ["Goodness", "GoodnessPart", "GoodnessWord", "Reason", "goodness"]

_PLAIN: Final[Mapping[str, Text]] = {
    "01": Text("写法是否规范", "Written to standard"),
    "02": Text("有没有缺漏", "Nothing is missing"),
    "03": Text("值对不对", "Values are right"),
    "04": Text("与别处是否一致", "Agrees with other data"),
    "05": Text("来得及不及时", "Comes in time"),
    "06": Text("能不能取到", "Can be had"),
}


class GoodnessWord(Word):
    """A score in a word."""

    VERY_GOOD = "very_good", "优", "very good"
    GOOD = "good", "良", "good"
    FAIR = "fair", "中", "fair"
    POOR = "poor", "待改进", "needs work"


_FROM: Final = ((95.0, GoodnessWord.VERY_GOOD), (85.0, GoodnessWord.GOOD), (70.0, GoodnessWord.FAIR))


@dataclass(frozen=True, slots=True)
class Reason:
    """One indicator: what was looked at, how much of it is good; counts are None where they would tell of rows kept back."""

    code: str
    name: Text
    score: float
    looked_at: int | None
    bad: int | None


@dataclass(frozen=True, slots=True)
class GoodnessPart:
    """One of the six dimensions in plain words; ``score`` is None where nothing was looked at."""

    code: str
    name: Text
    plain: Text
    score: float | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Goodness:
    """The score of a version, 0 to 100."""

    version: int
    at: datetime
    total: float
    assessed: int
    """How many of the twenty indicators it rests on."""
    indicators: int
    parts: tuple[GoodnessPart, ...]

    @property
    def word(self) -> GoodnessWord:
        """Return the score in a word."""
        return next((word for least, word in _FROM if self.total >= least), GoodnessWord.POOR)

    @property
    def weakest(self) -> GoodnessPart | None:
        """Return the dimension that scores least, None when nothing is below a hundred."""
        low = [part for part in self.parts if part.score is not None and part.score < 100]  # noqa: PLR2004
        return min(low, key=lambda part: part.score or 0.0, default=None)


def goodness(run: Run, mark: Score, indicators: Sequence[QualityIndicator], *, counted: bool) -> Goodness | None:
    """Put a score into words; ``counted`` tells whether counts over whole tables may be told. None where nothing was assessed."""
    total = points(mark.total)
    if total is None:
        return None
    known = {one.code: one for one in indicators}
    parts = tuple(
        GoodnessPart(
            dimension.code,
            next((one.dimension for code, one in known.items() if code[:2] == dimension.code), Text("", "")),
            _PLAIN.get(dimension.code, Text("", "")),
            points(dimension.score),
            tuple(_reason(i, known[i.code].name, counted=counted) for i in dimension.indicators if i.score is not None),
        )
        for dimension in mark.dimensions
    )
    return Goodness(run.version, run.at, total, mark.assessed, len(known), parts)


def _reason(found: IndicatorScore, name: Text, *, counted: bool) -> Reason:
    bad = found.a if found.code in FALLING else found.b - found.a
    return Reason(found.code, name, points(found.score) or 0.0, found.b if counted else None, bad if counted else None)
