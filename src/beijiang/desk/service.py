"""Keep views of lists for the person who made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.desk.models import MOST, View, ViewDraft
from beijiang.desk.store import DeskStore
from beijiang.kit import Conflict, NotFound, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.kit import Actor, Clock

__all__ = ["Desk"]


class Desk:
    """What a person keeps at hand; nobody sees the desk of another."""

    def __init__(self, db: Database, access: Access, clock: Clock) -> None:
        self.db = db
        self.access = access
        self.clock = clock

    def views(self, actor: Actor, list_key: str | None = None) -> Sequence[View]:
        """Return the actor's views, those of one list or all, by name."""
        self.access.require(actor, Permission.DESK_VIEW_KEEP)
        with self.db.read() as connection:
            return DeskStore(connection).views(actor.id, list_key)

    def keep(self, actor: Actor, draft: ViewDraft) -> View:
        """Keep a view; one of the same list and name is replaced.

        Raises:
            Conflict: the actor keeps as many views of the list as one may (``too_many_views``).

        """
        self.access.require(actor, Permission.DESK_VIEW_KEEP)
        view = View(
            id=new_id("view"),
            person_id=actor.id,
            list=draft.list,
            name=draft.name,
            query=draft.query,
            kept_at=self.clock.now(),
        )
        with self.db.begin() as tx:
            store = DeskStore(tx.connection)
            others = [one for one in store.views(actor.id, draft.list) if one.name != draft.name]
            if len(others) >= MOST:
                raise Conflict(
                    f"这个列表已存了 {MOST} 个视图，请先删去不用的。",
                    f"{MOST} views of this list are kept already; remove one that is not used.",
                    code="too_many_views",
                )
            store.put(view)
        return view

    def remove(self, actor: Actor, view_id: str) -> None:
        """Remove one of the actor's own views.

        Raises:
            NotFound: unknown, or another's, which look the same.

        """
        self.access.require(actor, Permission.DESK_VIEW_KEEP)
        with self.db.begin() as tx:
            gone = DeskStore(tx.connection).remove(actor.id, view_id)
        if not gone:
            raise NotFound(
                "没有这个视图，或者它不是您存的。请在列表的“视图”中选择。",
                "There is no such view, or it is not yours. Choose one under Views of the list.",
                code="view_not_found",
            )
