"""What exchange has on record, as assessment asks for it: replies by their day, demands as they were judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from beijiang.assess.models import Called, Closed, Due, Met, Probed
from beijiang.exchange import ClaimState, DemandQuery, DemandState, Fulfilment, RequestState
from beijiang.kit import SYSTEM
from beijiang.opendata import VoiceState
from beijiang.standards import CaseState

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beijiang.evidence import Evidence
    from beijiang.exchange import Demand, Demands, Exchange, Services, Templates
    from beijiang.opendata import Voices
    from beijiang.tables import Tables

__all__ = ["CallRecord", "ExchangeRecord", "PortalRecord"]

MOST: Final = 1_000_000
"""More requests than a region makes."""


class ExchangeRecord:
    """Read as the platform itself; of departments, not of persons."""

    def __init__(
        self, exchange: Exchange, demands: Demands, templates: Templates, services: Services, zone: ZoneInfo
    ) -> None:
        self._exchange = exchange
        self._demands = demands
        self._templates = templates
        self._services = services
        self._zone = zone

    def replies(self, since: date, until: date) -> Sequence[Due]:
        """Return the requests whose provider had to decide by a day in these days; those without a limit are none.

        A provider answers for its own time: from the day a request came to it until it passed it on or refused it, without
        the days that it stood still. What was withdrawn before that time was over, nobody owes an answer to.
        """
        found = []
        for one in self._exchange.held_by_providers(SYSTEM):
            request, due_on = one.request, one.due_on
            ended = request.decided_at if request.state is RequestState.WITHDRAWN else None
            idle = one.answered is None and ended is not None and self._day(ended) <= due_on
            if idle or not since <= due_on <= until:
                continue
            found.append(
                Due(
                    org_id=request.provider_id,
                    id=request.id,
                    name=request.resource_name,
                    due_on=due_on,
                    answered_on=None if one.answered is None else self._day(one.answered),
                )
            )
        return found

    def demands(self, since: date, until: date) -> Sequence[Closed]:
        """Return the demands that were supplied in these days, as judged by who had them; and the duties that were not met by their day.

        What nobody judged by the end of the time for it counts as met: its source has done what it could.
        """
        states = frozenset({DemandState.COMPLETED, DemandState.CONFIRMED})
        found = []
        for one in self._demands.demands(SYSTEM, DemandQuery(states=states, limit=MOST))[0]:
            closed = self._closed(one)
            if closed is not None and since <= closed.closed_on <= until:
                found.append(closed)
        return found

    def _closed(self, one: Demand) -> Closed | None:
        time, met = self._demands.due(one), None
        over = time is not None and time.state is CaseState.OVERDUE
        day = None if one.ended_at is None else self._day(one.ended_at)
        if one.state is DemandState.CONFIRMED:
            late = over and one.fulfilment is Fulfilment.COLLECT
            day, met = (time.last_day, Met.UNSUPPLIED) if late and time is not None else (None, None)
        elif one.evaluation is not None:
            met = Met(one.evaluation.value)
        elif over:
            met = Met.UNJUDGED
        if day is None or met is None:
            return None
        return Closed(org_id=one.source_org or "", id=one.id, name=one.draft.title, closed_on=day, met=met)

    def claim_tasks(self, since: date, until: date) -> Sequence[Due]:
        """Return the claim tasks that were due in these days; not those that were cancelled before their day."""
        found = []
        for task in self._templates.all_tasks(SYSTEM):
            time = self._templates.due(task)
            if time is None or not since <= time.last_day <= until:
                continue
            answered = task.case.answered if task.case is not None else None
            if task.state is ClaimState.CANCELLED and self._day(task.changed_at) <= time.last_day:
                continue
            found.append(
                Due(
                    org_id=task.org_id,
                    id=task.id,
                    name=task.name,
                    due_on=time.last_day,
                    answered_on=None if answered is None else self._day(answered),
                )
            )
        return found

    def probes(self, since: date, until: date) -> Sequence[Probed]:
        """Return the services that were probed in these days."""
        return [
            Probed(org_id=one.provider_id, id=one.id, name=one.name, well=well, probes=probes)
            for one, well, probes in self._services.probed(since, until)
        ]

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()


class PortalRecord:
    """Words of the public with their days, read as the platform itself."""

    def __init__(self, voices: Voices, zone: ZoneInfo) -> None:
        self._voices = voices
        self._zone = zone

    def messages(self, since: date, until: date) -> Sequence[Due]:
        """Return the words of the public that a department had to answer in these days; not those taken back before their day."""
        found = []
        for voice, standing in self._voices.timed(SYSTEM):
            ended = None if voice.ended_at is None else voice.ended_at.astimezone(self._zone).date()
            gone = voice.state is VoiceState.WITHDRAWN
            if (
                not voice.org_id
                or not since <= standing.last_day <= until
                or (gone and ended and ended <= standing.last_day)
            ):
                continue
            answered = None if gone else ended
            found.append(
                Due(org_id=voice.org_id, id=voice.id, name=voice.title, due_on=standing.last_day, answered_on=answered)
            )
        return found


class CallRecord:
    """How often tables and services were had by others: of the log's receipts, and of the counts of services."""

    def __init__(self, evidence: Evidence, tables: Tables, services: Services, zone: ZoneInfo) -> None:
        self._evidence = evidence
        self._tables = tables
        self._services = services
        self._zone = zone

    def calls(self, since: date, until: date) -> Sequence[Called]:
        """Return the tables and services that others had something of in these days; of services the calls that were answered."""
        start = datetime.combine(since, time(), self._zone)
        served = self._evidence.served(start, datetime.combine(until + timedelta(days=1), time(), self._zone))
        counts: Counter[str] = Counter()
        owners = {one.name: one.org_id for one in self._tables.list(SYSTEM)}
        for (target, org_id), reads in served.items():
            if target in owners and org_id != owners[target]:
                counts[target] += reads
        found = [Called(org_id=owners[name], id=name, name=name, calls=n) for name, n in sorted(counts.items())]
        services = [
            Called(org_id=one.provider_id, id=one.id, name=one.name, calls=n, service=True)
            for one, n in self._services.answered(since, until)
        ]
        return [*found, *services]
