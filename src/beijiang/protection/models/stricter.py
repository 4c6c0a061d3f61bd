"""Of two sights of one version the stricter in everything: what was offered with it then, and what is offered now."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from beijiang.protection.models.choices import MaskFunction
from beijiang.protection.models.grades import higher
from beijiang.protection.models.sight import Obligation, Sight, Treatment

__all__ = ["stricter"]

_NOTHING: Final = "null"
"""The mask that shows no value."""


def stricter(now: Sight, then: Sight) -> Sight | None:
    """Return the sight in which both hold; None where no column is in both.

    A column is shown if both show it, as masked as the one that masks it more, at the higher grade; a row if the filters of
    both let it through. Two masks of which neither is known to show less together show more than each: there is no value.
    """
    before = {duty.column: duty for duty in then.obligations}
    both = tuple(_both(duty, before[duty.column]) for duty in now.obligations if duty.column in before)
    if not both:
        return None
    shown = {duty.column for duty in both}
    lost = tuple(duty.column for duty in now.obligations if duty.column not in shown)
    filters = (*now.row_filters, *(one for one in then.row_filters if one not in now.row_filters))
    return replace(now, obligations=both, withheld=(*now.withheld, *lost), row_filters=filters)


def _both(now: Obligation, then: Obligation) -> Obligation:
    found = _more_hidden(now, then)
    level = higher(now.grade.level, then.grade.level)
    return found if level is found.grade.level else replace(found, grade=replace(found.grade, level=level))


def _more_hidden(now: Obligation, then: Obligation) -> Obligation:
    if Treatment.RAW in {now.treatment, then.treatment}:
        return now if then.treatment is Treatment.RAW else then
    if now.mask == then.mask:
        return now
    for one, other in ((now, then), (then, now)):
        if _is_nothing(one) or _hides_at_least(one, other):
            return one
    return replace(now, grade=replace(now.grade, mask=_NOTHING), choice=None)


def _is_nothing(duty: Obligation) -> bool:
    return duty.mask == _NOTHING or (duty.choice is not None and duty.choice.function is MaskFunction.SUPPRESS)


def _hides_at_least(one: Obligation, other: Obligation) -> bool:
    """Tell whether one is a chosen mask that is known to show no more than the default, which is the other."""
    chosen = one.choice is not None and not one.choice.weaker and other.choice is None
    return chosen and one.grade.mask == other.grade.mask
