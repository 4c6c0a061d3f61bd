"""The gate for answers of services: the same grants, grades and masks as for tables, over rows that are not stored.

The rows of an answer stand as literals in the query tree that masks and filters them; nothing of them is written to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from beijiang.access import Permission
from beijiang.catalog import OpenType, Release
from beijiang.engine import QueryLimits
from beijiang.kit import Denied, NotFound, Refused, Throttled
from beijiang.protection.models.conditions import column_ref, conditions
from beijiang.protection.models.grades import Level, Personal
from beijiang.protection.models.masks import SQL_TYPES
from beijiang.protection.models.output import refuse_identifiers
from beijiang.protection.models.reference import exit_caps
from beijiang.protection.models.sight import Audience, Treatment
from beijiang.protection.models.sighting import sight_of
from beijiang.tables import Exit, GovernedColumn, Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.access import Access
    from beijiang.engine import Engine
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.granting import Granted
    from beijiang.protection.models.served import Served
    from beijiang.protection.models.sight import Sight
    from beijiang.protection.service.gate import Gate
    from beijiang.protection.service.grading import Protection
    from beijiang.tables import Filter

__all__ = ["AnswerGate", "GovernedAnswer"]

PIECE: Final = 200
"""Rows that are masked by one query; they stand in it as literals."""
_ROWS: Final = "answered"

Cells = Mapping[str, str | None]
"""One row, its values as text that fits the types of its columns."""


class GovernedAnswer:
    """A service as one actor may have its answer now; kept for one call."""

    def __init__(self, gate: AnswerGate, actor: Actor, served: Served, purpose: str, sight: Sight) -> None:
        self._gate = gate
        self._actor = actor
        self._served = served
        self._purpose = purpose
        self._sight = sight
        self.columns, self._expressions = gate.columns_of(sight, served)
        self.receipt = ""

    @property
    def grant(self) -> Granted:
        """Return the grant that the call is under."""
        assert self._sight.grant is not None  # noqa: S101 - made under a grant only
        return self._sight.grant

    @property
    def filtered(self) -> bool:
        """Tell whether the grant gives some rows only, so that nothing may be told of the others."""
        return bool(self._sight.row_filters)

    @property
    def purpose(self) -> str:
        """Return the purpose stated, or that of the grant."""
        return self._purpose or self.grant.purpose

    def admit_values(self, values: Mapping[str, str]) -> None:
        """Return if values that stand for fields lie within the rows of the grant.

        Raises:
            Refused: the grant does not cover them (``parameter_not_granted``); recorded.

        """
        for one in self._sight.row_filters:
            given = values.get(one.column)
            if given is not None and not self._gate.count(self._served, [{one.column: given}], [one]):
                self.refused("parameter_not_granted")
                raise Refused(
                    f"参数“{one.column}”的值不在授权的行范围内。请在授权条件之内查询，或申请变更授权。",
                    f'The value of "{one.column}" is outside the rows of the grant. Stay within its conditions, or ask for another grant.',
                    code="parameter_not_granted",
                    detail={"column": one.column},
                )

    def refused(self, reason: str) -> None:
        """Record that the call was refused after all."""
        self._gate.note_refusal(self._actor, self._served, self._purpose, {"reason": reason, "grant": self.grant.id})

    def open(self, detail: Mapping[str, JsonValue]) -> str:
        """Count the call and write the receipt, durable before anything is asked; return its id.

        Raises:
            Throttled: the calls of the day are used up, or the grant ended just now.

        """
        try:
            self._gate.take_call(self.grant.id)
        except Throttled as error:
            self.refused(error.reason)
            raise
        self.receipt = self._gate.record(self._actor, self._served, self.purpose, self._sight, self.columns, detail)
        return self.receipt

    def hand_over(self, rows: Sequence[Cells]) -> pa.Table:
        """Return the rows of an answer as the grant gives them: filtered, masked, without what is not granted.

        Raises:
            Denied: the right ended or changed while the service was asked (``access_ended``).
            Refused: an identity number stands where none was graded.
            Throttled: the grant does not cover so many rows today.

        """
        if not self._gate.still_holds(self._actor, self._served, self._purpose, self._sight):
            self._gate.refused(self.receipt, "access_ended")
            raise Denied(
                "访问权限在等待应答时已改变，应答没有交付。",
                "The right ended while the service was asked; its answer was not handed over.",
                code="access_ended",
            )
        found = self._gate.masked(self._served, rows[: exit_caps()[Exit.SERVICE].page_rows], self._sight, self._shown)
        refuse_identifiers(found, self._text_shown)
        if found.num_rows:
            self._take_rows(found.num_rows)
        self._gate.close(self.receipt, found.num_rows, found.nbytes)
        return found

    def _take_rows(self, rows: int) -> None:
        try:
            self._gate.take_rows(self.grant.id, rows)
        except Throttled as error:
            self._gate.refused(self.receipt, error.reason)
            raise

    def nothing(self) -> None:
        """Close the receipt of a call that gave nothing."""
        self._gate.close(self.receipt, 0, 0)

    def sent(self, digests: Mapping[str, str], size: int) -> None:
        """Add to the receipt what was asked and what was sent."""
        self._gate.sent(self.receipt, digests, size)

    @property
    def _shown(self) -> Mapping[str, exp.Expr]:
        return self._expressions

    @property
    def _text_shown(self) -> list[str]:
        raw = [c for c in self.columns if c.type == "text" and not c.masked]
        given = any(c.grade >= Level.L3 for c in raw)
        return [c.name for c in raw if not given or c.grade < Level.L3]


class AnswerGate:
    """Decide under which grant a service is called, and hand out just what it gives."""

    def __init__(self, gate: Gate, engine: Engine, protection: Protection, access: Access, evidence: Evidence) -> None:
        self._gate = gate
        self._engine = engine
        self._protection = protection
        self._access = access
        self._evidence = evidence

    def decide(self, actor: Actor, served: Served, purpose: str, grant: str = "") -> GovernedAnswer:
        """Return the service as the actor may call it; asked before any parameter is looked at.

        Raises:
            NotFound: no grant of the actor's opens it, which looks like an unknown service; recorded.

        """
        self._access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        sight = self._sight(actor, served, purpose, grant)
        if sight is None:
            self.note_refusal(actor, served, purpose, {})
            raise hidden()
        return GovernedAnswer(self, actor, served, purpose, sight)

    def held(self, actor: Actor, served: Served) -> list[Granted]:
        """Return the grants of an actor that open a service now."""
        grants = self._gate.grants
        if grants is None or actor.is_anonymous:
            return []
        found = [one for one in grants.held(actor, served.name) if Exit.SERVICE in one.exits]
        return found if found and self._access.allows(actor, Permission.PROTECTION_ROWS_READ_GRANTED) else []

    def check_filters(self, served: Served, filters: Sequence[Filter]) -> None:
        """Return if literal conditions fit the fields of a service.

        Raises:
            Invalid: unknown field, or a value that does not fit.

        """
        conditions(filters, _types(served))

    def still_holds(self, actor: Actor, served: Served, purpose: str, before: Sight) -> bool:
        """Tell whether a decision would be the same now."""
        now = self._sight(actor, served, purpose, before.grant.id if before.grant else "")
        return now is not None and now.digest == before.digest

    def _sight(self, actor: Actor, served: Served, purpose: str, grant: str) -> Sight | None:
        held = self.held(actor, served)
        if grant:
            held = [one for one in held if one.id == grant]
        elif any(one.purpose == purpose for one in held):
            held = [one for one in held if one.purpose == purpose]
        if not held:
            return None
        chosen = max(held, key=lambda one: len(one.items))
        release = Release(
            resource_id=served.resource_id,
            version_no=served.version,
            table=served.name,
            table_version=served.version,
            open_type=OpenType.NOT_OPEN,
            open_items=frozenset(),
            level=None,
            provider_id=served.provider_id,
            items=frozenset(one.column for one in served.fields),
        )
        sight = sight_of(_stand_in(served), Audience.GRANTED, served.grades(), (), (), release, chosen)
        return None if sight is None else replace(sight, table=served.name)

    def columns_of(self, sight: Sight, served: Served) -> tuple[tuple[GovernedColumn, ...], Mapping[str, exp.Expr]]:
        """Return the columns that are given, and the expression of each."""
        columns: list[GovernedColumn] = []
        expressions: dict[str, exp.Expr] = {}
        types = _types(served)
        for duty in sight.obligations:
            word, masked = types[duty.column], duty.treatment is Treatment.MASKED
            expressions[duty.column] = column_ref(duty.column)
            if masked:
                shown = self._protection.masker.apply(duty.grade.mask, column_ref(duty.column), word)
                expressions[duty.column], word = shown
            known = served.field(duty.column)
            columns.append(
                GovernedColumn(
                    name=duty.column,
                    type=word,
                    comment=known.comment if known else "",
                    grade=str(duty.grade.level),
                    kind=None if duty.grade.kind == "plain" else duty.grade.kind,
                    masked=masked,
                    mask=duty.mask if masked else None,
                    personal=duty.grade.personal is not Personal.NO,
                )
            )
        return self._gate.doubts.marked(served.resource_id, tuple(columns)), expressions

    def masked(
        self, served: Served, rows: Sequence[Cells], sight: Sight, expressions: Mapping[str, exp.Expr]
    ) -> pa.Table:
        """Return rows filtered and masked, a piece at a time."""
        import pyarrow as pa

        pieces = []
        for start in range(0, max(len(rows), 1), PIECE):
            shown = [exp.alias_(made.copy(), name, quoted=True, copy=False) for name, made in expressions.items()]
            query = exp.select(*shown, copy=False).from_(_relation(served, rows[start : start + PIECE]), copy=False)
            kept = conditions(sight.row_filters, _types(served))
            query = query if kept is None else query.where(kept, copy=False)
            pieces.append(self._engine.fetch(query, {}, QueryLimits()))
        return pa.concat_tables(pieces)

    def count(self, served: Served, rows: Sequence[Cells], filters: Sequence[Filter]) -> int:
        """Count the rows that satisfy conditions."""
        query = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(_relation(served, rows))
        kept = conditions(filters, _types(served))
        found = self._engine.fetch(query if kept is None else query.where(kept), {}, QueryLimits())
        return int(found.column(0)[0].as_py())

    def take_call(self, grant_id: str) -> None:
        """Count one call against a grant."""
        self._counted(lambda grants: grants.take_call(grant_id))

    def take_rows(self, grant_id: str, rows: int) -> None:
        """Count rows against a grant."""
        self._counted(lambda grants: grants.take_rows(grant_id, rows))

    def _counted(self, take: Callable[[Any], None]) -> None:
        if self._gate.grants is not None:
            take(self._gate.grants)

    def record(
        self,
        actor: Actor,
        served: Served,
        purpose: str,
        sight: Sight,
        columns: Sequence[GovernedColumn],
        detail: Mapping[str, JsonValue],
    ) -> str:
        """Write the receipt of a call."""
        grant = sight.grant
        receipt = self._evidence.record_read(
            actor,
            exit=str(Exit.SERVICE),
            target=served.name,
            version=served.version,
            policy=self._access.policy,
            columns=[column.name for column in columns],
            rows=None,
            grade=sight.grade,
            purpose=purpose,
            detail={
                "audience": str(sight.audience),
                "obligations": sight.digest,
                "masked": [c.name for c in columns if c.masked],
                **self._gate.doubts.noted(columns),
                **({"grant": grant.id, "approvers": [*grant.approvers]} if grant else {}),
                **detail,
            },
        )
        self._gate.doubts.keep(receipt, columns)
        return receipt

    def note_refusal(self, actor: Actor, served: Served, purpose: str, detail: Mapping[str, JsonValue]) -> None:
        """Record a call that was refused."""
        self._evidence.record_read(
            actor,
            exit=str(Exit.SERVICE),
            target=served.name,
            version=None,
            policy=self._access.policy,
            columns=(),
            rows=0,
            grade="",
            purpose=purpose,
            decision="deny",
            detail=detail,
        )

    def close(self, receipt: str, rows: int, size: int) -> None:
        """Add to a receipt how much was given."""
        self._evidence.close_read(receipt, rows, size)

    def refused(self, receipt: str, reason: str) -> None:
        """Add to a receipt that the answer was not handed over."""
        self._evidence.refuse_read(receipt, reason)

    def sent(self, receipt: str, digests: Mapping[str, str], size: int) -> None:
        """Add digests to a receipt."""
        self._evidence.note_sent(receipt, digests, size)


def hidden() -> NotFound:
    """Return the error for a service that is unknown or not the actor's to call; both look the same."""
    return NotFound(
        "没有这个服务接口，或者您没有调用它的授权。请在“服务接口”中查找，并在目录中申请“服务接口”方式的授权。",
        "There is no such service, or you have no grant to call it. Look under Services, and ask for a grant by the way service.",
        code="service_not_found",
    )


