"""Suggested rules: what a table might be meant to meet, which rows would break it, and what becomes of a suggestion."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import Conflict, Denied, Invalid, NotFound, Text, Throttled, new_id
from beijiang.quality.models import Declined, Rule
from beijiang.quality.service.evident import Evident
from beijiang.quality.service.failing import Breaking
from beijiang.quality.service.ruling import Ruling, need_reason, revision_of
from beijiang.quality.service.suggesting import Suggestions
from beijiang.quality.service.waiting import Patience
from beijiang.quality.store import RuleStore
from beijiang.tables import Exit

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.quality.models import RuleDraft
    from beijiang.quality.service.suggesting import Suggestion
    from beijiang.tables import GovernedTable, Measured, TableInfo

__all__ = ["Proposing"]

UNSEEN: Final = Text(
    "您现在看不到这一版的行（刚写入的版本要先分级），这里只有按列名、标准和计数推荐的规则，稍后再看会更多。",
    "You cannot see the rows of this version now (one just written is graded first), so these come from names, standards and counts alone; look again later for more.",
)
CUT: Final = Text(
    "表较大，在限定的时间内没有看完全部列和相关的表，这里是已算出的推荐；其他规则请手工新增。",
    "The table is large: not all columns and other tables were looked at in the time there is. These are the suggestions that were counted; add other rules by hand.",
)
KEPT_MINUTES: Final = 10
SHOWN_MOST: Final = 200
"""Rows that would break a suggested rule, on a page."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What suggestions are made of, and a key that changes with any of it."""

    table: Measured
    governed: GovernedTable | None
    rules: Sequence[Rule]
    near: Sequence[str]
    year: int
    key: Hashable


