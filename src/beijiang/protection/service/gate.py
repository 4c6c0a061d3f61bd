"""THE GATE: the one way from a table to rows that leave the platform, for every exit and from the first line."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from beijiang.engine.port import View
from beijiang.kit import BeijiangError, Throttled
from beijiang.protection.models.conditions import conditions
from beijiang.protection.models.reference import exit_caps
from beijiang.protection.models.results import Seen
from beijiang.protection.models.sight import Audience, Sight
from beijiang.protection.models.sighting import sight_of, version_for
from beijiang.protection.models.standing import Asked, Standing
from beijiang.protection.service.deciding import Ask, ask_of, hidden
from beijiang.protection.service.meeting import Meeting
from beijiang.protection.service.quotas import RowCounter
from beijiang.protection.service.relation import Governed, access_ended
from beijiang.protection.service.ruling import visible_types
from beijiang.tables import DELIVERIES, Exit, Filter, GovernedColumn

if TYPE_CHECKING:
    from beijiang.catalog import Release
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.protection.models.granting import Granted, OwnGrant
    from beijiang.tables import Snapshot

__all__ = ["Gate", "Sought"]

_FOLD: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A sight of a table that readers have now: their standing, the grant if there is one, and what they would read."""

    audience: Audience
    grant: str
    key: tuple[str, ...]
    rows: int
    """Of the whole version, before any row filter."""
    governed: Governed


