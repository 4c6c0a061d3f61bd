"""The cards of forecasts: said by who declares them, approved by another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from beijiang.access import Permission
from beijiang.kit import Conflict, Denied, Invalid, new_id
from beijiang.mining.models import CardEntry, CardState, ForecastCard
from beijiang.mining.service.forecasting.declaring import Declaring
from beijiang.mining.store import ForecastCardStore, ForecastStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.mining.models import Forecast

__all__ = ["Cards"]

_LONGEST: Final = 2000


class Cards(Declaring):
    """What forecasts are for, and who approved that."""

    def card(self, actor: Actor, forecast_id: str) -> ForecastCard:
        """Return a forecast with its card.

        Raises:
            NotFound: unknown, retired or hidden.

        """
        found = self._seen(actor, forecast_id)
        with self.db.read() as connection:
            entries = ForecastCardStore(connection).of(found.id)
            return ForecastCard(forecast=found, run=ForecastStore(connection).last_done(found.id), entries=entries)

    def to_approve(self, actor: Actor) -> Sequence[Forecast]:
        """Return the forecasts whose card waits for the actor: not what he declared or described himself, by name."""
        self.access.require(actor, Permission.MINING_MODEL_APPROVE, actor.org_id)
        found = self.forecasts(actor)
        allowed = {
            org: self.access.allows(actor, Permission.MINING_MODEL_APPROVE, org) for org in {f.org_id for f in found}
        }
        with self.db.read() as connection:
            waiting = ForecastCardStore(connection).waiting()
            owners = ForecastStore(connection).owners(waiting.keys())
        mine = {one for one, by in waiting.items() if actor.id == by or actor.id in owners.get(one, ())}
        return [one for one in found if one.id in waiting.keys() - mine and allowed[one.org_id]]

    def describe(self, actor: Actor, forecast_id: str, purpose: str, limits: str) -> ForecastCard:
        """Say what a forecast is for and where it ends, for another to approve; in place of what waits.

        Raises:
            NotFound: unknown, retired or hidden.
            Denied: the actor does not keep the forecast.
            Invalid: a text is missing (``card_words``).
            Conflict: somebody else handed one in at the same moment (``card_state``).

        """
        found = self._seen(actor, forecast_id, Permission.MINING_FORECAST_MANAGE)
        said = [text.strip()[:_LONGEST] for text in (purpose, limits)]
        if not all(said):
            raise Invalid(
                "请写明用途，以及不适用的情形。", "Say what it is for, and for what it is not.", code="card_words"
            )
        before = self.card(actor, found.id)
        made = CardEntry(
            id=new_id("fcc"),
            forecast_id=found.id,
            number=len(before.entries) + 1,
            revision=found.revision,
            purpose=said[0],
            limits=said[1],
            by_id=actor.id,
            by=actor.name,
            at=self.clock.now(),
        )
        try:
            with self.db.begin() as tx:
                store = ForecastCardStore(tx.connection)
                if before.waiting is not None:
                    store.decide(replace(before.waiting, state=CardState.RETURNED, note="—"))
                store.add(made)
                detail: dict[str, JsonValue] = {
                    "forecast": found.id, "revision": found.revision, "purpose": said[0], "limits": said[1]
                }  # fmt: skip
                self.evidence.record(tx, actor, "mining.forecast_describe", target=found.target, detail=detail)
        except IntegrityError:
            raise _moved() from None
        return self.card(actor, found.id)

    def decide_card(
        self, actor: Actor, forecast_id: str, *, approve: bool, note: str, seen: str | None = None
    ) -> ForecastCard:
        """Approve what is said of a forecast, or send it back; ``seen`` is the token of what was shown.

        Raises:
            NotFound: unknown, retired or hidden.
            Denied: the actor said it or declared a revision (``model_self_approval``), or approves no models.
            Conflict: nothing waits (``card_state``), or it changed since it was shown (``changed_since_seen``).
            Invalid: no reason is given (``reason_needed``), or nothing was forecast yet (``card_run``).

        """
        found = self._seen(actor, forecast_id)
        self.access.require(actor, Permission.MINING_MODEL_APPROVE, found.org_id)
        card = self.card(actor, found.id)
        waiting = card.waiting
        if not note.strip():
            raise Invalid("请写明理由。", "Give a reason.", code="reason_needed")
        if waiting is None:
            raise _moved()
        if actor.id in {waiting.by_id, *(one.owner.id for one in self.history(actor, found.id))}:
            raise Denied(
                "不能批准自己声明或说明的预测，请由部门审核员办理。",
                "Nobody approves a forecast that he declared or described; a reviewer of the department does.",
                code="model_self_approval",
            )
        if approve:
            card.shown.check(seen)
            if card.run is None:
                raise Invalid(
                    "请先运行一次，有了回测再批准。", "Run it first: there is no back-test yet.", code="card_run"
                )
        done = replace(
            waiting,
            state=CardState.APPROVED if approve else CardState.RETURNED,
            revision=found.revision if approve else waiting.revision,
            decided_by=actor.name,
            decided_at=self.clock.now(),
            note=note.strip()[:_LONGEST],
        )
        with self.db.begin() as tx:
            if not ForecastCardStore(tx.connection).decide(done):
                raise _moved()
            detail: dict[str, JsonValue] = {
                "forecast": found.id,
                "revision": done.revision,
                "approved": approve,
                "note": done.note,
                "run": None if card.run is None else card.run.id,
                "data_version": "" if card.run is None else card.run.data_version,
            }
            self.evidence.record(tx, actor, "mining.forecast_card", target=found.target, detail=detail)
        return self.card(actor, found.id)


def _moved() -> Conflict:
    return Conflict(
        "没有待审核的模型卡，或刚被别人更新，请重新查看。",
        "No card waits for review, or somebody just changed it; look again.",
        code="card_state",
    )
