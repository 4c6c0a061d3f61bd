"""What an actor may see of a table, and as what: decided anew for every access, before anything is read.

A part of ``Gate``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

from beijiang.access import Permission
from beijiang.engine.port import View
from beijiang.kit import REMEMBERED, ActorKind, BeijiangError, NotFound, Recent, Throttled
from beijiang.protection.models.choices import KEYED, TYPES
from beijiang.protection.models.conditions import column_ref
from beijiang.protection.models.grades import Personal
from beijiang.protection.models.reference import exit_caps
from beijiang.protection.models.sight import OUTSIDERS, Audience, Obligation, Sight, Treatment
from beijiang.protection.models.sighting import sight_of, version_for
from beijiang.protection.models.stricter import stricter
from beijiang.protection.models.treatments import suppressed, treated
from beijiang.protection.models.types import comment_of, type_word
from beijiang.protection.service.doubted import Doubts
from beijiang.protection.service.keyed import column_of
from beijiang.protection.service.relation import Governed, Tools
from beijiang.protection.service.tokens import PageTokens
from beijiang.tables import Exit, GovernedColumn

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
    from beijiang.protection.models.granting import Granted, Grants, OwnGrant
    from beijiang.protection.models.sight import RowRule
    from beijiang.protection.models.standing import Asked
    from beijiang.protection.service.copies import CopyShelf
    from beijiang.protection.service.grading import Protection, TableView
    from beijiang.protection.store import TableFacts
    from beijiang.settings import Settings
    from beijiang.tables import Lake, Snapshot

__all__ = ["NAME_SHOWN", "Ask", "Deciding", "ask_of", "hidden"]

NAME_SHOWN: Final = 60
ANSWER_BYTES: Final = 256 << 10
"""Of the largest summary that is kept."""

Known: TypeAlias = "tuple[TableView, Release | None]"
"""What is known of a table: its grades and rules, and what is offered of it; both rights are held to the same."""
Shown: TypeAlias = "tuple[tuple[GovernedColumn, ...], dict[str, exp.Expr]]"


@dataclass(frozen=True, slots=True)
class Ask:
    """By which exit rows are wanted, for what, and under which grant if one is named."""

    exit: Exit | None = None
    purpose: str = ""
    grant: str = ""
    own: OwnGrant | None = None


class Deciding:
    """Below the verbs of the gate."""

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
        self.copies: CopyShelf | None = None
        """Serving copies that pages may come from, once the decision is made; set in build.py."""
        self.doubts = Doubts()
        """What of an access is being looked into."""

    def holds(self, actor: Actor, asked: Asked, obligations: str | None = None) -> bool:
        """Tell whether the actor would see exactly what the obligations say, now; without them, anything at all."""
        decided = self._decide(actor, asked.table, asked.version, ask_of(asked))
        return decided is not None and obligations in {None, decided[0].digest}

    @cached_property
    def _tools(self) -> Tools:
        tokens = PageTokens(self._protection.page_secret())
        seconds, views, prints = self._settings.query_seconds, Recent[View](REMEMBERED), Recent[str](REMEMBERED)
        answers: Recent[pa.Table] = Recent(REMEMBERED, lambda answer: int(answer.nbytes) <= ANSWER_BYTES)
        return Tools(self._lake, self._engine, self._evidence, tokens, seconds, views, prints, answers, self.copies)

    def _same(self, actor: Actor, table: str, version: int | None, before: Sight, ask: Ask) -> bool:
        """Ask again, for a stream that has been running: the same obligations must still hold."""
        decided = self._decide(actor, table, before.version if version is None else version, ask)
        return decided is not None and decided[0].digest == before.digest

    def _unread(self, snapshot: Snapshot, sight: Sight, exit_: Exit) -> Governed:
        """Return a sight as a relation that nobody has asked for: no receipt, and never allowed to a reader."""
        snapshot, made = self._with_keyed(snapshot, sight)
        columns, expressions = self._columns(snapshot, sight, made=made)
        return Governed(
            tools=self._tools,
            snapshot=snapshot,
            sight=sight,
            columns=columns,
            expressions=expressions,
            caps=exit_caps()[exit_],
            receipt="",
            still_allowed=lambda: False,
        )

    def _decide(self, actor: Actor, table: str, version: int | None, ask: Ask) -> tuple[Sight, Snapshot] | None:
        """Return what this actor may see, or None for unknown and forbidden alike; any doubt is a refusal."""
        known = self._protection.view_of(table), self._catalog.released(table)
        if ask.own is None:
            return self._decided(actor, table, version, ask, known)
        return self._under_both(actor, table, version, ask, known)

    def _under_both(
        self, actor: Actor, table: str, version: int | None, ask: Ask, known: Known
    ) -> tuple[Sight, Snapshot] | None:
        """Return what both this actor and the application's own grant open: the columns of both, the stricter of each.

        A grant opens the released version only, so that is what is seen; whoever reads it is an outsider there.
        """
        view, release = known
        own = self._own(table, ask)
        number = None if view.facts is None else version_for(Audience.GRANTED, view.facts.version, release, version)
        mine = None if number is None else self._decided(actor, table, number, ask, known)
        if own is None or mine is None:
            return None
        sight, snapshot = mine
        theirs = self._sight(snapshot, Audience.GRANTED, view, release, own)
        both = None if theirs is None else stricter(sight, theirs)
        if both is None:
            return None
        audience = sight.audience if sight.audience in OUTSIDERS else Audience.GRANTED
        return replace(both, audience=audience, own=own), snapshot

    def _own(self, table: str, ask: Ask) -> Granted | None:
        """Return the grant that an application names, if its department holds it now and it opens the exit."""
        if self.grants is None or ask.own is None or ask.exit is None:
            return None
        held = self.grants.of_department(ask.own.org_id, table)
        return next((one for one in held if one.id == ask.own.id and ask.exit in one.exits), None)

    def _decided(
        self, actor: Actor, table: str, version: int | None, ask: Ask, known: Known
    ) -> tuple[Sight, Snapshot] | None:
        """Return what this actor may see by rights of his own."""
        view, release = known
        facts = view.facts
        audience, grant = self._standing(actor, facts, release, ask)
        if facts is None or audience is None:
            return None
        number = version_for(audience, facts.version, release, version)
        if number is None and ask.exit is Exit.DELTA:
            release = self._earlier(facts, release, version)
            number = None if release is None else version
        if number is None:
            return None
        try:
            snapshot = self._lake.snapshot(table, number)
        except NotFound:
            return None
        sight = self._sight(snapshot, audience, view, release, grant)
        return None if sight is None else (sight, snapshot)

    def _sight(
        self, snapshot: Snapshot, audience: Audience, view: TableView, release: Release | None, grant: Granted | None
    ) -> Sight | None:
        """Return what an audience sees of a version: by what is offered now, and by what was offered with it then."""
        _, grades, rules, choices, _ = view
        now = sight_of(snapshot, audience, grades, rules, choices, release, grant)
        then = None if release is None else release.then
        if now is None or then is None or audience not in OUTSIDERS:
            return now
        held = self._rules_then(snapshot.table, then, rules)
        before = sight_of(snapshot, audience, grades, held, choices, then, grant)
        return None if before is None else stricter(now, before)

    def _rules_then(self, table: str, then: Release, rules: Sequence[RowRule]) -> Sequence[RowRule]:
        return rules if then.until is None else self._protection.rules_at(table, then.until)

    def _earlier(self, facts: TableFacts, release: Release | None, version: int | None) -> Release | None:
        """Return an earlier version that the readers of a share may go back to: they had it, and it was not recalled."""
        if (
            self.earlier is None
            or release is None
            or version is None
            or version > min(facts.version, release.table_version)
            or version not in self.earlier(release.resource_id, facts.name)
        ):
            return None
        return self._catalog.earlier(release, version)

    def _standing(
        self, actor: Actor, facts: TableFacts | None, release: Release | None, ask: Ask
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

    def _grant(self, actor: Actor, facts: TableFacts | None, release: Release | None, ask: Ask) -> Granted | None:
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
        kinds_shown = tuple((duty.grade.kind, duty.grade.personal) for duty in sight.obligations)
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
                    personal=duty.grade.personal is not Personal.NO,
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

    def _count_call(self, actor: Actor, sight: Sight, purpose: str, exit_: Exit) -> None:
        """Count the access against its grants; one too many is refused, and the refusal recorded."""
        grants = self.grants
        if grants is None:
            return
        for grant in sight.grants:
            try:
                grants.take_call(grant.id)
            except Throttled as error:
                detail: dict[str, JsonValue] = {"reason": error.reason, "grant": grant.id}
                self._note_refusal(actor, sight.table, purpose, exit_, detail)
                raise

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


def ask_of(asked: Asked) -> Ask:
    """Return what the decision looks at of what was asked."""
    return Ask(asked.exit, asked.purpose, asked.grant, asked.own)


def hidden(table: str) -> BeijiangError:
    """Return the error for a table that is unknown or forbidden, which look the same."""
    shown = table[:NAME_SHOWN]
    return NotFound(
        f"没有名为“{shown}”的表，或者您无权查看它。请在数据目录中查找可用的数据。",
        f'There is no table "{shown}", or you may not see it. Look in the catalog for what you can use.',
        code="table_not_found",
    )
