"""THE GATE: the one way from a table to rows that leave the platform, for every exit and from the first line."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, TypeAlias

from beijiang.access import Permission
from beijiang.engine.port import View
from beijiang.kit import ActorKind, BeijiangError, Invalid, NotFound, Throttled
from beijiang.protection.models.choices import KEYED, TYPES
from beijiang.protection.models.conditions import column_ref, conditions
from beijiang.protection.models.reference import exit_caps
from beijiang.protection.models.results import Seen
from beijiang.protection.models.sight import Audience, Obligation, Sight, Treatment
from beijiang.protection.models.sighting import sight_of, version_for
from beijiang.protection.models.standing import Asked, Standing
from beijiang.protection.models.treatments import suppressed, treated
from beijiang.protection.models.types import comment_of, type_word
from beijiang.protection.service.keyed import column_of
from beijiang.protection.service.recent import REMEMBERED, Recent
from beijiang.protection.service.relation import Governed, Tools, access_ended
from beijiang.protection.service.ruling import visible_types
from beijiang.protection.service.tokens import PageTokens
from beijiang.tables import DELIVERIES, Exit, Filter, FilterOp, GovernedColumn

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

    from beijiang.access import Access
    from beijiang.catalog import Catalog, Release
    from beijiang.engine import Engine
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.delivery import DeliveryTerms
    from beijiang.protection.models.granting import Granted, Grants
    from beijiang.protection.service.grading import Protection
    from beijiang.protection.store import TableFacts
    from beijiang.settings import Settings
    from beijiang.tables import Lake, Snapshot

__all__ = ["Gate"]

Shown: TypeAlias = "tuple[tuple[GovernedColumn, ...], dict[str, exp.Expr]]"

NAME_SHOWN: Final = 60
_FOLD: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class _Ask:
    """By which exit rows are wanted, for what, and under which grant if one is named."""

    exit: Exit | None = None
    purpose: str = ""
    grant: str = ""


class Gate:
    """Decide by policy, grade and release state what an actor may see of a table, and hand out just that."""

    def __init__(
        self,
        lake: Lake,
        engine: Engine,
        catalog: Catalog,
        protection: Protection,
        access: Access,
        evidence: Evidence,
        settings: Settings,
    ) -> None:
        self._lake = lake
        self._engine = engine
        self._catalog = catalog
        self._protection = protection
        self._access = access
        self._evidence = evidence
        self._settings = settings
        self._shown: Recent[Shown] = Recent(REMEMBERED)
        self._schemas: Recent[pa.Schema] = Recent(REMEMBERED)
        self.terms: DeliveryTerms | None = None
        """Asked before a delivery; set in build.py."""
        self.grants: Grants | None = None
        """Asked at every access of a reader who is neither owner nor reviewer; set in build.py."""
        self.earlier: Callable[[str, str], frozenset[int]] | None = None
        """The versions of a resource's table that its readers had and may go back to in a share; set in build.py."""

    def open(
        self,
        actor: Actor,
        table: str,
        purpose: str,
        exit: Exit,  # noqa: A002 - the word of the house for a way out
        version: int | None = None,
        grant: str = "",
    ) -> Governed:
        """Return the governed table and record the access; the receipt is durable before any row is read.

        Outsiders get the released version only; the owner gets the newest version that has been graded. ``grant`` names the
        grant to read under, and no other.

        Raises:
            NotFound: unknown or forbidden, which look the same (``table_not_found``).

        """
        return self.admit(actor, table, purpose, exit, version, {}, grant)

    def admit(
        self,
        actor: Actor,
        table: str,
        purpose: str,
        exit: Exit,  # noqa: A002
        version: int | None,
        detail: Mapping[str, JsonValue],
        grant: str = "",
    ) -> Governed:
        """Open a table with further facts for the receipt; for the platform's own exits.

        Raises:
            NotFound: unknown or forbidden.
            Conflict: a delivery of a version that breaks its contract (``contract_breached``).
            Throttled: the grant that it is read under is used up for today.

        """
        ask = _Ask(exit, purpose, grant)
        decided = self._decide(actor, table, version, ask)
        if decided is None:
            self._note_refusal(actor, table, purpose, exit, detail)
            raise _hidden(table)
        sight, snapshot = decided
        contract = self._contract(actor, snapshot, purpose, exit)
        self._count_call(actor, sight, purpose, exit)
        asked = Asked(table=table, exit=exit, purpose=purpose, grant=grant, version=version)
        return self._handed(actor, asked, (sight, snapshot), contract, detail)

    def standing(self, actor: Actor, asked: Asked) -> Standing | None:
        """Return what an actor would see of a table by an exit, without any row; None for unknown and forbidden alike."""
        decided = self._decide(actor, asked.table, asked.version, _ask(asked))
        if decided is None:
            return None
        sight, snapshot = decided
        snapshot, made = self._with_keyed(snapshot, sight)
        columns, expressions = self._columns(snapshot, sight, made=made)
        governed = self._unread(snapshot, sight, (columns, expressions), asked.exit)
        digest = sight.digest
        return Standing(
            table=snapshot.table,
            version=snapshot.version,
            written_at=snapshot.written_at,
            obligations=digest,
            columns=columns,
            grant=sight.grant.id if sight.grant else "",
            schema=self._schemas.get((snapshot.table_id, snapshot.delta_version, digest, made), governed.schema),
        )

    def holds(self, actor: Actor, asked: Asked, obligations: str | None = None) -> bool:
        """Tell whether the actor would see exactly what the obligations say, now; without them, anything at all."""
        decided = self._decide(actor, asked.table, asked.version, _ask(asked))
        return decided is not None and obligations in {None, decided[0].digest}

    def renew(self, actor: Actor, asked: Asked, obligations: str, detail: Mapping[str, JsonValue]) -> Governed:
        """Open a table again to go on with what was opened before; recorded, and not counted as another call.

        Raises:
            Denied: the right ended or changed meanwhile (``access_ended``).
            Throttled: more was had under the grant today than it allows now.

        """
        decided = self._decide(actor, asked.table, asked.version, _ask(asked))
        if decided is None or decided[0].digest != obligations:
            self._note_refusal(actor, asked.table, asked.purpose, asked.exit, {"reason": "access_ended", **detail})
            raise access_ended()
        sight, snapshot = decided
        contract = self._contract(actor, snapshot, asked.purpose, asked.exit)
        if self.grants is not None and sight.grant is not None:
            try:
                self.grants.within(sight.grant.id)
            except Throttled as error:
                self._note_refusal(actor, sight.table, asked.purpose, asked.exit, {"reason": error.reason, **detail})
                raise
        return self._handed(actor, asked, decided, contract, detail)

    def _handed(
        self,
        actor: Actor,
        asked: Asked,
        decided: tuple[Sight, Snapshot],
        contract: str,
        detail: Mapping[str, JsonValue],
    ) -> Governed:
        """Write the receipt and return what was decided on."""
        sight, snapshot = decided
        snapshot, made = self._with_keyed(snapshot, sight)
        columns, expressions = self._columns(snapshot, sight, made=made)
        receipt = self._evidence.record_read(
            actor,
            exit=str(asked.exit),
            target=snapshot.table,
            version=snapshot.version,
            policy=self._access.policy,
            columns=[column.name for column in columns],
            rows=None,
            grade=sight.grade,
            purpose=asked.purpose or (sight.grant.purpose if sight.grant else ""),
            detail={
                "audience": str(sight.audience),
                "obligations": sight.digest,
                "masked": [c.name for c in columns if c.masked],
                **({"contract": contract} if contract else {}),
                **({"grant": sight.grant.id, "approvers": [*sight.grant.approvers]} if sight.grant else {}),
                **detail,
            },
        )
        return Governed(
            tools=self._tools,
            snapshot=snapshot,
            sight=sight,
            columns=columns,
            expressions=expressions,
            caps=exit_caps()[asked.exit],
            receipt=receipt,
            contract=contract,
            still_allowed=lambda: self._same(actor, asked.table, asked.version, sight, _ask(asked)),
            take_rows=self._row_counter(sight),
        )

    def verify(self, actor: Actor, table: str, values: Mapping[str, str], purpose: str) -> tuple[bool, str]:
        """Tell whether some row holds these values together, and the id of the receipt; no value leaves.

        Only under a grant that opens this exit, and only for exactly its items: one value less would tell who is in a
        table, one more would ask for something else. True values are compared, of every grade: usable, not visible.

        Raises:
            NotFound: unknown, forbidden, or no such grant.
            Invalid: other items than those of the grant, or a value that does not fit.
            Throttled: the calls of the day are used up.

        """
        ask = _Ask(Exit.VERIFY, purpose)
        facts, grades, rules, _ = self._protection.view_of(table)
        release = self._catalog.released(table)
        grant = self._grant(actor, facts, release, ask)
        number = None if facts is None else version_for(Audience.GRANTED, facts.version, release, None)
        if grant is None or number is None:
            self._note_refusal(actor, table, purpose, Exit.VERIFY, {})
            raise _hidden(table)
        columns = [item.column for item in grant.items]
        if set(values) != set(columns):
            raise Invalid(
                f"核验要同时给出：{'、'.join(columns)}。",
                f"A verification gives all of: {', '.join(columns)}.",
                code="verify_items",
            )
        snapshot = self._lake.snapshot(table, number)
        if any(name not in snapshot.schema.names or name not in grades for name in columns):
            raise _hidden(table)
        sight = Sight(
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
        return self._compared(actor, snapshot, sight, values, purpose)

    def _compared(
        self, actor: Actor, snapshot: Snapshot, sight: Sight, values: Mapping[str, str], purpose: str
    ) -> tuple[bool, str]:
        asked = [Filter(name, FilterOp.EQ, value) for name, value in values.items()]
        conditions(asked, visible_types(snapshot))
        self._count_call(actor, sight, purpose, Exit.VERIFY)
        grant = sight.grant
        detail: dict[str, JsonValue] = {} if grant is None else {"grant": grant.id, "approvers": [*grant.approvers]}
        receipt = self._evidence.record_read(
            actor,
            exit=str(Exit.VERIFY),
            target=snapshot.table,
            version=snapshot.version,
            policy=self._access.policy,
            columns=list(values),
            rows=None,
            grade=sight.grade,
            purpose=purpose or (grant.purpose if grant else ""),
            detail=detail,
        )
        columns, expressions = self._make_columns(snapshot, sight, made=False)
        governed = Governed(
            tools=self._tools,
            snapshot=snapshot,
            sight=sight,
            columns=columns,
            expressions=expressions,
            caps=exit_caps()[Exit.VERIFY],
            receipt=receipt,
            still_allowed=lambda: False,
        )
        return governed.count(asked) > 0, receipt

    def seen(self, actor: Actor, table: str) -> Seen | None:
        """Return what an actor would see of a table, without any row of it; None for unknown and forbidden alike."""
        decided = self._decide(actor, table, None, _Ask())
        if decided is None:
            return None
        sight, snapshot = decided
        snapshot, made = self._with_keyed(snapshot, sight)
        columns, _ = self._columns(snapshot, sight, made=made)
        return Seen(
            table=snapshot.table,
            version=snapshot.version,
            audience=sight.audience,
            columns=columns,
            withheld=sight.withheld,
            filtered=bool(sight.row_filters),
        )

    def _contract(self, actor: Actor, snapshot: Snapshot, purpose: str, exit_: Exit) -> str:
        """Return the contract that a delivery announces; one that breaks it is refused, and the refusal recorded."""
        if self.terms is None or exit_ not in DELIVERIES:
            return ""
        try:
            found = self.terms.announced(snapshot.table, snapshot.version)
        except BeijiangError as error:
            self._note_refusal(actor, snapshot.table, purpose, exit_, {"reason": error.reason})
            raise
        return "" if found is None else found.words

    def check_filters(self, table: str, version: int, filters: Sequence[Filter]) -> None:
        """Return if literal conditions fit the columns of a version (0: the released one); no row is read or handed out.

        Raises:
            Invalid: unknown column, or a value that does not fit.
            NotFound: no such table or version.

        """
        released = self._catalog.released(table)
        number = version or (released.table_version if released is not None else 0)
        if not number:
            raise _hidden(table)
        conditions(filters, visible_types(self._lake.snapshot(table, number)))

    def _count_call(self, actor: Actor, sight: Sight, purpose: str, exit_: Exit) -> None:
        """Count the access against its grant; one too many is refused, and the refusal recorded."""
        if self.grants is None or sight.grant is None:
            return
        try:
            self.grants.take_call(sight.grant.id)
        except Throttled as error:
            detail: dict[str, JsonValue] = {"reason": error.reason, "grant": sight.grant.id}
            self._note_refusal(actor, sight.table, purpose, exit_, detail)
            raise

    def _row_counter(self, sight: Sight) -> Callable[[int], None] | None:
        grants = self.grants
        return partial(grants.take_rows, sight.grant.id) if grants is not None and sight.grant else None

    def find(self, name: str) -> str:
        """Return the stored spelling of a table's name: NFC, letters A-Z folded as the engine folds them."""
        wanted = unicodedata.normalize("NFC", name)
        if self._protection.facts(wanted) is not None:
            return wanted
        folded = wanted.translate(_FOLD)
        names = [facts.name for facts in self._protection.all_facts()]
        same = [known for known in names if unicodedata.normalize("NFC", known).translate(_FOLD) == folded]
        return same[0] if len(same) == 1 else wanted

    @cached_property
    def _tools(self) -> Tools:
        tokens = PageTokens(self._protection.page_secret())
        return Tools(self._lake, self._engine, self._evidence, tokens, self._settings.query_seconds, Recent(REMEMBERED))

    def _same(self, actor: Actor, table: str, version: int | None, before: Sight, ask: _Ask) -> bool:
        """Ask again, for a stream that has been running: the same obligations must still hold."""
        decided = self._decide(actor, table, before.version if version is None else version, ask)
        return decided is not None and decided[0].digest == before.digest

    def rehearse(self, candidate: Release, audience: Audience) -> tuple[Sight, tuple[GovernedColumn, ...], View] | None:
        """Return what outsiders would see of a release that is not made yet, for the release check; None for nothing.

        Only numbers are counted in the view; it is handed to nobody.
        """
        facts, grades, rules, choices = self._protection.view_of(candidate.table)
        if facts is None or candidate.table_version > facts.version:
            return None
        snapshot = self._lake.snapshot(candidate.table, candidate.table_version)
        sight = sight_of(snapshot, audience, grades, rules, choices, candidate)
        if sight is None:
            return None
        snapshot, made = self._with_keyed(snapshot, sight)
        columns, expressions = self._columns(snapshot, sight, made=made)
        governed = self._unread(snapshot, sight, (columns, expressions), Exit.QUALITY)
        query, scan = governed.governed_query(candidate.table)
        return sight, columns, View(query, {candidate.table: scan})

    def _unread(self, snapshot: Snapshot, sight: Sight, shown: Shown, exit_: Exit) -> Governed:
        """Return a governed table of which nobody gets a row: it has no receipt, and no leave to go on."""
        return Governed(
            tools=self._tools,
            snapshot=snapshot,
            sight=sight,
            columns=shown[0],
            expressions=shown[1],
            caps=exit_caps()[exit_],
            receipt="",
            still_allowed=lambda: False,
        )

    def _decide(self, actor: Actor, table: str, version: int | None, ask: _Ask) -> tuple[Sight, Snapshot] | None:
        """Return what this actor may see, or None for unknown and forbidden alike; any doubt is a refusal."""
        facts, grades, rules, choices = self._protection.view_of(table)
        release = self._catalog.released(table)
        audience, grant = self._standing(actor, facts, release, ask)
        if facts is None or audience is None:
            return None
        number = version_for(audience, facts.version, release, version)
        if number is None and ask.exit is Exit.DELTA:
            number = self._earlier(facts, release, version)
        if number is None:
            return None
        try:
            snapshot = self._lake.snapshot(table, number)
        except NotFound:
            return None
        sight = sight_of(snapshot, audience, grades, rules, choices, release, grant)
        return None if sight is None else (sight, snapshot)

    def _earlier(self, facts: TableFacts, release: Release | None, version: int | None) -> int | None:
        """Return an earlier version that the readers of a share may go back to: they had it, and it was not recalled."""
        if (
            self.earlier is None
            or release is None
            or version is None
            or version > min(facts.version, release.table_version)
        ):
            return None
        return version if version in self.earlier(release.resource_id, facts.name) else None

    def _standing(
        self, actor: Actor, facts: TableFacts | None, release: Release | None, ask: _Ask
    ) -> tuple[Audience | None, Granted | None]:
        """Return the highest standing that the policies give; asked for unknown tables too, so that both cost alike."""
        inside = (
            None if ask.exit is Exit.DELTA else self._inside(actor, facts)
        )  # a share shows everybody what is shared
        if inside is not None:
            return inside, None
        grant = self._grant(actor, facts, release, ask)
        return (self._ungranted(actor, release), None) if grant is None else (Audience.GRANTED, grant)

    def _inside(self, actor: Actor, facts: TableFacts | None) -> Audience | None:
        if actor.kind is ActorKind.SYSTEM:
            return Audience.PLATFORM
        org = None if facts is None else facts.org_id
        if self._access.allows(actor, Permission.PROTECTION_ROWS_READ_OWN, org) and facts is not None:
            return Audience.OWN
        return Audience.REVIEW if self._access.allows(actor, Permission.PROTECTION_ROWS_REVIEW) else None

    def _grant(self, actor: Actor, facts: TableFacts | None, release: Release | None, ask: _Ask) -> Granted | None:
        """Return the grant to read under: the one named, or for the purpose stated; of several the one that shows most."""
        if self.grants is None or actor.is_anonymous or facts is None or release is None:
            return None
        held = self.grants.held(actor, facts.name)
        if ask.grant or any(one.purpose == ask.purpose for one in held):
            held = [one for one in held if one.id == ask.grant or (not ask.grant and one.purpose == ask.purpose)]
        held = [one for one in held if ask.exit is None or ask.exit in one.exits]
        if not held or not self._access.allows(actor, Permission.PROTECTION_ROWS_READ_GRANTED):
            return None
        return max(held, key=lambda one: len(one.items))

    def _ungranted(self, actor: Actor, release: Release | None) -> Audience | None:
        if self._access.allows(actor, Permission.PROTECTION_ROWS_READ_SHARED) and release and release.shared_items:
            return Audience.SHARED
        if self._access.allows(actor, Permission.PROTECTION_ROWS_READ_OPEN) and release and release.open_items:
            return Audience.OPEN
        return None

    def _with_keyed(self, snapshot: Snapshot, sight: Sight) -> tuple[Snapshot, bool]:
        """Return the files in which the results of masks under a key stand, if there are such masks and results."""
        keyed, wanted = (
            self._protection.keyed,
            [o.choice for o in sight.obligations if o.choice and o.choice.function in KEYED],
        )
        found = keyed.treated(snapshot, wanted) if keyed is not None and wanted else None
        return (snapshot, False) if found is None else (found, True)

    def _columns(self, snapshot: Snapshot, sight: Sight, *, made: bool) -> Shown:
        kinds_shown = tuple(duty.grade.kind for duty in sight.obligations)
        key = (snapshot.table_id, snapshot.delta_version, sight.digest, kinds_shown, made)
        return self._shown.get(key, lambda: self._make_columns(snapshot, sight, made=made))

    def _make_columns(self, snapshot: Snapshot, sight: Sight, *, made: bool) -> Shown:
        columns: list[GovernedColumn] = []
        expressions: dict[str, exp.Expr] = {}
        for duty in sight.obligations:
            field = snapshot.schema.field(duty.column)
            word = type_word(field)
            masked = duty.treatment is Treatment.MASKED
            if masked:
                expressions[duty.column], word = self._masked(duty, snapshot, word, made=made)
            else:
                expressions[duty.column] = column_ref(duty.column)
            columns.append(
                GovernedColumn(
                    name=duty.column,
                    type=word,
                    comment=comment_of(field),
                    grade=str(duty.grade.level),
                    kind=None if duty.grade.kind == "plain" else duty.grade.kind,
                    masked=masked,
                    mask=duty.mask if masked else None,
                )
            )
        return tuple(columns), expressions

    def _masked(self, duty: Obligation, snapshot: Snapshot, word: str, *, made: bool) -> tuple[exp.Expr, str]:
        """Return the masked expression of a column; one that cannot be had, or fits its type no more, has no values."""
        value, choice = column_ref(duty.column), duty.choice
        if choice is None:
            return self._protection.masker.apply(duty.grade.mask, value, word)
        if word not in TYPES[choice.function] or (choice.function in KEYED and not made):
            return suppressed(word)
        if choice.function in KEYED:
            name = column_of(choice)
            return column_ref(name), type_word(snapshot.schema.field(name))
        return treated(choice.function, choice.parameters, value, word, duty.grade.mask)

    def _note_refusal(
        self,
        actor: Actor,
        table: str,
        purpose: str,
        exit: Exit,  # noqa: A002
        detail: Mapping[str, JsonValue],
    ) -> None:
        self._evidence.record_read(
            actor,
            exit=str(exit),
            target=table[:NAME_SHOWN],
            version=None,
            policy=self._access.policy,
            columns=(),
            rows=0,
            grade="",
            purpose=purpose,
            decision="deny",
            detail=detail,
        )


def _ask(asked: Asked) -> _Ask:
    return _Ask(asked.exit, asked.purpose, asked.grant)


def _hidden(table: str) -> BeijiangError:
    shown = table[:NAME_SHOWN]
    return NotFound(
        f"没有名为“{shown}”的表，或者您无权查看它。请在数据目录中查找可用的数据。",
        f'There is no table "{shown}", or you may not see it. Look in the catalog for what you can use.',
        code="table_not_found",
    )