class Proposing(Ruling):
    """What might be asked of each table."""

    def suggest(self, actor: Actor, table: str) -> Sequence[Suggestion]:
        """Return rules that the table might be meant to meet, with how it does by them now; none that was declined."""
        return list(self.suggestions(actor, table).found)

    def suggestions(self, actor: Actor, table: str) -> Suggestions:
        """Return the same, and what could not be looked at."""
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        measured = self.runner.version(info.name)
        asked = self._asked(actor, info, measured)
        known = self.suggester.known.get(asked.key, lambda: self._look(asked))
        with self.db.read() as connection:
            declined = {one.subject for one in RuleStore(connection).declined(info.name)}
        return replace(known, found=tuple(one for one in known.found if one.subject not in declined))

    def suggestion(self, actor: Actor, table: str, key: str) -> Suggestion:
        """Return one suggestion, by its key.

        Raises:
            Conflict: it is none any more (``suggestions_changed``).

        """
        return self._chosen(self.suggest(actor, table), {key})[0]

    def breaking(self, actor: Actor, table: str, key: str) -> Breaking:
        """Return the rows that would break a suggested rule, through the gate: masked and filtered for this reader.

        Raises:
            Conflict: it is no suggestion any more (``suggestions_changed``).
            Invalid: it judges the table as a whole (``no_rows_to_blame``).

        """
        info = self._table(actor, table, Permission.QUALITY_ROWS_READ)
        one = self.suggestion(actor, table, key)
        if not one.shows_rows:
            raise Invalid(
                "这条规则评判的是整张表，没有单独的问题行。",
                "This rule judges the table as a whole; there are no single rows to blame.",
                code="no_rows_to_blame",
            )
        measured = self.runner.version(info.name)
        governed = self.tables.open(actor, info.name, "quality:suggest", Exit.QUALITY, measured.version)
        places = self.runner.places(measured, one.draft, SHOWN_MOST, self.suggester.seconds)
        return Breaking(one, measured.version, governed, governed.rows_at(places), len(places), SHOWN_MOST)

    def accept(self, actor: Actor, table: str, keys: Collection[str] | None = None) -> Sequence[Rule]:
        """Put suggestions in force, those of the ``keys`` or all; they were counted when they were made, and are not again.

        Raises:
            Conflict: a suggestion that was chosen is none any more (``suggestions_changed``).

        """
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        found = self.suggest(actor, table)
        chosen = found if keys is None else self._chosen(found, keys)
        drafts = [(self._complete(actor, info, one.draft), one.why.zh) for one in chosen]
        return self._add(
            actor, [revision_of(draft, new_id("qr"), info.name, 1, actor, why, self) for draft, why in drafts]
        )

    def decline(self, actor: Actor, table: str, keys: Collection[str], reason: str) -> Sequence[Declined]:
        """Say that suggestions are not meant: nothing of these kinds about these columns is suggested again.

        Raises:
            Conflict: a suggestion that was chosen is none any more (``suggestions_changed``).
            Invalid: no reason.

        """
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        need_reason(reason)
        chosen = self._chosen(self.suggest(actor, table), keys)
        words, at = reason.strip()[:1000], self.clock.now()
        made = [
            Declined(info.name, one.subject, one.draft.kind, one.draft.columns, words, actor.id, at) for one in chosen
        ]
        with self.db.begin() as tx:
            store = RuleStore(tx.connection)
            for one in made:
                if store.decline(one):
                    self._record(tx, actor, "quality.suggestion_decline", one)
        return made

    def declined(self, actor: Actor, table: str) -> Sequence[Declined]:
        """Return what was declined for a table, newest first, with who said so and why."""
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        with self.db.read() as connection:
            return RuleStore(connection).declined(info.name)

    def offer_again(self, actor: Actor, table: str, subject: str) -> Declined:
        """Let something that was declined be suggested again.

        Raises:
            NotFound: nothing of this subject was declined (``not_declined``).

        """
        info = self._table(actor, table, Permission.QUALITY_RULE_MANAGE)
        with self.db.begin() as tx:
            store = RuleStore(tx.connection)
            one = next((one for one in store.declined(info.name) if one.subject == subject), None)
            if one is None:
                raise NotFound(
                    "没有这条已谢绝的推荐，请刷新列表。",
                    "No such suggestion was declined; look at the list again.",
                    code="not_declined",
                )
            store.offer_again(info.name, subject)
            self._record(tx, actor, "quality.suggestion_offer", one)
        return one

    def _record(self, tx: UnitOfWork, actor: Actor, what: str, one: Declined) -> None:
        detail: dict[str, JsonValue] = {"kind": one.kind.value, "columns": list(one.columns), "reason": one.reason}
        self.evidence.record(tx, actor, what, target=one.table, detail=detail)

    @staticmethod
    def _chosen(found: Sequence[Suggestion], keys: Collection[str]) -> Sequence[Suggestion]:
        chosen = [one for one in found if one.key in keys]
        if len(chosen) < len(set(keys)):
            raise Conflict(
                "推荐已有变化，请重新查看。",
                "The suggestions have changed; look at them again.",
                code="suggestions_changed",
            )
        return chosen

    def _seen(self, actor: Actor, info: TableInfo, measured: Measured) -> GovernedTable | None:
        """Return the version as this actor may see it; None where they may manage rules and not look, or not yet."""
        try:
            return self.tables.open(actor, info.name, "quality:suggest", Exit.CHART, measured.version)
        except (NotFound, Denied, Throttled):
            return None

    def _asked(self, actor: Actor, info: TableInfo, measured: Measured) -> _Asked:
        governed = self._seen(actor, info, measured)
        now = self.clock.now().astimezone(self.runner.zone)
        near, rules = tuple(self._near(actor, info)), self.rules(actor, info.name)
        shown = None if governed is None else (governed.obligations, governed.columns)
        # Standards and other tables change too: what was found is told for minutes and no longer.
        until = (now.date(), now.hour, now.minute // KEPT_MINUTES)
        cycle = self.runner.catalog.cycle_of(info.name)
        ruled = tuple((one.id, one.revision) for one in rules)
        key = (info.name, measured.version, ruled, shown, near, cycle, until)
        return _Asked(measured, governed, rules, near, now.year, key)

    def _look(self, asked: _Asked) -> Suggestions:
        """Look at the rows for half of the time, and count what they suggest with what is left."""
        whole, half = Patience(self.suggester.seconds), Patience(self.suggester.seconds / 2)
        evident: Iterable[tuple[RuleDraft, Text]] = ()
        if asked.governed is not None:
            evident = Evident(self.runner, asked.table, asked.governed, asked.near, asked.year, half).candidates()
        found = self.suggester.suggest(asked.table, asked.rules, whole, evident)
        notes = [UNSEEN] if asked.governed is None else []
        if whole.lost or half.lost:
            notes.append(CUT)
        return Suggestions(tuple(found), tuple(notes))

    def _near(self, actor: Actor, info: TableInfo) -> list[str]:
        """Return the other tables of the same department: a rule may look into them."""
        return [one.name for one in self.tables.list(actor) if one.org_id == info.org_id and one.name != info.name]
