"""What may be asked and not had: whether values stand together in a row, and how many rows meet conditions.

A part of ``Gate``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from beijiang.kit import BeijiangError, Invalid
from beijiang.protection.models.conditions import conditions
from beijiang.protection.models.delivery import salted
from beijiang.protection.models.grades import Level, higher
from beijiang.protection.models.granting import CountAsked
from beijiang.protection.models.private import MICRO
from beijiang.protection.models.reference import exit_caps, release_limits
from beijiang.protection.models.releases import Limits
from beijiang.protection.models.sight import Audience, Obligation, Sight, Treatment
from beijiang.protection.models.sighting import version_for
from beijiang.protection.service.deciding import Ask, Deciding, hidden
from beijiang.protection.service.noise import add_noise
from beijiang.protection.service.relation import Governed
from beijiang.protection.service.ruling import visible_types
from beijiang.tables import Exit, Filter, FilterOp

if TYPE_CHECKING:
    from beijiang.catalog import Release
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.grades import ColumnGrade
    from beijiang.protection.models.granting import Granted
    from beijiang.protection.models.sight import RowRule
    from beijiang.tables import Snapshot

__all__ = ["Asking", "Counted", "Verified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The answer to a verification."""

    match: bool
    receipt: str
    salt: str
    """Goes into the digests of question and answer; told to whoever asked, and kept nowhere."""
    in_doubt: tuple[str, ...] = ()
    """Items of the grant that are being looked into (校核)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The answer to a count."""

    count: int | None
    """About so many; None: fewer than ``least``, none at all included."""
    least: int
    version: int
    """Of which version it is."""
    receipt: str
    salt: str
    """Goes into the digests of question and answer; told to whoever asked, and kept nowhere."""
    in_doubt: tuple[str, ...] = ()
    """Items of the grant that are being looked into (校核)."""


