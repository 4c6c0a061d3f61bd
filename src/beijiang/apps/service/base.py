"""What the verbs of hosted applications share: their parts, who sees which application, a query answered for a reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.apps.errors import no_app
from beijiang.apps.models import TODAY, App, AppVersion, Bundle, CardData, Query, digest_of, parse_bundle
from beijiang.apps.service.counting import Counting
from beijiang.apps.service.lanes import Lanes, Meter
from beijiang.apps.service.networks import Networks
from beijiang.apps.service.timing import Timing
from beijiang.apps.store import AppStore, VersionMark
from beijiang.kit import BeijiangError, Conflict
from beijiang.protection import OwnGrant, QueryClass, QueryOrder, Spoken

if TYPE_CHECKING:
    from datetime import tzinfo

    from beijiang.access import Access
    from beijiang.catalog import Catalog
    from beijiang.contracts import Contracts
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.mining import Graphs
    from beijiang.protection import Gate, SqlGateway, SqlResult

__all__ = ["Base"]

PATIENCE: Final = 2.0


class Base:
    """Holds the parts."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        sql: SqlGateway,
        gate: Gate,
        catalog: Catalog,
        access: Access,
        evidence: Evidence,
        clock: Clock,
        graphs: Graphs,
        contracts: Contracts,
        zone: tzinfo,
    ) -> None:
        self.db = db
        self.sql = sql
        self.networks = Networks(graphs)
        self.gate = gate
        self.contracts = contracts
        self.catalog = catalog
        self.access = access
        self.evidence = evidence
        self.clock = clock
        self.zone = zone
        self.lanes = Lanes()
        self.meter = Meter()
        self.counting = Counting(db)
        self.timing = Timing(db, clock)
        self.patience = PATIENCE
        """Seconds that a page waits for its cards; those that take longer are fetched by it later."""
        self._read = lru_cache(maxsize=64)(self._parsed)

    def _parsed(self, app_id: str, number: int, digest: str) -> Bundle:
        """Read a version's files once in a while; that they are those that were submitted is looked at each time.

        Raises:
            Conflict: the files are not those that were submitted (``app_changed``).

        """
        with self.db.read() as connection:
            found = AppStore(connection).version(app_id, number)
        if found is None or digest_of(found.files) != digest:
            raise Conflict(
                "应用文件与提交时的摘要不符，已停止运行。请联系平台管理员。",
                "The files of the application are not those that were submitted, so it does not run. Tell the operator.",
                code="app_changed",
            )
        return parse_bundle(found.files)

    def bundle_of(self, version: AppVersion | VersionMark) -> Bundle:
        """Return a version as it was written."""
        return self._read(version.app_id, version.number, version.digest)

    def _inside(self, actor: Actor, app: App) -> bool:
        """Tell whether somebody has to do with an application beyond its pages: its department, or the authority."""
        return (
            self.access.allows(actor, Permission.APPS_APP_BUILD, app.org_id)
            or self.access.allows(actor, Permission.APPS_APP_REVIEW, app.org_id)
            or self.access.allows(actor, Permission.APPS_APP_RELEASE, app.org_id)
        )

    def _known(self, actor: Actor, app_id: str) -> App:
        """Return an application that the actor has to do with.

        Raises:
            NotFound: unknown or hidden, which look the same.

        """
        with self.db.read() as connection:
            found = AppStore(connection).get(app_id)
        if found is None or not self._inside(actor, found):
            raise no_app()
        return found

    def own_grants(self, bundle: Bundle) -> Mapping[str, OwnGrant]:
        """Return the grants of its department under which an application reads, by the stored names of the tables."""
        facts = bundle.manifest
        return {self.gate.find(table): OwnGrant(facts.owner, grant) for table, grant in facts.own_grants.items()}

    def spoken(self, query: Query, values: Mapping[str, Any]) -> Spoken:
        """Return the values of a query's parameters in their order; ``today`` is the region's day unless it is declared."""
        if TODAY in query.parameters and TODAY not in values:
            values = {**values, TODAY: self.clock.now().astimezone(self.zone).date()}
        return Spoken([values.get(name) for name in query.parameters])

    def _answer(
        self, actor: Actor, bundle: Bundle, query: Query, values: Mapping[str, Any], door: QueryClass
    ) -> CardData:
        """Ask as the reader, through the gateway; what the public asks is counted on the application's account."""
        order, spoken = self._order(actor, bundle, door), self.spoken(query, values)
        return data_of(self.sql.answer(actor, query.text, f"app:{bundle.manifest.id}", order, spoken))

    def _answer_all(
        self,
        actor: Actor,
        bundle: Bundle,
        queries: Sequence[Query],
        values: Mapping[str, Any],
        ready: Callable[[str, CardData | BeijiangError], None],
    ) -> None:
        """Ask the queries of a page together; ``ready`` is told of each by its name."""
        asked = {one.name: (one.text, self.spoken(one, values)) for one in queries}

        def land(name: str, result: SqlResult | BeijiangError) -> None:
            ready(name, result if isinstance(result, BeijiangError) else data_of(result))

        order = self._order(actor, bundle, QueryClass.INTERACTIVE)
        self.sql.answer_all(actor, asked, f"app:{bundle.manifest.id}", order, land)

    def _order(self, actor: Actor, bundle: Bundle, door: QueryClass) -> QueryOrder:
        whose = f"app:{bundle.manifest.id}" if actor.is_anonymous else ""
        return QueryOrder(door=door, whose=whose, own=self.own_grants(bundle))


def data_of(result: SqlResult) -> CardData:
    """Return an answer of the gateway as a card holds it."""
    return CardData(
        columns=result.columns,
        rows=result.rows.to_pylist(),
        masked=tuple(one.name for one in result.shown if one.masked),
        in_doubt=result.in_doubt,
        grade=result.grade,
        as_of=result.as_of,
        made_at=result.made_at,
        receipt=result.receipt,
        reading=result.reading,
        seconds=0.0 if result.cost is None else result.cost.seconds,
        scanned=0 if result.cost is None else result.cost.rows,
        shared=1 if result.cost is None else result.cost.queries,
        cached=result.cached,
        truncated=result.truncated,
    )
