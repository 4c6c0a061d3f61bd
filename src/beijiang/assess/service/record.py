"""What exchange has on record, as assessment asks for it: replies by their day, demands as they were judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from beijiang.assess.models import Closed, Due, Met, Probed
from beijiang.exchange import ClaimState, DemandQuery, DemandState, RequestQuery
from beijiang.kit import SYSTEM

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from beijiang.exchange import Demands, Exchange, Services, Templates

__all__ = ["ExchangeRecord"]

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
        """Return the requests whose provider had to decide by a day in these days; those without a limit are none."""
        found = []
        for request in self._exchange.requests(SYSTEM, RequestQuery(limit=MOST))[0]:
            time = self._exchange.due(request)
            if time is not None and since <= time.last_day <= until:
                answered = request.case.answered if request.case is not None else None
                found.append(
                    Due(
                        org_id=request.provider_id,
                        id=request.id,
                        name=request.resource_name,
                        due_on=time.last_day,
                        answered_on=None if answered is None else self._day(answered),
                    )
                )
        return found

    def demands(self, since: date, until: date) -> Sequence[Closed]:
        """Return the demands that were supplied in these days and judged by who had them."""
        query = DemandQuery(states=frozenset({DemandState.COMPLETED}), limit=MOST)
        return [
            Closed(
                org_id=one.source_org or "",
                id=one.id,
                name=one.draft.title,
                closed_on=self._day(one.ended_at),
                met=Met(one.evaluation.value),
            )
            for one in self._demands.demands(SYSTEM, query)[0]
            if one.evaluation is not None and one.ended_at is not None and since <= self._day(one.ended_at) <= until
        ]

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
