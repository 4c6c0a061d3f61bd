"""The verbs on what members keep and make: favourites with notices, stars, and works that use the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.db import Remembered
from beijiang.kit import ANONYMOUS, Conflict, Invalid, NotFound, new_id
from beijiang.opendata.members import clean_words
from beijiang.opendata.store import KeepingStore
from beijiang.opendata.works import STARS, Echo, Kept, Work, WorkState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from beijiang.catalog import Catalog
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.opendata.registering import PublicParts
    from beijiang.opendata.works import WorkDraft, WorkKind

__all__ = ["Keepings"]

WAITING_MOST: Final = 10


class Keepings:
    """What members keep of the portal, and what they show on it."""

    def __init__(self, parts: PublicParts, catalog: Catalog) -> None:
        self.parts = parts
        self._catalog = catalog
        self._db = parts.db
        self._access = parts.access
        self._echoes: Remembered[Echo] = Remembered(parts.db)

    def keep(self, actor: Actor, dataset_id: str, *, on: bool = True) -> None:
        """Keep a data set and be told on one's own page when its rows change, or keep it no more.

        Raises:
            NotFound: no such published data set.

        """
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP)
        self._catalog.published(ANONYMOUS, dataset_id)
        with self._db.begin() as tx:
            store = KeepingStore(tx.connection)
            if on:
                store.keep(actor.id, dataset_id, self.parts.clock.now())
            else:
                store.let_go(actor.id, dataset_id)
            self.parts.evidence.record(tx, actor, "opendata.keep", target=dataset_id, detail={"on": on})

    def kept(self, actor: Actor) -> Sequence[Kept]:
        """Return what the actor keeps; what is not published any more is left out."""
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP)
        with self._db.read() as connection:
            rows = KeepingStore(connection).kept(actor.id)
        found = []
        for dataset_id, at, seen_at in rows:
            try:
                published = self._catalog.published(ANONYMOUS, dataset_id)
            except NotFound:
                continue
            data_at = published.promise.data_at
            fresh = data_at is not None and data_at > seen_at
            found.append(
                Kept(dataset_id=dataset_id, title=published.version.entry.name, at=at, data_at=data_at, fresh=fresh)
            )
        return found

    def followers(self, dataset_ids: AbstractSet[str]) -> Mapping[str, Collection[str]]:
        """Return who keeps each data set; for the notices of what happens to it, never for a page."""
        with self._db.read() as connection:
            return KeepingStore(connection).keepers(dataset_ids)

    def seen(self, actor: Actor) -> None:
        """Note that the actor has read the notices."""
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP)
        with self._db.begin() as tx:
            KeepingStore(tx.connection).seen(actor.id, self.parts.clock.now())

    def rate(self, actor: Actor, dataset_id: str, stars: int) -> Echo:
        """Give one to five stars; the newest of a person counts, and nobody sees whose they are.

        Raises:
            NotFound: no such published data set.
            Invalid: not one to five.

        """
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP)
        if stars not in STARS:
            raise Invalid("请给 1 到 5 星。", "Give one to five stars.", code="stars")
        self._catalog.published(ANONYMOUS, dataset_id)
        with self._db.begin() as tx:
            KeepingStore(tx.connection).rate(dataset_id, actor.id, stars, self.parts.clock.now())
            self.parts.evidence.record(tx, actor, "opendata.rate", target=dataset_id, detail={"stars": stars})
        return self.echo(dataset_id)

    def echo(self, dataset_id: str) -> Echo:
        """Return what the public thinks of a published data set and made of it; its reader holds the data set already."""
        return self._echoes.get(dataset_id, lambda connection: _echo(KeepingStore(connection), dataset_id))

    def hand_in(self, actor: Actor, draft: WorkDraft) -> Work:
        """Hand in a work; the authority looks at it before it is shown.

        Raises:
            Invalid: a field will not do.
            NotFound: a data set is not published.
            Conflict: too many of the actor's works wait.

        """
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP)
        draft = draft.checked()
        used = tuple((one, self._catalog.published(ANONYMOUS, one).version.entry.name) for one in draft.datasets)
        made = Work(
            id=new_id("wrk"),
            kind=draft.kind,
            title=draft.title,
            author=draft.author,
            words=draft.words,
            link=draft.link,
            by=actor.id,
            state=WorkState.WAITING,
            reason="",
            created_at=self.parts.clock.now(),
            datasets=used,
        )
        with self._db.begin() as tx:
            store = KeepingStore(tx.connection)
            if store.waiting_of(actor.id) >= WAITING_MOST:
                raise Conflict(
                    f"您已有 {WAITING_MOST} 件成果待审核，请等待。",
                    f"{WAITING_MOST} of your works wait already.",
                    code="works_waiting",
                )
            store.add(made)
            detail: dict[str, JsonValue] = {"kind": made.kind.value, "datasets": list(draft.datasets)}
            self.parts.evidence.record(tx, actor, "opendata.work_hand_in", target=made.id, detail=detail)
        return made

    def works(self, actor: Actor, kind: WorkKind | None = None) -> Sequence[Work]:
        """Return the shown works, newest first."""
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        with self._db.read() as connection:
            return KeepingStore(connection).works(WorkState.SHOWN, kind)

    def own_works(self, actor: Actor) -> Sequence[Work]:
        """Return what the actor handed in."""
        self._access.require(actor, Permission.OPENDATA_OWN_KEEP)
        with self._db.read() as connection:
            return KeepingStore(connection).made_by(actor.id)

    def handed_in(self, actor: Actor, state: WorkState = WorkState.WAITING) -> Sequence[Work]:
        """Return the works of a state for whoever decides on them."""
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        with self._db.read() as connection:
            return KeepingStore(connection).works(state)

    def decide(self, actor: Actor, work_id: str, *, shown: bool, reason: str = "", seen: str | None = None) -> Work:
        """Show a work, or not, or no more; a no has its reason, which its maker reads.

        ``seen`` is the token of the work as it was shown to the actor.

        Raises:
            NotFound: no such work.
            Conflict: somebody else decided on it meanwhile (``changed_since_seen``).
            Invalid: no reason.

        """
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        words = clean_words(reason)
        if not shown and not words:
            raise Invalid("请写明理由。", "Give the reason.", code="reason_needed")
        state = WorkState.SHOWN if shown else WorkState.REFUSED
        with self._db.begin() as tx:
            store = KeepingStore(tx.connection)
            before = store.get(work_id)
            if before is None:
                raise NotFound("没有这件成果。", "There is no such work.", code="work_not_found")
            before.shown.check(seen)
            store.decide(work_id, state, words, self.parts.clock.now())
            detail = {"state": state.value, "reason": words}
            self.parts.evidence.record(tx, actor, "opendata.work_decide", target=work_id, detail=detail)
            found = store.get(work_id)
        assert found is not None  # noqa: S101 - it was there in this unit of work
        return found


def _echo(store: KeepingStore, dataset_id: str) -> Echo:
    average, ratings = store.score(dataset_id)
    return Echo(average=average, ratings=ratings, works=tuple(store.works_with(dataset_id)))
