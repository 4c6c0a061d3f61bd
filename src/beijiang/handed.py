"""What hands columns out, as lineage sees it: grants, pushes under them, and applications that read tables."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from beijiang.apps import AppMoved
from beijiang.engine.parsing import statements
from beijiang.exchange import GrantMoved, GrantQuery, GrantState, PushMoved, PushQuery, PushState
from beijiang.kit import SYSTEM, BeijiangError, NotFound
from beijiang.lineage import columns_of
from beijiang.protection import Handling
from beijiang.tables import Origin, Use

if TYPE_CHECKING:
    from datetime import date

    from beijiang.apps import App, Bundle
    from beijiang.exchange import Grant, Push
    from beijiang.kit import Actor
    from beijiang.platform import Platform

__all__ = ["Handed", "app_columns"]

log = logging.getLogger(__name__)
_T = TypeVar("_T")

_MOST: Final = 100_000
_GRANT: Final = "exchange://grants/"
_PUSH: Final = "exchange://pushes/"
_APP: Final = "apps://apps/"


class Handed:
    """Tell lineage which columns leave by which door, when that changes, and once a day what ended by its date alone."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._looked: date | None = None
        platform.lineage.own_names |= {"exchange": self._exchanged, "apps": self._application, "assess": self._figure}

    # What happens

    def on_grant_moved(self, event: GrantMoved) -> None:
        """Take over what a grant gives now. Idempotent."""
        self._grant(self._platform.exchange.grant(SYSTEM, event.grant_id).grant)

    def on_push_moved(self, event: PushMoved) -> None:
        """Take over how a push stands, or that it delivered. Idempotent."""
        push = self._platform.pushes.view(SYSTEM, event.push_id).push
        self._push(push, event.delivery_id, event.rows)

    def on_app_moved(self, event: AppMoved) -> None:
        """Take over what the version of an application reads that readers have now. Idempotent."""
        self._app(self._platform.apps.app(SYSTEM, event.app_id)[0])

    def watch(self) -> None:
        """Once a day, and once when the platform starts, go through everything; called by the dispatcher every minute."""
        today = self._platform.exchange.today
        if self._looked == today:
            return
        _each(self._grant, self._platform.exchange.grants(SYSTEM, GrantQuery(limit=_MOST))[0])
        _each(self._push, self._platform.pushes.pushes(SYSTEM, PushQuery(limit=_MOST))[0])
        _each(self._app, self._platform.apps.apps(SYSTEM))
        self._looked = today

    # What it is made of

    def _grant(self, grant: Grant) -> None:
        runs = bool(grant.table) and grant.standing(self._platform.exchange.today) is GrantState.ACTIVE
        origins = {
            item.column: (Origin(grant.table, item.column, _use(raw=item.handling is Handling.AS_IS)),)
            for item in grant.terms.items
            if runs
        }
        if grant.terms.asks_only:  # answers to questions, no value
            origins = {name: (Origin(grant.table, name, Use.CONDITIONAL),) for name in origins}
        self._declare(_GRANT + grant.id, grant.provider_id, origins)

    def _push(self, push: Push, delivery_id: str = "", rows: int | None = None) -> None:
        grant = self._platform.exchange.grant(SYSTEM, push.grant_id).grant
        columns = () if push.state is PushState.ENDED else grant.terms.columns
        origins = {name: (Origin(_GRANT + grant.id, name, Use.IDENTITY),) for name in columns}
        self._declare(_PUSH + push.id, push.provider_id, origins, delivery_id, rows if delivery_id else None)

    def _app(self, app: App) -> None:
        origins = {} if app.current is None or app.off else app_columns(self._platform, self._bundle(app))
        self._declare(_APP + app.id, app.org_id, origins)

    def _bundle(self, app: App) -> Bundle:
        apps = self._platform.apps
        version = next(one for one in apps.app(SYSTEM, app.id)[1] if one.number == app.current)
        return apps.bundle_of(version)

    def _declare(
        self,
        target: str,
        org_id: str,
        origins: Mapping[str, Sequence[Origin]],
        run_id: str = "",
        rows: int | None = None,
    ) -> None:
        self._platform.lineage.declare(target, org_id, origins, run_id=run_id, person=SYSTEM.id, rows=rows)

    # What people call it

    def _exchanged(self, actor: Actor, address: str) -> str:
        own_id = address.rsplit("/", 1)[1]
        try:
            if address.startswith(_PUSH):
                return self._platform.pushes.view(actor, own_id).push.name
            grant = self._platform.exchange.grant(actor, own_id).grant
            return self._platform.access.organisation(grant.org_id).name_zh
        except BeijiangError:
            return ""

    def _application(self, actor: Actor, address: str) -> str:
        try:
            return self._platform.apps.app(actor, address.rsplit("/", 1)[1])[0].name.zh
        except BeijiangError:
            return ""

    def _figure(self, actor: Actor, address: str) -> str:
        try:
            return self._platform.figures.figure(actor, address.rsplit("/", 1)[1]).figure.name_zh
        except BeijiangError:
            return ""


def _each(tell: Callable[[_T], None], things: Iterable[_T]) -> None:
    """Tell of each thing; one that cannot be told of, as an application whose files are not what was reviewed, hinders no other."""
    for thing in things:
        try:
            tell(thing)
        except Exception:
            log.exception("lineage was not told of %s", type(thing).__name__)


def app_columns(platform: Platform, bundle: Bundle) -> dict[str, tuple[Origin, ...]]:
    """Return the columns that the queries of an application give (``query.column``), each with what it is made of."""
    tables: dict[str, list[str]] = {}
    for name in bundle.manifest.resources:
        try:
            tables[name] = [one.name for one in platform.tables.get(SYSTEM, name).columns]
        except NotFound:  # a table that is gone hands nothing out
            log.info("an application names a table that is gone")
    found: dict[str, tuple[Origin, ...]] = {}
    for query in bundle.queries.values():
        parsed = statements(query.text)
        made = columns_of(parsed[0], tables) if len(parsed) == 1 else None
        if made is not None:
            found |= {f"{query.name}.{name}": tuple(origins) for name, origins in made.columns.items()}
            if made.rest is not None:
                found[f"{query.name}.*"] = made.rest
    return found


def _use(*, raw: bool) -> Use:
    return Use.IDENTITY if raw else Use.TRANSFORMATION
