"""Feature views: declare, change, look at, retire; every revision is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import new_id
from beijiang.mining.errors.learning import bad_column
from beijiang.mining.models.learning import FeatureView, ViewDraft
from beijiang.mining.service.learning.base import Base
from beijiang.mining.store import ViewStore
from beijiang.tables import Exit

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Views"]


class Views(Base):
    """Which features there are."""

    def views(self, actor: Actor) -> Sequence[FeatureView]:
        """Return the feature views of the actor's department."""
        self.access.require(actor, Permission.MINING_MODEL_READ, actor.org_id)
        with self.db.read() as connection:
            found = ViewStore(connection).all()
        return [one for one in found if self._sees(actor, one.org_id)]

    def view(self, actor: Actor, view_id: str) -> FeatureView:
        """Return a feature view.

        Raises:
            NotFound: unknown, retired, or another department's.

        """
        return self._view(actor, view_id)

    def view_revisions(self, actor: Actor, view_id: str) -> Sequence[FeatureView]:
        """Return all revisions of a feature view, oldest first."""
        found = self._view(actor, view_id)
        with self.db.read() as connection:
            return ViewStore(connection).history(found.id)

    def declare_view(self, actor: Actor, draft: ViewDraft) -> FeatureView:
        """Declare a feature view over a table that the actor sees.

        Raises:
            NotFound: the table is unknown or hidden.
            Invalid: a column is unknown or withheld (``training_column``).

        """
        org_id = self._own(actor)
        self._check_view(actor, draft)
        made = self._made(actor, draft, new_id("fv"), 1, org_id)
        return self._put_view(actor, made, "declare")

    def change_view(self, actor: Actor, view_id: str, draft: ViewDraft) -> FeatureView:
        """Make a new revision; training sets of before keep the one that they were made with.

        Raises:
            NotFound, Invalid: as ``declare_view`` does.

        """
        before = self._view(actor, view_id)
        self.access.require(actor, Permission.MINING_MODEL_BUILD, before.org_id)
        self._check_view(actor, draft)
        made = self._made(actor, draft, before.id, before.revision + 1, before.org_id)
        return self._put_view(actor, made, "change")

    def retire_view(self, actor: Actor, view_id: str) -> None:
        """Take a feature view out of use; training sets that have it stay."""
        before = self._view(actor, view_id)
        self.access.require(actor, Permission.MINING_MODEL_BUILD, before.org_id)
        ended = before.model_copy(
            update={"revision": before.revision + 1, "retired": True, "by": actor.name, "at": self.clock.now()}
        )
        self._put_view(actor, ended, "retire")

    def _check_view(self, actor: Actor, draft: ViewDraft) -> None:
        """Look at the columns as the actor is shown them; no row is read."""
        shown = {one.name for one in self.gate.sketch(actor, draft.table, "", Exit.TRAINING).columns}
        for name in draft.columns:
            if name not in shown:
                raise bad_column(name, draft.table)

    def _made(self, actor: Actor, draft: ViewDraft, view_id: str, revision: int, org_id: str) -> FeatureView:
        facts = {"id": view_id, "revision": revision, "org_id": org_id, "by": actor.name, "at": self.clock.now()}
        return FeatureView.model_validate({**draft.model_dump(), **facts})

    def _put_view(self, actor: Actor, made: FeatureView, what: str) -> FeatureView:
        detail: dict[str, JsonValue] = {"revision": made.revision, "table": made.table, "columns": [*made.columns]}
        with self.db.begin() as tx:
            ViewStore(tx.connection).add(made)
            self.evidence.record(tx, actor, f"mining.view_{what}", target=made.id, detail=detail)
        return made
