"""Facts that exchange and the portal tell: replies, demands, claim tasks, words of the public, calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from beijiang.assess.models import Due, Fact, Met, Subject
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.assess.service.looking import Look

__all__ = [
    "call_volume",
    "claim_rate",
    "demand_satisfaction",
    "open_feedback_on_time",
    "reply_on_time",
    "service_availability",
]

_MET: Final = {Met.MATCHED: 1.0, Met.PARTIAL: 0.5, Met.UNMATCHED: 0.0, Met.UNSUPPLIED: 0.0, Met.UNJUDGED: 1.0}


def reply_on_time(look: Look) -> Iterator[Fact]:
    """Look at requests whose answer was due in the period."""
    exchange = look.parts.exchange
    for one in exchange.replies(look.period.first, look.period.last) if exchange else ():
        yield _due(look, one, Subject.REQUEST)


def open_feedback_on_time(look: Look) -> Iterator[Fact]:
    """Look at words of the public whose answer was due in the period."""
    portal = look.parts.portal
    for one in portal.messages(look.period.first, look.period.last) if portal else ():
        yield _due(look, one, Subject.VOICE)


def call_volume(look: Look) -> Iterator[Fact]:
    """Look at tables and services of which others had something in the period; what a department reads of its own is no service."""
    source = look.parts.calls
    for one in source.calls(look.period.first, look.period.last) if source else ():
        yield Fact(
            org_id=one.org_id,
            subject=Subject.SERVICE if one.service else Subject.TABLE,
            ref=one.id,
            name=one.name,
            a=float(one.calls),
            b=1.0,
            why=Text(
                f"其他部门和公众成功调用 {one.calls} 次", f"{one.calls} calls of other departments and the public"
            ),
        )


def claim_rate(look: Look) -> Iterator[Fact]:
    """Look at claim tasks that were due in the period."""
    exchange = look.parts.exchange
    for one in exchange.claim_tasks(look.period.first, look.period.last) if exchange else ():
        yield _due(look, one, Subject.CLAIM)


def demand_satisfaction(look: Look) -> Iterator[Fact]:
    """Look at demands that were closed in the period; half of one that was partly met counts."""
    exchange = look.parts.exchange
    for one in exchange.demands(look.period.first, look.period.last) if exchange else ():
        yield Fact(
            org_id=one.org_id,
            subject=Subject.DEMAND,
            ref=one.id,
            name=one.name,
            a=_MET[one.met],
            b=1.0,
            why=one.met.text,
        )


def service_availability(look: Look) -> Iterator[Fact]:
    """Look at the services that were probed in the period: probes that were well, of all."""
    exchange = look.parts.exchange
    for one in exchange.probes(look.period.first, look.period.last) if exchange else ():
        yield Fact(
            org_id=one.org_id,
            subject=Subject.SERVICE,
            ref=one.id,
            name=one.name,
            a=float(one.well),
            b=float(one.probes),
            why=Text(f"{one.probes} 次探测，{one.well} 次正常", f"{one.well} of {one.probes} probes were well"),
        )


def _due(look: Look, one: Due, subject: Subject) -> Fact:
    kept = one.answered_on is not None and one.answered_on <= one.due_on
    running = not kept and one.due_on > look.last
    if one.answered_on is not None:
        why = Text(f"{one.answered_on} 答复，期限 {one.due_on}", f"answered {one.answered_on}, due {one.due_on}")
    elif running:
        why = Text(f"办理中，期限 {one.due_on}", f"still running, due {one.due_on}")
    else:
        why = Text(f"期限 {one.due_on}，未答复", f"due {one.due_on}, not answered")
    return Fact(
        org_id=one.org_id,
        subject=subject,
        ref=one.id,
        name=one.name,
        a=float(kept),
        b=1.0,
        why=why,
        counted=not running,
    )