def _types(served: Served) -> dict[str, str]:
    return {one.column: one.type for one in served.fields}


def _stand_in(served: Served) -> Snapshot:
    """Return what the rules of sight ask of a version; there are no files behind it."""
    import pyarrow as pa

    return Snapshot(
        table=served.name,
        table_id=served.name,
        version=served.version,
        files=(),
        schema=pa.schema([pa.field(one.column, pa.string()) for one in served.fields]),
        rows=0,
        bytes=0,
        written_at=served.at,
        delta_version=0,
    )


def _relation(served: Served, rows: Sequence[Cells]) -> exp.Expr:
    """Return rows as a relation of typed columns; every value is a literal of the tree."""
    types = _types(served)
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(types)
    blank = rows or [dict.fromkeys(names)]
    lines = [exp.Tuple(expressions=[_cell(row.get(name)) for name in names]) for row in blank]
    places = [f"c{number}" for number in range(len(names))]
    values = exp.Values(
        expressions=lines,
        alias=exp.TableAlias(this=exp.to_identifier(_ROWS), columns=[exp.to_identifier(place) for place in places]),
    )
    typed = [
        exp.alias_(
            exp.cast(exp.column(place), SQL_TYPES.get(types[name], "VARCHAR"), copy=False, dialect="duckdb"),
            name,
            quoted=True,
            copy=False,
        )
        for place, name in zip(places, names, strict=True)
    ]
    query = exp.select(*typed, copy=False).from_(values, copy=False)
    return (query if rows else query.where(exp.false(), copy=False)).subquery("typed", copy=False)


def _cell(value: str | None) -> exp.Expr:
    return exp.null() if value is None else exp.Literal.string(value)