class Asking(Deciding):
    """Verify and count: query-only exits."""

    def verify(self, actor: Actor, table: str, values: Mapping[str, str], purpose: str) -> Verified:
        """Tell whether some row holds these values together, with what proves it; no value leaves.

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
        refuse = partial(self._hidden, actor, table, purpose, Exit.VERIFY)
        snapshot, sight = self._unseen(table, number, (grant, grades, rules), refuse)
        return self._compared(actor, snapshot, sight, values, purpose)

    def _compared(
        self, actor: Actor, snapshot: Snapshot, sight: Sight, values: Mapping[str, str], purpose: str
    ) -> Verified:
        asked = [Filter(name, FilterOp.EQ, value) for name, value in values.items()]
        conditions(asked, visible_types(snapshot))
        self._count_call(actor, sight, purpose, Exit.VERIFY)
        governed = self._recorded(actor, snapshot, sight, list(values), (purpose, Exit.VERIFY))
        match = governed.count(asked) > 0
        proof = salted({"table": snapshot.table, "values": values}, {"match": match})
        governed.delivered(proof.digests, proof.size)
        return Verified(match=match, receipt=governed.receipt, salt=proof.salt, in_doubt=governed.in_doubt)

    def count(self, actor: Actor, table: str, filters: Sequence[Filter], purpose: str) -> Counted:
        """Tell about how many rows meet conditions on items of a grant; no value leaves, and nothing about one person.

        Each answer has noise of the discrete Laplace mechanism, whose scale is the dated threshold: with and without any one
        row it is nearly as likely. A number below the threshold is not told. The same question about the same version has the
        same answer, and a department asks a limited number of different ones of a table, so that noise is not averaged away.

        Raises:
            NotFound: unknown, forbidden, or no such grant.
            Invalid: a condition on something that is no item of the grant, or a value that does not fit.
            Refused: too many different questions were asked of the table (``count_many``).
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
        refuse = partial(self._hidden, actor, table, purpose, Exit.COUNT)
        snapshot, sight = self._unseen(table, number, (grant, grades, rules), refuse)
        conditions(filters, visible_types(snapshot))
        self._count_call(actor, sight, purpose, Exit.COUNT)
        grants = self.grants
        assert grants is not None  # noqa: S101 - a grant was found
        asked = CountAsked(snapshot.table, snapshot.version, (*sight.row_filters, *filters))
        told = grants.counted(grant.id, asked)
        governed = self._recorded(actor, snapshot, sight, columns, (purpose, Exit.COUNT))
        least = Limits.on(self._protection.today(), "shared", list(release_limits())).values["cell"]
        if told is not None:
            self._evidence.close_read(governed.receipt, 0, 0)
        else:
            noisy = max(0, add_noise([governed.count(filters)], 1, MICRO // least)[0])
            try:
                told = grants.keep_count(grant.id, asked, noisy)
            except BeijiangError as error:
                governed.refused(error.reason)
                raise
        count = None if told < least else told
        where = sorted([one.column, str(one.op), "" if one.value is None else str(one.value)] for one in filters)
        proof = salted({"table": snapshot.table, "where": where}, {"count": count, "version": snapshot.version})
        governed.delivered(proof.digests, proof.size)
        return Counted(
            count=count,
            least=least,
            version=snapshot.version,
            receipt=governed.receipt,
            salt=proof.salt,
            in_doubt=governed.in_doubt,
        )

    # Shared by both

    def _opened(
        self, actor: Actor, table: str, purpose: str, exit_: Exit, named: str = ""
    ) -> tuple[Granted, int, Mapping[str, ColumnGrade], Sequence[RowRule]]:
        """Return the grant that opens the exit, the version that is asked, and what binds its readers.

        Raises:
            NotFound: unknown, forbidden, or no such grant.

        """
        facts, grades, rules, *_ = self._protection.view_of(table)
        release = self._catalog.released(table)
        grant = self._grant(actor, facts, release, Ask(exit_, purpose, named))
        number = None if facts is None else version_for(Audience.GRANTED, facts.version, release, None)
        offered = frozenset() if release is None else _offered(release)
        if release is not None and release.then is not None:
            offered &= _offered(release.then)
            rules = [*{rule.id: rule for rule in (*rules, *self._rules_then(table, release.then, rules))}.values()]
            grades = {name: _as_then(grade, release.then) for name, grade in grades.items()}
        gone = grant is not None and any(item.column not in offered for item in grant.items)
        if grant is None or number is None or gone:
            raise self._hidden(actor, table, purpose, exit_)
        return grant, number, grades, rules

    def _hidden(self, actor: Actor, table: str, purpose: str, exit_: Exit) -> BeijiangError:
        """Record the refusal, and return it."""
        self._note_refusal(actor, table, purpose, exit_, {})
        return hidden(table)

    def _unseen(
        self,
        table: str,
        number: int,
        bound: tuple[Granted, Mapping[str, ColumnGrade], Sequence[RowRule]],
        refuse: Callable[[], BeijiangError],
    ) -> tuple[Snapshot, Sight]:
        """Return the sight in which values are compared and counted as they are, and none is handed over."""
        grant, grades, rules = bound
        snapshot, columns = self._lake.snapshot(table, number), [item.column for item in grant.items]
        if any(name not in snapshot.schema.names or name not in grades for name in columns):
            raise refuse()
        if any(not item.holds_for(grades[item.column].level) for item in grant.items):
            raise refuse()  # what rose since was not decided on
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
        shown, expressions = self._make_columns(snapshot, sight, made=False)
        shown = self.doubts.marked(snapshot.table, shown)
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
            detail={**detail, **self.doubts.noted(shown)},
        )
        self.doubts.keep(receipt, shown)
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


def _offered(release: Release) -> frozenset[str]:
    return (release.items - release.refused_items) | release.shared_items | release.open_items


def _as_then(grade: ColumnGrade, then: Release) -> ColumnGrade:
    """Return a grade, at the level that was reviewed with the version if that is higher."""
    level = higher(grade.level, Level(then.grades.get(grade.column, (grade.level, ""))[0]))
    return replace(grade, level=level)
