"""How long a provider had a request: from the day it came to it until it was done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from beijiang.exchange.models.flows import Side
from beijiang.exchange.models.requests import Move, Request, Step

__all__ = ["Held", "provider_time"]

_OPINIONS = frozenset({Move.APPROVE, Move.NARROW})


@dataclass(frozen=True, slots=True)
class Held:
    """A request that came to its provider: by when it had to answer, counted from then, and when it did."""

    request: Request
    due_on: date
    answered: datetime | None


def provider_time(request: Request, steps: Sequence[Step]) -> tuple[datetime, datetime | None] | None:
    """Return when a request came to its provider and when that was done with it; None where it never came to it.

    A request that was completed with other terms begins again, and comes to the provider anew. So does one that was taken up
    again after a dispute: the time of the dispute is not the provider's.
    """
    theirs = [place for place, stage in enumerate(request.stages) if stage.side is Side.PROVIDER]
    if not theirs:
        return None
    names = [stage.id for stage in request.stages]
    first, last = theirs[0], names[theirs[-1]]
    starts = {Move.SUBMIT, Move.SUPPLY} if first == 0 else _OPINIONS
    door = names[first - 1] if first else names[0]
    came: datetime | None = None
    answered: datetime | None = None
    for step in steps:
        again = step.move is Move.REOPEN and step.stage in names
        at = names.index(step.stage) if again else 0
        if again and at in theirs:
            came, answered = step.at, None
        if at < first and (again or (step.move is Move.SUPPLY and step.stage == names[0])):
            came = answered = None
        if step.move in starts and (step.stage == door or step.move is Move.SUBMIT):
            came, answered = came or step.at, None
        refused = step.move is Move.REFUSE and came is not None
        if refused or (step.move in _OPINIONS and step.stage == last):
            answered = answered or step.at
    return None if came is None else (came, answered)
