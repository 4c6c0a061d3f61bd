"""Running: pages and end-points of released applications, every query as the reader, through the gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.apps.errors import no_app, no_page
from beijiang.apps.models import (
    App,
    AppPage,
    Block,
    BlockKind,
    Bundle,
    Card,
    CardData,
    CardState,
    Parameter,
    ahead,
    handed_in,
    values_of,
)
from beijiang.apps.service.base import Base
from beijiang.apps.service.counting import Asked
from beijiang.apps.service.networks import KEY_MASKED, NO_GRAPH
from beijiang.apps.store import AppStore, CanaryStore
from beijiang.kit import BeijiangError, Denied, Text, Throttled
from beijiang.protection import QueryClass

if TYPE_CHECKING:
    from beijiang.kit import Actor

__all__ = ["PageView", "Running"]

LONGEST: Final = 40.0
"""Seconds that a single card is waited for; the gateway ends a query before that."""
CHOICES_MOST: Final = 500
HIDDEN: Final = frozenset(
    {NO_GRAPH, "access_ended", "not_found", "query_unbound", "sql_not_allowed", "table_not_found"}
)
"""What is said of a query or graph that passed its checks when its reader may not see a table or column of it."""

DENIED: Final = Text(
    "这张卡片用到的数据没有向您开放。需要时请由本部门在共享交换中申请，或联系应用的负责部门。",
    "The data of this card are not open to you. If you need them, your department asks for them in sharing, or asks the "
    "department that answers for this application.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """A page as its reader gets it."""

    app_id: str
    bundle: Bundle
    page: AppPage
    number: int
    """The version; 0 for a folder that is being written."""
    values: Mapping[str, Any]
    cards: Mapping[int, Card]
    choices: Mapping[str, Sequence[str]]
    """What may be chosen, by parameter."""

    def parameter(self, name: str) -> Parameter:
        """Return a declared parameter."""
        return next(one for one in self.bundle.manifest.parameters if one.name == name)

    @property
    def said(self) -> dict[str, str]:
        """Return the values as an address says them, defaults and empty ones left out."""
        found = {}
        for one in self.bundle.manifest.parameters:
            value = self.values.get(one.name)
            text = "" if value is None else str(value)
            if text != one.default:
                found[one.name] = text
        return found


class Running(Base):
    """Show pages, answer end-points."""

    def open(self, actor: Actor, app_id: str, whence: str = "") -> tuple[App, Bundle]:
        """Return an application that is released to the actor, and its bundle; ``current`` is the version that the actor gets.

        ``whence`` tells visitors apart who did not sign in; without it they get no version on trial.

        Raises:
            NotFound: unknown, switched off, or not released to the actor, which look the same (``app_not_found``).

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        with self.db.read() as connection:
            store = AppStore(connection)
            app = store.get(app_id)
            if app is None or not app.serves or app.release is None or not app.release.admits(actor):
                raise no_app()
            trial = CanaryStore(connection).get(app_id)
            if trial is not None and trial.admits(actor, whence):
                app = replace(app, current=trial.version)
            version = store.mark(app_id, app.current or 0)
        if version is None:
            raise no_app()
        bundle = self.bundle_of(version)
        if bundle.manifest.roles and not actor.roles & set(bundle.manifest.roles):
            raise no_app()
        return app, bundle

    def page(self, actor: Actor, app_id: str, page: str, asked: Mapping[str, str], whence: str = "") -> PageView:
        """Return a page with its cards; those that take longer than ``patience`` are still loading.

        ``whence`` tells visitors apart who did not sign in.

        Raises:
            NotFound: no such page, or the application is not for the actor; also when it was switched off meanwhile.
            Invalid: a parameter's value is not taken.
            Throttled: over the quota of the application or of the reader.

        """
        app, bundle = self.open(actor, app_id, whence)
        self._count(actor, bundle, whence)
        with self.timing.measured(app_id, app.current or 0) as cards:
            view = self._view(actor, bundle, page, asked, app.current or 0)
            cards.extend(view.cards.values())
        self._still(actor, app, whence)
        viewer = _reader(actor, whence)
        late = sum(card.state is CardState.LOADING for card in view.cards.values())
        self.meter.owe(app_id, view.page.name, viewer, late)
        self.counting.note((app_id, view.number), self.clock.now().date(), viewer, view.cards.values())
        return view

    def card(
        self, actor: Actor, app_id: str, page: str, number: int, asked: Mapping[str, str], whence: str = ""
    ) -> PageView:
        """Return a page with one of its cards only, waited for to its end.

        A card that came late belongs to the view of its page; any other counts as a view.

        Raises:
            NotFound, Invalid, Throttled: as ``page`` does.

        """
        app, bundle = self.open(actor, app_id, whence)
        self.meter.take_card(app_id, page, bundle.manifest.per_minute, _reader(actor, whence))
        with self.timing.measured(app_id, app.current or 0) as cards:
            view = self._view(actor, bundle, page, asked, app.current or 0, only=number)
            cards.extend(view.cards.values())
        self._still(actor, app, whence)
        self.counting.note((app_id, view.number), self.clock.now().date(), None, view.cards.values())
        return view

    def data(
        self, actor: Actor, app_id: str, end: str, asked: Mapping[str, str], whence: str = ""
    ) -> tuple[Bundle, CardData]:
        """Return the answer of an end-point.

        Raises:
            NotFound: no such end-point, or the application is not for the actor.
            Denied: the actor may not see the data behind it (``app_data_denied``).
            Invalid, Throttled: as ``page`` does.

        """
        app, bundle = self.open(actor, app_id, whence)
        self._count(actor, bundle, whence)
        if end not in bundle.api:
            raise no_page()
        values = values_of(bundle.manifest.parameters, asked)
        query = bundle.queries[bundle.api[end].query]
        with self.timing.measured(app_id, app.current or 0), self._asked_of(app) as asking:
            try:
                found = self._answer(actor, bundle, query, values, QueryClass.API)
            except BeijiangError as error:
                if error.reason not in HIDDEN:
                    raise
                asking.denied = True
                raise Denied(DENIED.zh, DENIED.en, code="app_data_denied") from None
            asking.cost = None if found.cached else (found.seconds, found.scanned)
        self._still(actor, app, whence)
        return bundle, found

    @contextmanager
    def _asked_of(self, app: App) -> Iterator[Asked]:
        """Count a request to an end-point, whatever becomes of it."""
        asking = Asked()
        try:
            yield asking
        except BaseException as error:
            asking.failed = not isinstance(error, Throttled)
            raise
        finally:
            self.counting.note_asked((app.id, app.current or 0), self.clock.now().date(), asking)

    def preview(self, actor: Actor, app_id: str, number: int, page: str, asked: Mapping[str, str]) -> PageView:
        """Return a page of any version, for its department and for reviewers, as the actor sees the data.

        Raises:
            NotFound: unknown, or none of the actor's business.

        """
        self.access.require(actor, Permission.APPS_APP_OPEN)
        self._known(actor, app_id)
        with self.db.read() as connection:
            version = AppStore(connection).version(app_id, number)
        if version is None:
            raise no_page()
        bundle = ahead(self.bundle_of(version))
        return self._view(actor, bundle, page or bundle.first_page.name, asked, number, patience=LONGEST)

    def try_page(self, actor: Actor, files: Mapping[str, str], page: str, asked: Mapping[str, str]) -> PageView:
        """Return a page of a bundle that is being written, as the actor sees the data; nothing is kept.

        Raises:
            Invalid: the bundle has faults (``app_faulty``).
            Denied: the actor may not build for the department that it names.

        """
        bundle = handed_in(files)
        self.access.require(actor, Permission.APPS_APP_BUILD, bundle.manifest.owner)
        view = self._view(actor, bundle, page or bundle.first_page.name, asked, 0, patience=LONGEST)
        return replace(view, cards={number: _fitting(card) for number, card in view.cards.items()})

    def _count(self, actor: Actor, bundle: Bundle, whence: str) -> None:
        self.meter.take(bundle.manifest.id, bundle.manifest.per_minute, _reader(actor, whence))

    def _still(self, actor: Actor, before: App, whence: str) -> None:
        """Ask again before anything is handed over: an application may be switched off while its page is made."""
        now, _ = self.open(actor, before.id, whence)
        if now.current != before.current:
            raise no_app()

    def _view(
        self,
        actor: Actor,
        bundle: Bundle,
        name: str,
        asked: Mapping[str, str],
        number: int,
        only: int | None = None,
        patience: float | None = None,
    ) -> PageView:
        page = bundle.pages.get(name)
        if page is None or (only is not None and not 0 <= only < len(page.blocks)):
            raise no_page()
        values = values_of(bundle.manifest.parameters, asked)
        wanted = dict(enumerate(page.blocks)) if only is None else {only: page.blocks[only]}
        offered = {} if only is not None else self._offered(bundle, page)
        named = [*(block.query for block in wanted.values() if block.query), *offered.values()]
        flights = self._fly(actor, bundle, dict.fromkeys(named), values)
        looks = {
            n: self._look(actor, bundle, block, values)
            for n, block in wanted.items()
            if block.kind is BlockKind.NETWORK
        }
        longest = LONGEST if only is not None else self.patience if patience is None else patience
        wait([*flights.values(), *looks.values()], timeout=longest)
        cards = {
            n: self._landed(n, block, looks.get(n) or flights.get(block.query), bundle) for n, block in wanted.items()
        }
        return PageView(
            app_id=bundle.manifest.id,
            bundle=bundle,
            page=page,
            number=number,
            values=values,
            cards=cards,
            choices={name: _choices(flights[query]) for name, query in offered.items()},
        )

    def _offered(self, bundle: Bundle, page: AppPage) -> dict[str, str]:
        """Return the queries that offer choices on a page, by parameter."""
        named = {p for block in page.blocks if block.kind is BlockKind.FILTER for p in block.facts["parameters"]}
        return {one.name: one.query for one in bundle.manifest.parameters if one.query and one.name in named}

    def _fly(
        self, actor: Actor, bundle: Bundle, queries: Iterable[str], values: Mapping[str, Any]
    ) -> dict[str, Future[Card]]:
        """Have the queries of a page answered together; cards of one query are one question."""
        app_id = bundle.manifest.id
        flights: dict[str, Future[Card]] = {query: Future() for query in queries}
        if not flights:
            return flights

        def land(query: str, found: CardData | BeijiangError) -> None:
            flights[query].set_result(_card(query, found))

        def ask() -> None:
            try:
                self._answer_all(actor, bundle, [bundle.queries[query] for query in flights], values, land)
            except BeijiangError as error:
                for query in (one for one, flight in flights.items() if not flight.done()):
                    land(query, error)
            except BaseException as error:
                for flight in (one for one in flights.values() if not one.done()):
                    flight.set_exception(error)
                raise

        self.lanes.put(app_id, app_id if actor.is_anonymous else actor.id, ask)
        return flights

    def _look(self, actor: Actor, bundle: Bundle, block: Block, values: Mapping[str, Any]) -> Future[Card]:
        """Have a graph of relations asked about the party that the reader names."""
        landed: Future[Card] = Future()

        def ask() -> None:
            try:
                landed.set_result(_card("", self.networks.answer(actor, bundle.manifest.owner, block, values)))
            except BeijiangError as error:
                landed.set_result(_card("", error))
            except BaseException as error:
                landed.set_exception(error)
                raise

        self.lanes.put(bundle.manifest.id, bundle.manifest.id if actor.is_anonymous else actor.id, ask)
        return landed

    def _landed(self, number: int, block: Block, flight: Future[Card] | None, bundle: Bundle) -> Card:
        if flight is None:
            return Card(number=number, block=block, state=CardState.READY)
        if not flight.done():
            return Card(number=number, block=block, state=CardState.LOADING)
        found = replace(flight.result(), number=number, block=block)
        days = bundle.manifest.schedule.days
        as_of = found.data.as_of if found.data else None
        old = days is not None and as_of is not None and self.clock.now() - as_of > timedelta(days=days)
        return replace(found, old=old)


