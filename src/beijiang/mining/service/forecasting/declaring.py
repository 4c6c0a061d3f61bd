"""Declaring: try, save, change, retire; every revision is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import Invalid, NotFound, new_id
from beijiang.mining.errors import reserved, target_taken, unfit_forecast
from beijiang.mining.models import Declared, Forecast, SourceKind
from beijiang.mining.service.forecasting.base import HORIZON_MOST, Base
from beijiang.mining.service.forecasting.results import RESERVED
from beijiang.mining.store import ForecastStore

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.mining.models import ForecastDraft, IndicatorFacts

__all__ = ["Declaring"]

NAME_LONGEST: Final = 200
SERIES_COLUMNS_MOST: Final = 6


class Declaring(Base):
    """Which forecasts there are."""

    def forecasts(self, actor: Actor) -> Sequence[Forecast]:
        """Return the forecasts in force that the actor may see, by name."""
        self.access.require(actor, Permission.MINING_FORECAST_READ, actor.org_id)
        with self.db.read() as connection:
            found = ForecastStore(connection).all()
        seen = {o: self.access.allows(actor, Permission.MINING_FORECAST_READ, o) for o in {f.org_id for f in found}}
        return [one for one in found if seen[one.org_id]]

    def forecast(self, actor: Actor, forecast_id: str) -> Forecast:
        """Return a forecast by its id or the table that it fills.

        Raises:
            NotFound: unknown, retired or hidden.

        """
        return self._seen(actor, forecast_id)

    def of_indicator(self, actor: Actor, code: str) -> Sequence[Forecast]:
        """Return the forecasts of a statistical indicator that the actor may see; none for who may see no forecasts."""
        with self.db.read() as connection:
            found = ForecastStore(connection).over(SourceKind.INDICATOR, code)
        return [one for one in found if self.access.allows(actor, Permission.MINING_FORECAST_READ, one.org_id)]

    def known_indicators(self, actor: Actor) -> Sequence[IndicatorFacts]:
        """Return the statistical indicators that the actor may declare a forecast of."""
        self.access.require(actor, Permission.MINING_FORECAST_READ, actor.org_id)
        may = Permission.MINING_FORECAST_MANAGE
        return [one for one in self.indicators.known(actor) if self.access.allows(actor, may, one.org_id)]

    def history(self, actor: Actor, forecast_id: str) -> Sequence[Forecast]:
        """Return all revisions of a forecast, oldest first."""
        found = self._seen(actor, forecast_id)
        with self.db.read() as connection:
            return ForecastStore(connection).history(found.id)

    def check(self, actor: Actor, draft: ForecastDraft) -> Declared:
        """Return which series a declaration comes to and which of them have no forecast, and why; nothing is kept.

        Raises:
            NotFound, Denied: the source is unknown, hidden, or another organisation's.
            Invalid: a column is missing or holds no periods.
            Refused: a column is masked.

        """
        self._owned(actor, draft)
        found = self._sorted(draft, self._read(actor, self._sound(draft)))
        return Declared.of(found.frequency, found.first, found.last, len(found.ready), found.without)

    def save(self, actor: Actor, draft: ForecastDraft, reason: str = "") -> Forecast:
        """Put a forecast in force; it fills two tables of the organisation of its source.

        Raises:
            Invalid, Refused: it cannot be used as it is; see ``check``.
            Conflict: a table is filled from elsewhere.

        """
        org_id = self._owned(actor, draft)
        draft = self._sound(draft)
        self._free(actor, draft)
        self.check(actor, draft)
        return self._put(actor, self._revision(actor, draft, new_id("fct"), 1, org_id, reason), "add")

    def change(self, actor: Actor, forecast_id: str, draft: ForecastDraft, reason: str) -> Forecast:
        """Make a new revision; source, series columns and tables stay, so that runs can be compared.

        Raises:
            Invalid: no reason, or it cannot be used as it is.

        """
        before = self._seen(actor, forecast_id, Permission.MINING_FORECAST_MANAGE)
        words = _reason(reason)
        kept = replace(draft, kind=before.kind, source=before.source, target=before.target, series=before.series)
        draft = self._sound(kept)
        self.check(actor, draft)
        made = self._revision(actor, draft, before.id, before.revision + 1, before.org_id, words)
        return self._put(actor, made, "change")

    def retire(self, actor: Actor, forecast_id: str, reason: str) -> Forecast:
        """Let a forecast run no more; its tables and its history stay.

        Raises:
            Invalid: no reason.

        """
        before = self._seen(actor, forecast_id, Permission.MINING_FORECAST_MANAGE)
        ended = replace(
            before,
            revision=before.revision + 1,
            retired=True,
            reason=_reason(reason),
            owner=actor,
            at=self.clock.now(),
        )
        return self._put(actor, ended, "retire")

    def _sound(self, draft: ForecastDraft) -> ForecastDraft:
        """Return a draft that makes sense by itself."""
        if not 0 <= draft.horizon <= HORIZON_MOST:
            raise unfit_forecast(f"预测期数须为 1 到 {HORIZON_MOST}。", f"Forecast 1 to {HORIZON_MOST} periods ahead.")
        target = draft.target.strip()
        if not target:
            raise unfit_forecast("请填写结果表的名称。", "Name the table of the results.")
        if draft.kind is SourceKind.INDICATOR:
            draft = replace(draft, series=(), period="", value="", definition="")
        elif not (draft.period and draft.value):
            raise unfit_forecast("请选择期间列和数值列。", "Choose the column of periods and the column of values.")
        for column in draft.series:
            if column in RESERVED:
                raise reserved(column)
        used = [*draft.series, draft.period, draft.value]
        if draft.kind is SourceKind.TABLE and len(set(used)) != len(used):
            raise unfit_forecast("一列只能用一次。", "A column serves for one thing only.")
        if len(draft.series) > SERIES_COLUMNS_MOST:
            raise unfit_forecast(
                f"序列列最多 {SERIES_COLUMNS_MOST} 个。", f"At most {SERIES_COLUMNS_MOST} columns tell series apart."
            )
        name = " ".join(draft.name.split())[:NAME_LONGEST] or target
        return replace(draft, name=name, target=target)

    def _free(self, actor: Actor, draft: ForecastDraft) -> None:
        """Return if a forecast may fill its tables: new ones only, since results of others must stay what they are."""
        for table in (draft.target, draft.tests):
            if self.tables.writers_of(table):
                raise target_taken(table)
            try:
                self.tables.get(actor, table)
            except NotFound:
                continue
            raise target_taken(table)

    def _revision(
        self, actor: Actor, draft: ForecastDraft, forecast_id: str, number: int, org_id: str, reason: str
    ) -> Forecast:  # fmt: skip
        return Forecast(
            **{name: getattr(draft, name) for name in _DRAFT},
            id=forecast_id,
            revision=number,
            org_id=org_id,
            reason=reason.strip()[:1000],
            owner=actor,
            at=self.clock.now(),
        )

    def _put(self, actor: Actor, made: Forecast, what: str) -> Forecast:
        with self.db.begin() as tx:
            store = ForecastStore(tx.connection)
            other = store.filling(made.target)
            if other is not None and other.id != made.id:
                raise target_taken(made.target)
            store.add(made)
            detail: dict[str, JsonValue] = {
                "forecast": made.id,
                "revision": made.revision,
                "source": made.source,
                "declared": made.to_json(),
                "reason": made.reason,
            }
            self.evidence.record(tx, actor, f"mining.forecast_{what}", target=made.target, detail=detail)
        return made


_DRAFT: Final = (
    "name",
    "source",
    "target",
    "kind",
    "series",
    "period",
    "value",
    "definition",
    "horizon",
    "effort",
    "on_write",
)


def _reason(words: str) -> str:
    if not words.strip():
        raise Invalid("请说明理由。", "A reason is needed.", code="reason_needed")
    return words.strip()[:1000]
