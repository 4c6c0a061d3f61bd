"""Open statistical indicators to the public, close them again, and read what is public."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.assess.errors import no_figure
from beijiang.assess.models import Figure, OpenFigure, Opening, holding
from beijiang.assess.service.base import Base
from beijiang.assess.store import FigureStore, OpeningStore
from beijiang.kit import Conflict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["PublicFigures"]


class PublicFigures(Base):
    """What the public reads of the statistical indicators."""

    def open(self, actor: Actor, code: str, reason: str) -> Opening:
        """Let everybody read the released values of an indicator, from now on.

        Raises:
            NotFound: there is none with this code.
            Invalid: no reason is given.
            Conflict: it is public already.

        """
        self._decidable(actor, code)
        made = Opening(code=code, reason=self._words(reason), by=actor.id, by_name=actor.name, at=self.clock.now())
        with self.db.begin() as tx:
            store = OpeningStore(tx.connection)
            if code in store.every():
                raise Conflict("这项指标已经公开。", "This indicator is public already.", code="already_open")
            store.add(made)
            detail: Mapping[str, JsonValue] = {"reason": made.reason}
            self.evidence.record(tx, actor, "assess.figure_open", target=code, detail=detail)
        return made

    def close(self, actor: Actor, code: str, reason: str) -> None:
        """Take an indicator from the public; who has read its values keeps them.

        Raises:
            NotFound: there is none with this code.
            Invalid: no reason is given.
            Conflict: it is not public.

        """
        self._decidable(actor, code)
        words = self._words(reason)
        with self.db.begin() as tx:
            if not OpeningStore(tx.connection).remove(code):
                raise Conflict("这项指标没有公开。", "This indicator is not public.", code="not_open")
            self.evidence.record(tx, actor, "assess.figure_close", target=code, detail={"reason": words})

    def opening(self, actor: Actor, code: str) -> Opening | None:
        """Return who opened an indicator and why; None where it is not public."""
        self.access.require(actor, Permission.ASSESS_FIGURE_READ)
        with self.db.read() as connection:
            return OpeningStore(connection).every().get(code)

    def every(self, actor: Actor) -> Sequence[OpenFigure]:
        """Return the indicators that are public and in force, by code, with the values that hold."""
        self.access.require(actor, Permission.OPENDATA_DATASET_READ)
        with self.db.read() as connection:
            opened = OpeningStore(connection).every()
            store = FigureStore(connection)
            return [
                OpenFigure(figure, holding(store.values(figure.code)), opened[figure.code])
                for figure in store.figures()
                if figure.code in opened
            ]

    def one(self, actor: Actor, code: str) -> OpenFigure:
        """Return one of them.

        Raises:
            NotFound: there is none with this code, or it is not public; both look the same.

        """
        self.access.require(actor, Permission.OPENDATA_DATASET_READ)
        with self.db.read() as connection:
            opened = OpeningStore(connection).every().get(code)
            store = FigureStore(connection)
            versions: Sequence[Figure] = store.versions(code) if opened else ()
            if opened is None or not versions or versions[0].retired:
                raise no_figure(code)
            return OpenFigure(versions[0], holding(store.values(code)), opened)

    def _decidable(self, actor: Actor, code: str) -> Figure:
        with self.db.read() as connection:
            versions = FigureStore(connection).versions(code)
        if not versions or versions[0].retired:
            self.access.require(actor, Permission.ASSESS_FIGURE_READ)
            raise no_figure(code)
        self.access.require(actor, Permission.ASSESS_FIGURE_APPROVE, versions[0].org_id)
        return versions[0]