def _reader(actor: Actor, whence: str) -> str:
    """Return by what readers are told apart; visitors by where they come from."""
    return f"visitor {whence}" if actor.is_anonymous else actor.id


def _card(query: str, found: CardData | BeijiangError) -> Card:
    """Return what became of a query, for every card that shows it."""
    block = Block(kind=BlockKind.TABLE, facts={"query": query, "title": query}, line=0)
    if not isinstance(found, BeijiangError):
        return Card(number=0, block=block, state=CardState.READY, data=found)
    hidden = found.reason in HIDDEN
    state = CardState.DENIED if hidden or found.reason == KEY_MASKED else CardState.FAILED
    return Card(number=0, block=block, state=state, why=DENIED if hidden else found.text)


def _fitting(card: Card) -> Card:
    """Return a card of a bundle that passed no checks yet; one whose query lacks a column that it names says so."""
    gone = [] if card.data is None else [one for one in card.block.columns if one not in card.data.columns]
    if not gone:
        return card
    named = ", ".join(gone)
    why = Text(f"查询 {card.block.query} 没有列 {named}。", f"The query {card.block.query} gives no column {named}.")
    return replace(card, state=CardState.FAILED, why=why, data=None)


def _choices(flight: Future[Card]) -> Sequence[str]:
    """Return the values of the first column, as texts; none where the reader gets none."""
    data = flight.result().data if flight.done() else None
    if data is None or not data.columns:
        return ()
    found = [row[data.columns[0]] for row in data.rows[:CHOICES_MOST]]
    return [str(value) for value in found if value is not None]
