"""Statistical indicators as series for forecasts: what holds of each, and by which definition it was made."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from beijiang.mining import Frequency, IndicatorFacts, Observation

if TYPE_CHECKING:
    from beijiang.assess.models import Figure, FigureView, Value
    from beijiang.assess.service.figuring import Figures
    from beijiang.kit import Actor

__all__ = ["IndicatorSeries"]


class IndicatorSeries:
    """Fulfils ``mining.IndicatorSource``; everything is asked of ``Figures``, as the actor who forecasts."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures

    def known(self, actor: Actor) -> Sequence[IndicatorFacts]:
        """Return the indicators in force."""
        return [_facts(row.figure) for row in self.figures.figures(actor) if not row.figure.retired]

    def facts(self, actor: Actor, code: str) -> IndicatorFacts:
        """Return one.

        Raises:
            NotFound: there is none with this code.

        """
        return _facts(self.figures.figure(actor, code).figure)

    def values(self, actor: Actor, code: str) -> tuple[Sequence[Observation], str]:
        """Return the values that hold, keyed by region and group, and a digest of their revisions.

        Raises:
            NotFound: there is none with this code.

        """
        view = self.figures.figure(actor, code)
        lines = [
            Observation((v.region, v.dimension), str(v.period), float(v.number), _definition(view, v))
            for v in view.values
        ]
        held = "\n".join(f"{value.id}:{value.revision}:{value.value}" for value in view.values)
        return lines, hashlib.sha256(f"{view.figure.version}\n{held}".encode()).hexdigest()[:16]


def _facts(figure: Figure) -> IndicatorFacts:
    return IndicatorFacts(figure.code, figure.name, figure.unit, figure.org_id, Frequency(figure.period_kind.value))


def _definition(view: FigureView, value: Value) -> str:
    """Return what was counted when a value was reported: unit, words and query of the version that was in force then."""
    then = [one for one in view.versions if one.at <= value.at]
    made = max(then, key=lambda one: one.version) if then else view.versions[-1]
    return f"{made.unit_zh}|{made.definition}|{made.formula}"
