"""Tell both sides what of a grant is not shared any more: an entry went, an item was kept back, a grade rose.

The gate refuses such items at the very next access, whoever was told; here it is said, with the moment and the reason.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.exchange.errors import no_grant
from beijiang.exchange.models.checking import levels_of
from beijiang.exchange.models.stops import EVERYTHING, Stop, StopReason, stopped_items
from beijiang.exchange.service.base import Base
from beijiang.exchange.store import GrantStore, StopStore
from beijiang.kit import ANONYMOUS, SYSTEM, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.exchange.models import Grant
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Stops"]

log = logging.getLogger(__name__)


class Stops(Base):
    """What stopped being shared."""

    def of(self, actor: Actor, grant_id: str) -> Sequence[Stop]:
        """Return what of a grant stopped being shared, since when and why; newest first.

        Raises:
            NotFound: no such grant, or neither side of it is the actor's.

        """
        with self.db.read() as connection:
            grant, found = GrantStore(connection).get(grant_id), StopStore(connection).of(grant_id)
        sides = () if grant is None else (grant.org_id, grant.provider_id)
        if not any(self.access.allows(actor, Permission.EXCHANGE_GRANT_READ, org) for org in sides):
            self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
            raise no_grant()
        return found

    def watch(self) -> None:
        """Note what stopped and what is shared again since the last look. Called by the dispatcher every minute."""
        with self.db.read() as connection:
            running, known = GrantStore(connection).running(self.today), StopStore(connection).open()
        for grant in running:
            if grant.table.startswith("service:"):
                continue  # a service is called, it has no items; its own state is told by its owner
            now, before = self._now(grant), known.get(grant.id, {})
            if now != before:
                self._tell(grant, before, now)

    def _now(self, grant: Grant) -> dict[str, StopReason]:
        try:
            found = self.parts.catalog.published(ANONYMOUS, grant.resource_id)
        except NotFound:
            return stopped_items(grant, None, None, {})
        return stopped_items(grant, found.version.entry, found.table, levels_of(found))

    def _tell(self, grant: Grant, before: Mapping[str, StopReason], now: Mapping[str, StopReason]) -> None:
        at = self.clock.now()
        gone = [column for column in now if before.get(column) is not now[column]]
        over = [column for column in before if now.get(column) is not before[column]]
        granted = {EVERYTHING, *grant.terms.columns}
        back = [column for column in over if column in granted]  # what was cut meanwhile is not shared again
        made = [Stop(grant_id=grant.id, column=column, reason=now[column], since=at) for column in gone]
        facts: dict[str, JsonValue] = {"org": grant.org_id, "provider": grant.provider_id, "table": grant.table}
        with self.db.begin() as tx:
            store = StopStore(tx.connection)
            store.end(grant.id, over, at)
            store.add(made)
            if gone:
                told: list[JsonValue] = [{"item": one.column, "reason": one.reason.value} for one in made]
                detail = {**facts, "stopped": told, "since": at.isoformat()}
                self.parts.evidence.record(tx, SYSTEM, "exchange.share_stop", target=grant.id, detail=detail)
            elif back:
                detail = {**facts, "items": [*back], "since": at.isoformat()}
                self.parts.evidence.record(tx, SYSTEM, "exchange.share_resume", target=grant.id, detail=detail)