class Gate(Meeting):
    """Decide by policy, grade and release state what an actor may see of a table, and hand out just that."""

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
        asked = Asked(table=table, exit=exit, purpose=purpose, grant=grant, version=version)
        return self.admit_asked(actor, asked, detail)

    def admit_asked(self, actor: Actor, asked: Asked, detail: Mapping[str, JsonValue]) -> Governed:
        """Open what is asked, under an application's own grant too where it names one.

        Raises:
            NotFound, Conflict, Throttled: as ``admit`` does.

        """
        decided = self._decide(actor, asked.table, asked.version, ask_of(asked))
        if decided is None:
            self._note_refusal(actor, asked.table, asked.purpose, asked.exit, {**detail, **_named(asked.own)})
            raise hidden(asked.table)
        sight, snapshot = decided
        contract = self._contract(actor, snapshot, asked.purpose, asked.exit)
        self._count_call(actor, sight, asked.purpose, asked.exit)
        return self._handed(actor, asked, (sight, snapshot), contract, detail)

    def standing(self, actor: Actor, asked: Asked) -> Standing | None:
        """Return what an actor would see of a table by an exit, without any row; None for unknown and forbidden alike."""
        decided = self._decide(actor, asked.table, asked.version, ask_of(asked))
        if decided is None:
            return None
        sight, snapshot = decided
        _, made = self._with_keyed(snapshot, sight)
        governed, digest = self._unread(snapshot, sight, asked.exit), sight.digest
        return Standing(
            table=snapshot.table,
            version=snapshot.version,
            written_at=snapshot.written_at,
            obligations=digest,
            columns=governed.columns,
            grant=sight.grant.id if sight.grant else "",
            schema=self._schemas.get((snapshot.table_id, snapshot.delta_version, digest, made), governed.schema),
        )

    def renew(self, actor: Actor, asked: Asked, obligations: str, detail: Mapping[str, JsonValue]) -> Governed:
        """Open a table again to go on with what was opened before; recorded, and not counted as another call.

        Raises:
            Denied: the right ended or changed meanwhile (``access_ended``).
            Throttled: more was had under the grant today than it allows now.

        """
        decided = self._decide(actor, asked.table, asked.version, ask_of(asked))
        if decided is None or decided[0].digest != obligations:
            self._note_refusal(actor, asked.table, asked.purpose, asked.exit, {"reason": "access_ended", **detail})
            raise access_ended()
        sight, snapshot = decided
        contract = self._contract(actor, snapshot, asked.purpose, asked.exit)
        for one in sight.grants:
            try:
                if self.grants is not None:
                    self.grants.within(one.id)
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
        columns = self.doubts.marked(snapshot.table, columns)
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
                **self.doubts.noted(columns),
                **({"contract": contract} if contract else {}),
                **({"grant": sight.grant.id, "approvers": [*sight.grant.approvers]} if sight.grant else {}),
                **_named(asked.own),
                **({"own_approvers": [*sight.own.approvers]} if sight.own else {}),
                **detail,
            },
        )
        self.doubts.keep(receipt, columns)
        return Governed(
            tools=self._tools,
            snapshot=snapshot,
            sight=sight,
            columns=columns,
            expressions=expressions,
            caps=exit_caps()[asked.exit],
            receipt=receipt,
            contract=contract,
            still_allowed=lambda: self._same(actor, asked.table, asked.version, sight, ask_of(asked)),
            take_rows=self._row_counter(sight, receipt),
        )

    def sketch(
        self,
        actor: Actor,
        table: str,
        purpose: str,
        exit: Exit,  # noqa: A002
        own: OwnGrant | None = None,
    ) -> Governed:
        """Return a table as ``admit`` would give it, for its columns alone: no call is counted and no access recorded.

        Raises:
            NotFound: unknown or forbidden, and that is recorded.

        """
        decided = self._decide(actor, table, None, Ask(exit, purpose, own=own))
        if decided is None:
            self._note_refusal(actor, table, purpose, exit, {})
            raise hidden(table)
        sight, snapshot = decided
        return self._unread(snapshot, sight, exit)

    def seen(
        self,
        actor: Actor,
        table: str,
        exit: Exit | None = None,  # noqa: A002
        own: OwnGrant | None = None,
    ) -> Seen | None:
        """Return what an actor would see of a table, by any exit or by one; None for unknown and forbidden alike."""
        decided = self._decide(actor, table, None, Ask(exit, own=own))
        if decided is None:
            return None
        sight, snapshot = decided
        snapshot, made = self._with_keyed(snapshot, sight)
        columns, _ = self._columns(snapshot, sight, made=made)
        return self._seen_of(snapshot, sight, columns)

    def opened_by(self, table: str, own: OwnGrant, exit: Exit) -> Seen | None:  # noqa: A002
        """Return what an application's own grant opens by an exit, whoever looks; None where it opens nothing now. No row is read."""
        ask = Ask(exit, own=own)
        view, release, given = self._protection.view_of(table), self._catalog.released(table), self._own(table, ask)
        number = None if view.facts is None else version_for(Audience.GRANTED, view.facts.version, release, None)
        if number is None or given is None:
            return None
        snapshot = self._lake.snapshot(table, number)
        sight = self._sight(snapshot, Audience.GRANTED, view, release, given)
        if sight is None:
            return None
        snapshot, made = self._with_keyed(snapshot, sight)
        columns, _ = self._columns(snapshot, sight, made=made)
        return self._seen_of(snapshot, sight, columns)

    @staticmethod
    def _seen_of(snapshot: Snapshot, sight: Sight, columns: tuple[GovernedColumn, ...]) -> Seen:
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
            raise hidden(table)
        conditions(filters, visible_types(self._lake.snapshot(table, number)))

    def _row_counter(self, sight: Sight, receipt: str) -> RowCounter | None:
        held = [one.id for one in sight.grants]
        if self.grants is None or not held:
            return None
        return RowCounter(self.grants, held, partial(self._evidence.refuse_read, receipt))

    def refused(self, actor: Actor, asked: Asked, reason: str) -> None:
        """Record that an access was refused, for those who refuse it before the gate is asked, or while it is served."""
        self._note_refusal(actor, asked.table, asked.purpose, asked.exit, {"reason": reason, **_named(asked.own)})

    def seed_of(self, receipt: str) -> bytes:
        """Return the seed of the invisible mark of what was handed over under a receipt; the installation's secret is in it."""
        return hmac.digest(self._protection.page_secret(), f"order of rows: {receipt}".encode(), "sha256")

    def find(self, name: str) -> str:
        """Return the stored spelling of a table's name: NFC, letters A-Z folded as the engine folds them."""
        wanted = unicodedata.normalize("NFC", name)
        if self._protection.facts(wanted) is not None:
            return wanted
        folded = wanted.translate(_FOLD)
        names = [facts.name for facts in self._protection.all_facts()]
        same = [known for known in names if unicodedata.normalize("NFC", known).translate(_FOLD) == folded]
        return same[0] if len(same) == 1 else wanted

    def rehearse(self, candidate: Release, audience: Audience) -> tuple[Sight, tuple[GovernedColumn, ...], View] | None:
        """Return what outsiders would see of a release that is not made yet, for the release check; None for nothing.

        Only numbers are counted in the view; it is handed to nobody.
        """
        facts, grades, rules, choices, _ = self._protection.view_of(candidate.table)
        if facts is None or candidate.table_version > facts.version:
            return None
        snapshot = self._lake.snapshot(candidate.table, candidate.table_version)
        sight = sight_of(snapshot, audience, grades, rules, choices, candidate)
        if sight is None:
            return None
        governed = self._unread(snapshot, sight, Exit.QUALITY)
        query, scan = governed.governed_query(candidate.table)
        return sight, governed.columns, View(query, {candidate.table: scan})

    def served(self, table: str) -> Sequence[Sought]:
        """Return every sight of a table that outsiders page through now, for serving copies: whose it is, under which grant.

        Nothing is handed out: what a copy holds is read after a decision of its own, each time.
        """
        view = self._protection.view_of(table)
        facts = view.facts
        release = self._catalog.released(table)
        number = None if facts is None else version_for(Audience.OPEN, facts.version, release, None)
        if number is None or release is None:
            return ()
        wanted: list[tuple[Audience, Granted | None]] = []
        wanted += [(Audience.OPEN, None)] if release.open_items else []
        wanted += [(Audience.SHARED, None)] if release.shared_items else []
        for grant in () if self.grants is None else self.grants.in_force(table):
            wanted += [(Audience.GRANTED, grant)] if Exit.ROW_API in grant.exits else []
        shot, found = self._lake.snapshot(table, number), []
        for audience, given in wanted:
            sight = self._sight(shot, audience, view, release, given)
            if sight is not None:
                seen = self._unread(shot, sight, Exit.ROW_API)
                whose = "" if given is None else given.id
                found.append(Sought(audience=audience, grant=whose, key=shot.key, rows=shot.rows, governed=seen))
        return found


def _named(own: OwnGrant | None) -> dict[str, JsonValue]:
    """Return what evidence says of an application's own grant."""
    return {} if own is None else {"own_grant": own.id, "own_department": own.org_id}
