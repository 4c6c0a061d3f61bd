"""Scores from raw facts, by the scorecard in force: per table, per department, and over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import Invalid, NotFound, Text
from beijiang.quality.models import Hold, Release, Run, Score, Scorecard, check_weights, packaged, score
from beijiang.quality.service.aging import Aging
from beijiang.quality.store import RuleStore, RunStore

if TYPE_CHECKING:
    from datetime import datetime

    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Quality", "Report", "Standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A table on the board of quality."""

    table: str
    org_id: str
    rules: int
    run: Run | None
    score: Score | None
    hold: Hold | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known of the quality of one table."""

    table: str
    org_id: str
    version: int
    run: Run | None
    score: Score | None
    hold: Hold | None
    trend: Sequence[tuple[datetime, int, float | None]]
    """When, which version, and the total by the scorecard in force."""
    releases: Sequence[Release]
    served: int | None = None
    """The version that readers have, None where nothing is published."""


class Quality(Aging):
    """Rules of quality, what they found, and how tables and departments stand."""

    def board(self, actor: Actor) -> Sequence[Standing]:
        """Return the tables whose results the actor may see: held ones first, then by score, worst first."""
        self.access.require(actor, Permission.QUALITY_RESULT_READ)
        tables = self.tables.list(actor)
        seen = {
            org: self.access.allows(actor, Permission.QUALITY_RESULT_READ, org) for org in {t.org_id for t in tables}
        }
        card = self._card()
        with self.db.read() as connection:
            runs = {run.table: run for run in RunStore(connection).all_newest()}
            counts = RuleStore(connection).counts()
        found = []
        for info in tables:
            if not seen[info.org_id]:
                continue
            run, rules = runs.get(info.name), counts.get(info.name, 0)
            mark = score(run.facts, self.codes, card) if run is not None and rules else None
            hold = self.held(info.name, info.version) if rules else None
            found.append(Standing(info.name, info.org_id, rules, run, mark, hold))
        return sorted(found, key=lambda s: (s.hold is None, not s.rules, _total(s.score), s.table))

    def report(self, actor: Actor, table: str) -> Report:
        """Return how a table stands: its newest run, its score, how it went, and what keeps readers back."""
        info = self._table(actor, table)
        card = self._card()
        with self.db.read() as connection:
            store = RunStore(connection)
            runs, releases = store.of_table(info.name, 30), store.releases(info.name)
            newest = store.newest(info.name)
        marks = [(run.at, run.version, score(run.facts, self.codes, card).total) for run in reversed(runs)]
        mark = None if newest is None else score(newest.facts, self.codes, card)
        hold, served = self.held(info.name, info.version), self.runner.catalog.released(info.name)
        return Report(
            info.name,
            info.org_id,
            info.version,
            newest,
            mark,
            hold,
            marks,
            releases,
            None if served is None else served.table_version,
        )

    def published_score(self, table: str, version: int) -> tuple[Run, Score] | None:
        """Return the newest run on one version and its score, for the page of what is published; None where no rule was asked.

        Only the portal calls it, for the version that it shows, and tells indicators and counts of it.
        """
        with self.db.read() as connection:
            run = RunStore(connection).newest(table, version)
        if run is None or not any(fact.rule_id for fact in run.facts):
            return None
        return run, score(run.facts, self.codes, self._card())

    def scorecards(self, actor: Actor) -> Sequence[Scorecard]:
        """Return all versions of the scorecard, the one in force first; the last is the one that is shipped."""
        self.access.require(actor, Permission.QUALITY_RESULT_READ)
        with self.db.read() as connection:
            return [*RuleStore(connection).scorecards(), shipped()[0]]

    @staticmethod
    def presets() -> Sequence[Scorecard]:
        """Return weights met in practice, to begin from."""
        return shipped()

    def set_scorecard(self, actor: Actor, card: Scorecard, reason: str) -> Scorecard:
        """Put a new version of the scorecard in force; scores are computed anew from the raw facts.

        Raises:
            Invalid: no reason, an unknown code, or a weight that is none.

        """
        self.access.require(actor, Permission.QUALITY_SCORECARD_MANAGE)
        if not reason.strip():
            raise Invalid("请说明理由。", "A reason is needed.", code="reason_needed")
        check_weights(card.indicators, self.codes)
        check_weights(card.dimensions, {code[:2] for code in self.codes})
        if card.critical_cap is not None and not 0 <= card.critical_cap <= 100:  # noqa: PLR2004 - points
            raise Invalid("封顶分应在 0 到 100 之间。", "The cap lies between 0 and 100.", code="bad_weight")
        with self.db.begin() as tx:
            store = RuleStore(tx.connection)
            number = max(store.newest_scorecard(), shipped()[0].version) + 1
            made = replace(card, version=number, reason=reason.strip(), by=actor.id, at=self.clock.now())
            store.add_scorecard(made)
            detail: dict[str, JsonValue] = {
                "version": number,
                "dimensions": dict(made.dimensions),
                "indicators": dict(made.indicators),
                "critical_cap": made.critical_cap,
                "reason": made.reason,
            }
            self.evidence.record(tx, actor, "quality.scorecard", target=str(number), detail=detail)
        return made

    def preset(self, name: str) -> Scorecard:
        """Return shipped weights by their number or English name.

        Raises:
            NotFound: there are none.

        """
        for card in shipped():
            if name in {str(card.version), card.name.en, card.name.zh}:
                return card
        names = "、".join(card.name.zh for card in shipped())
        raise NotFound(f"没有这套权重。可用：{names}。", "There are no such weights.", code="preset_not_found")

    def _card(self) -> Scorecard:
        with self.db.read() as connection:
            found = RuleStore(connection).scorecards()
        return found[0] if found else shipped()[0]


def shipped() -> tuple[Scorecard, ...]:
    """Return the packaged scorecards, the default first."""
    cards: dict[str, dict[str, float]] = {}
    names: dict[str, Text] = {}
    caps: dict[str, float | None] = {}
    for row in packaged("scorecards"):
        names[row["id"]] = Text(row["name_zh"], row["name_en"])
        caps[row["id"]] = float(row["critical_cap"]) if row["critical_cap"] else None
        weights = cards.setdefault(row["id"], {})
        if row["code"]:
            weights[row["code"]] = float(row["weight"])
    return tuple(
        Scorecard(
            version=1 if number == 0 else -number,
            name=names[card],
            dimensions={code: weight for code, weight in weights.items() if len(code) == 2},  # noqa: PLR2004
            indicators={code: weight for code, weight in weights.items() if len(code) > 2},  # noqa: PLR2004
            critical_cap=caps[card],
        )
        for number, (card, weights) in enumerate(cards.items())
    )


def _total(mark: Score | None) -> float:
    return 101.0 if mark is None or mark.total is None else mark.total


def by_organisation(standings: Sequence[Standing]) -> Mapping[str, tuple[int, float | None]]:
    """Return per department how many tables are scored, and their mean."""
    marks: dict[str, list[float]] = {}
    for one in standings:
        if one.score is not None and one.score.total is not None and one.rules:
            marks.setdefault(one.org_id, []).append(one.score.total)
    return {org: (len(values), sum(values) / len(values)) for org, values in marks.items()}
