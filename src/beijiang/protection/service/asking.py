"""What may be asked and not had: whether values stand together in a row, and how many rows meet conditions.

A part of ``Gate``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.kit import Invalid, Refused
from beijiang.protection.models.conditions import conditions
from beijiang.protection.models.reference import exit_caps, release_limits
from beijiang.protection.models.releases import Limits
from beijiang.protection.models.sight import Audience, Obligation, Sight, Treatment
from beijiang.protection.models.sighting import version_for
from beijiang.protection.service.deciding import Ask, Deciding, hidden
from beijiang.protection.service.relation import Governed
from beijiang.protection.service.ruling import visible_types
from beijiang.tables import Exit, Filter, FilterOp

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.grades import ColumnGrade
    from beijiang.protection.models.granting import CountBefore, Granted
    from beijiang.protection.models.sight import RowRule
    from beijiang.tables import Snapshot

__all__ = ["Asking", "Counted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The answer to a count."""

    count: int | None
    """None: fewer than ``least``, none at all included."""
    least: int
    version: int
    """Of which version it is."""
    receipt: str


class Asking(Deciding):
    """Verify and count: query-only exits."""

    def verify(self, actor: Actor, table: str, values: Mapping[str, str], purpose: str) -> tuple[bool, str]:
        """Tell whether some row holds these values together, and the id of the receipt; no value leaves.

        Only under a grant that opens this exit, and only for exactly its items: one value less would tell who is in a
        table, one more would ask for something else. True values are compared, of every grade: usable, not visible.

        Raises:
            NotFound: unknown, forbidden, or no such grant.
            Invalid: other items than those of the grant, or a value that does not fit.
            Throttled: the calls of the day are used up.

        """
        grant, number, grades, rules = self._opened(actor, table, purpose, Exit.VERIFY)
        columns = [item.column for item in grant.items]
        if set(values) != set(columns):
            raise Invalid(
                f"核验要同时给出：{'、'.join(columns)}。",
                f"A verification gives all of: {', '.join(columns)}.",
                code="verify_items",
            )
        snapshot, sight = self._unseen(table, number, grant, grades, rules)
        return self._compared(actor, snapshot, sight, values, purpose)

    def _compared(
        self, actor: Actor, snapshot: Snapshot, sight: Sight, values: Mapping[str, str], purpose: str
    ) -> tuple[bool, str]:
        asked = [Filter(name, FilterOp.EQ, value) for name, value in values.items()]
        conditions(asked, visible_types(snapshot))
        self._count_call(actor, sight, purpose, Exit.VERIFY)
        governed = self._recorded(actor, snapshot, sight, list(values), (purpose, Exit.VERIFY))
        return governed.count(asked) > 0, governed.receipt

    def count(self, actor: Actor, table: str, filters: Sequence[Filter], purpose: str) -> Counted:
        """Tell how many rows meet conditions on items of a grant; no value leaves, and no small group can be told.

        A number below the dated threshold is not told. One is refused where it could be held against an earlier answer to the
        same department: where the rows that meet one of both, and not the other, are some, but fewer than the threshold. The
        whole table counts as asked. Where a question comes again and the rows changed by fewer, the old answer stands.

        Raises:
            NotFound: unknown, forbidden, or no such grant.
            Invalid: a condition on something that is no item of the grant, or a value that does not fit.
            Refused: it could be held against an earlier answer (``count_overlap``), or too many questions were asked.
            Throttled: the calls of the day are used up.

        """
        grant, number, grades, rules = self._opened(actor, table, purpose, Exit.COUNT)
        columns = [item.column for item in grant.items]
        strange = [one.column for one in filters if one.column not in columns]
        if strange:
            raise Invalid(
                f"只能按授权的数据项统计：{'、'.join(columns)}。",
                f"Conditions may be on the items of the grant: {', '.join(columns)}.",
                code="count_items",
                detail={"columns": [*strange]},
            )
        snapshot, sight = self._unseen(table, number, grant, grades, rules)
        conditions(filters, visible_types(snapshot))
        self._count_call(actor, sight, purpose, Exit.COUNT)
        grants = self.grants
        assert grants is not None  # noqa: S101 - a grant was found
        question, before = grants.ask_count(grant.id, snapshot.table, filters)
        told: int | None = None
        try:
            governed = self._recorded(actor, snapshot, sight, columns, (purpose, Exit.COUNT))
            counted = self._told(governed, filters, before)
            told = counted.count
            return counted
        finally:
            grants.answer_count(question, snapshot.version, told)

    def _told(self, governed: Governed, filters: Sequence[Filter], before: Sequence[CountBefore]) -> Counted:
        least = Limits.on(self._protection.today(), "shared", list(release_limits())).values["cell"]
        found, others = governed.overlaps(filters, [(), *(one.filters for one in before)])
        receipt = governed.receipt
        if found < least:
            return Counted(count=None, least=least, version=governed.version, receipt=receipt)
        if any(0 < differs < least for differs in others):
            raise Refused(
                "这个数可以与以前的答复相减，推算出少数人的情况，因此不予答复。请换更大的范围。",
                "This number could be held against an earlier answer to tell of a few; it is not given. Ask about more.",
                code="count_overlap",
                detail={"least": least, "receipt": receipt},
            )
        same = [one for one, differs in zip(before, others[1:], strict=True) if not differs and one.told is not None]
        for one in same:
            if one.told is not None and one.told != found and abs(one.told - found) < least:
                return Counted(count=one.told, least=least, version=one.version, receipt=receipt)
        return Counted(count=found, least=least, version=governed.version, receipt=receipt)

    # Shared by both

    def _opened(
        self, actor: Actor, table: str, purpose: str, exit_: Exit
    ) -> tuple[Granted, int, Mapping[str, ColumnGrade], Sequence[RowRule]]:
        """Return the grant that opens the exit, the version that is asked, and what binds its readers.

        Raises:
            NotFound: unknown, forbidden, or no such grant.

        """
        facts, grades, rules, _ = self._protection.view_of(table)
        release = self._catalog.released(table)
        grant = self._grant(actor, facts, release, Ask(exit_, purpose))
        number = None if facts is None else version_for(Audience.GRANTED, facts.version, release, None)
        if grant is None or number is None:
            self._note_refusal(actor, table, purpose, exit_, {})
            raise hidden(table)
        return grant, number, grades, rules

    def _unseen(
        self, table: str, number: int, grant: Granted, grades: Mapping[str, ColumnGrade], rules: Sequence[RowRule]
    ) -> tuple[Snapshot, Sight]:
        """Return the sight in which values are compared and counted as they are, and none is handed over."""
        snapshot, columns = self._lake.snapshot(table, number), [item.column for item in grant.items]
        if any(name not in snapshot.schema.names or name not in grades for name in columns):
            raise hidden(table)
        return snapshot, Sight(
            audience=Audience.GRANTED,
            table=snapshot.table,
            version=number,
            obligations=tuple(Obligation(name, grades[name], Treatment.RAW) for name in columns),
            withheld=(),
            row_filters=(
                *(f for rule in rules if rule.binds(Audience.GRANTED) for f in rule.filters),
                *grant.row_filters,
            ),
            grant=grant,
        )

    def _recorded(
        self, actor: Actor, snapshot: Snapshot, sight: Sight, columns: Sequence[str], asked: tuple[str, Exit]
    ) -> Governed:
        """Write the receipt, which names the items and never what they were held against, and return the relation."""
        (purpose, exit_), grant = asked, sight.grant
        detail: dict[str, JsonValue] = {} if grant is None else {"grant": grant.id, "approvers": [*grant.approvers]}
        receipt = self._evidence.record_read(
            actor,
            exit=str(exit_),
            target=snapshot.table,
            version=snapshot.version,
            policy=self._access.policy,
            columns=list(columns),
            rows=None,
            grade=sight.grade,
            purpose=purpose or (grant.purpose if grant else ""),
            detail=detail,
        )
        shown, expressions = self._make_columns(snapshot, sight, made=False)
        return Governed(
            tools=self._tools,
            snapshot=snapshot,
            sight=sight,
            columns=shown,
            expressions=expressions,
            caps=exit_caps()[exit_],
            receipt=receipt,
            still_allowed=lambda: False,
        )
