"""Proposals: one person says what an entry is to be and why, another one decides; a decision makes new versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import IntegrityError

from beijiang.access import Permission
from beijiang.kit import Conflict, Denied, Invalid, Text, new_id
from beijiang.standards.errors import entry_changed, no_entry, no_proposal, not_open, own_proposal
from beijiang.standards.events import ElementsChanged
from beijiang.standards.models import (
    DAY_FIELDS,
    ELEMENT_FIELDS,
    RULE_FIELDS,
    Action,
    Book,
    CalendarYear,
    Change,
    DataElement,
    DayChange,
    Difference,
    Edition,
    Entry,
    EntryKind,
    Proposal,
    ProposalState,
    Rule,
    code_from,
    day_from,
    differences,
    element_from,
    least_grade,
    rule_from,
    set_from,
    wrong,
    year_from,
)
from beijiang.standards.service.reading import Reading
from beijiang.standards.store import ProposalStore, RegistryStore
from beijiang.standards.store.proposals import document

if TYPE_CHECKING:
    from datetime import date

    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor, Part, Wanted
    from beijiang.kit.errors import JsonValue

__all__ = ["CHANGES_MOST", "COMMON", "Proposing"]

CHANGES_MOST: Final = 5000
COMMON: Final = ("law", "standard", "project", "reference")
"""In place of a profile: rules that hold under each, and presets of other regions."""
_SHOWN: Final = 200
_NAMED: Final = 20


class Proposing(Reading):
    """Takes proposals and decides on them."""

    def propose(self, actor: Actor, changes: Sequence[Change], reason: str, valid_from: date | None = None) -> Proposal:
        """Hand in changes that shall count from a day (by default today), to be approved as a whole.

        Raises:
            Invalid: no reason, a change that cannot be used, or a day before the newest version's.
            NotFound: an entry to be changed or retired that there is not.
            Conflict: an entry to be added that is there, a change that changes nothing, or a set still in use.

        """
        self.access.require(actor, Permission.STANDARDS_ENTRY_PROPOSE, actor.org_id)
        book, today = self.books.now()
        if not reason.strip():
            raise Invalid("请说明提案理由。", "A proposal needs a reason.", code="reason_needed")
        if not changes or len(changes) > CHANGES_MOST:
            raise Invalid(
                f"一份提案应含 1 至 {CHANGES_MOST} 项变更。",
                f"A proposal holds 1 to {CHANGES_MOST} changes.",
                code="proposal_size",
            )
        proposal = Proposal(
            id=new_id("sp"),
            org_id=actor.org_id,
            changes=tuple(changes),
            about=tuple(f"{c.action.value} {c.kind.value} {c.id}" for c in changes[:_NAMED]),
            size=len(changes),
            valid_from=valid_from or today,
            reason=reason.strip()[:1000],
            by=actor.id,
            by_name=actor.name[:200],
            at=self.clock.now(),
        )
        self._check(book, proposal)
        with self.db.begin() as tx:
            ProposalStore(tx.connection).add(proposal)
            self._tell(tx, actor, "standards.propose", proposal, proposal.reason)
        return proposal

    def change_of(
        self,
        actor: Actor,
        action: Action,
        kind: EntryKind,
        form: Mapping[str, str],
        codes: Sequence[Mapping[str, str]] = (),
        base: int | None = None,
    ) -> Change:
        """Read one change from flat words (see ``ELEMENT_FIELDS``); to retire an entry its id is enough.

        ``codes`` are the codes of a code set, or the days of a year (``DAY_FIELDS``).

        ``base`` is the version that the author saw, by default the newest.

        Raises:
            Invalid: a field that cannot be used.
            NotFound: an entry to be retired that there is not.

        """
        self.access.require(actor, Permission.STANDARDS_RULE_READ)
        book, _ = self.books.now()
        entry_id = str(form.get("code_set" if kind is EntryKind.CODE_SET else "id") or "").strip()
        newest = _newest(book, kind, entry_id)
        version = base if base is not None else 0 if newest is None else newest.edition.version
        if action is Action.RETIRE:
            if newest is None:
                raise no_entry(kind.text, entry_id)
            return Change(action, newest, version)
        if kind is EntryKind.RULE:
            return Change(action, rule_from(form), version)
        if kind is EntryKind.CALENDAR:
            return Change(action, year_from(form, [day_from(one) for one in codes]), version)
        if kind is EntryKind.ELEMENT:
            return Change(action, element_from(form), version)
        return Change(action, set_from(form, [code_from(one) for one in codes]), version)

    def proposals(self, actor: Actor, state: ProposalState | None = None) -> Sequence[Proposal]:
        """Return proposals of all departments, newest first: standards are everybody's matter."""
        self.access.require(actor, Permission.STANDARDS_PROPOSAL_READ)
        with self.db.read() as connection:
            return ProposalStore(connection).list(state, _SHOWN)

    def proposal_part(self, actor: Actor, state: ProposalState | None, wanted: Wanted) -> Part[Proposal]:
        """Return a part of the proposals of a state (None: of all), narrowed, counted and sorted; of any number."""
        self.access.require(actor, Permission.STANDARDS_PROPOSAL_READ)
        with self.db.read() as connection:
            return ProposalStore(connection).part(wanted, state, self.clock.now())

    def proposal(self, actor: Actor, proposal_id: str) -> Proposal:
        """Return one proposal.

        Raises:
            NotFound: no such proposal.

        """
        self.access.require(actor, Permission.STANDARDS_PROPOSAL_READ)
        with self.db.read() as connection:
            found = ProposalStore(connection).get(proposal_id)
        if found is None:
            raise no_proposal()
        return found

    def differences(self, actor: Actor, proposal: Proposal) -> Sequence[tuple[Change, Sequence[Difference]]]:
        """Return what each change of a proposal alters in the version that it starts from."""
        self.access.require(actor, Permission.STANDARDS_PROPOSAL_READ)
        book, _ = self.books.now()
        found = []
        for change in proposal.changes:
            versions = book.versions(change.kind, change.id)
            before = next((v for v in versions if v.edition.version == change.base), None)
            found.append((change, () if change.action is Action.RETIRE else differences(before, change.entry)))
        return found

    def approve(self, actor: Actor, proposal_id: str, decision: str = "") -> Proposal:
        """Put a proposal in force as a whole: every change becomes the next version of its entry.

        Raises:
            Denied: not the data authority, or one's own proposal (``own_proposal``).
            Conflict: it was decided before, or an entry got another version meanwhile (``entry_changed``).

        """
        self.access.require(actor, Permission.STANDARDS_ENTRY_APPROVE)
        proposal = self._to_decide(actor, proposal_id)
        self.books.forget()
        self._check(self.books.now()[0], proposal)
        approved = self._decided(proposal, ProposalState.APPROVED, actor, decision)
        try:
            with self.db.begin() as tx:
                RegistryStore(tx.connection).add([_version(change, approved) for change in approved.changes])
                self._close(tx, actor, "standards.approve", approved)
                self._announce(tx, approved)
        except IntegrityError:  # versions are numbered once: somebody approved another change a moment before
            raise entry_changed(approved.changes[0].kind.text, approved.changes[0].id) from None
        finally:
            self.books.forget()
        return approved

    def send_back(self, actor: Actor, proposal_id: str, decision: str) -> Proposal:
        """Return a proposal to its author with a reason; nothing of it comes into force.

        Raises:
            Denied: not the data authority, or one's own proposal.
            Invalid: no reason.
            Conflict: it was decided before.

        """
        self.access.require(actor, Permission.STANDARDS_ENTRY_APPROVE)
        if not decision.strip():
            raise Invalid("退回需要说明理由。", "Sending back needs a reason.", code="reason_needed")
        returned = self._decided(self._to_decide(actor, proposal_id), ProposalState.RETURNED, actor, decision)
        with self.db.begin() as tx:
            self._close(tx, actor, "standards.return", returned)
        return returned

    def withdraw(self, actor: Actor, proposal_id: str, reason: str = "") -> Proposal:
        """Take the own proposal back.

        Raises:
            Denied: it is somebody else's.
            Conflict: it was decided before.

        """
        self.access.require(actor, Permission.STANDARDS_ENTRY_PROPOSE, actor.org_id)
        found = self.proposal(actor, proposal_id)
        if found.by != actor.id:
            raise Denied("只有提案人可以撤回提案。", "Only its author takes a proposal back.", code="not_own_proposal")
        if found.state is not ProposalState.OPEN:
            raise not_open()
        taken = self._decided(found, ProposalState.WITHDRAWN, actor, reason)
        with self.db.begin() as tx:
            self._close(tx, actor, "standards.withdraw", taken)
        return taken

    def _to_decide(self, actor: Actor, proposal_id: str) -> Proposal:
        found = self.proposal(actor, proposal_id)
        if found.state is not ProposalState.OPEN:
            raise not_open()
        if found.by == actor.id:
            raise own_proposal()
        return found

    def _decided(self, proposal: Proposal, state: ProposalState, actor: Actor, decision: str) -> Proposal:
        return replace(
            proposal,
            state=state,
            decided_by=actor.id,
            decided_name=actor.name[:200],
            decided_at=self.clock.now(),
            decision=decision.strip()[:1000],
        )

    def _close(self, tx: UnitOfWork, actor: Actor, action: str, proposal: Proposal) -> None:
        if not ProposalStore(tx.connection).decide(proposal):
            raise not_open()
        self._tell(tx, actor, action, proposal, proposal.decision)

    def _tell(self, tx: UnitOfWork, actor: Actor, action: str, proposal: Proposal, reason: str) -> None:
        body = json.dumps([document(c) for c in proposal.changes], ensure_ascii=False, sort_keys=True)
        detail: dict[str, JsonValue] = {
            "changes": proposal.size,
            "entries": list(proposal.about),
            "valid_from": proposal.valid_from.isoformat(),
            "sha256": hashlib.sha256(body.encode()).hexdigest(),
            "reason": reason,
        }
        self.evidence.record(tx, actor, action, target=proposal.id, detail=detail)

    def _announce(self, tx: UnitOfWork, approved: Proposal) -> None:
        """Say what columns that hold the elements are graded at least from now on."""
        book, today = self.books.now()
        new = [_version(change, approved) for change in approved.changes if change.kind is EntryKind.ELEMENT]
        elements = [one for one in new if isinstance(one, DataElement)]
        levels = {one.id: least_grade([*book.elements.get(one.id, ()), one], today) for one in elements}
        if levels:
            tx.publish(ElementsChanged(levels=levels))

    def _check(self, book: Book, proposal: Proposal) -> None:
        """Hold each change against the registry, and the ids that changes name against those there will be."""
        ids = [(change.kind, change.id) for change in proposal.changes]
        if len(set(ids)) < len(ids):
            raise Invalid(
                "一份提案中同一条目只能出现一次。", "An entry is there once in a proposal.", code="entry_twice"
            )
        sets = _standing_sets(book, proposal)
        for change in proposal.changes:
            _check_base(book, change, proposal.valid_from)
            if isinstance(change.entry, DataElement) and change.action is not Action.RETIRE:
                self._check_element(change.entry, sets)
            if isinstance(change.entry, Rule):
                self._check_profile(change.entry)
            if isinstance(change.entry, CalendarYear) and change.action is not Action.RETIRE:
                self._check_year(change.entry)
        for change in proposal.changes:
            if change.kind is EntryKind.CODE_SET and change.action is Action.RETIRE:
                _check_unused(book, proposal, change.id)

    def _check_profile(self, rule: Rule) -> None:
        known = [profile.id for profile in self.standards.profiles()] + list(COMMON)
        if rule.profile not in known:
            listed = "、".join(known)
            raise wrong(RULE_FIELDS["profile"], Text(f"应为 {listed}", f"it is one of {listed}"))

    def _check_year(self, year: CalendarYear) -> None:
        """Hold a year against the holidays that the law fixes: one that lacks them is not the whole arrangement."""
        off = {one.day for one in year.days if one.change is DayChange.HOLIDAY}
        for row in self.standards.statutory(year.year):
            if row.day not in off:
                raise wrong(
                    DAY_FIELDS["date"],
                    Text(
                        f"{year.id} 年缺少法定节假日 {row.day} {row.name.zh}（{row.basis}），请补全整年的安排",
                        f"{year.id} lacks the holiday {row.day} {row.name.en} ({row.basis}); bring the whole year in",
                    ),
                )

    def _check_element(self, element: DataElement, sets: set[str]) -> None:
        """Check what an element names: its type, code set, algorithm and pattern."""
        from beijiang.engine.checksums import CHECKSUMS
        from beijiang.engine.patterns import checked_pattern

        types = [kind.code for kind in self.standards.item_types()]
        for field, value, known in (
            ("type", element.type, types),
            ("code_set", element.code_set, sorted(sets)),
            ("check", element.check, list(CHECKSUMS)),
        ):
            if value and value not in known:
                listed = "、".join(known[:30])
                raise wrong(
                    ELEMENT_FIELDS[field],
                    Text(f"没有“{value}”，可用：{listed}", f'there is no "{value}"; known: {listed}'),
                )
        if element.pattern:
            checked_pattern(element.pattern)


def _newest(book: Book, kind: EntryKind, entry_id: str) -> Entry | None:
    versions = book.versions(kind, entry_id)
    return versions[-1] if versions else None


def _check_base(book: Book, change: Change, valid_from: date) -> None:
    newest = _newest(book, change.kind, change.id)
    version = 0 if newest is None else newest.edition.version
    words = change.kind.text
    if change.action is Action.ADD and newest is not None:
        raise Conflict(
            f"{words.zh}“{change.id}”已存在，请提交变更。",
            f'The {words.en} "{change.id}" is there; propose a change of it.',
            code="entry_exists",
        )
    if change.base != version:
        raise entry_changed(words, change.id)
    if newest is None:
        return
    if newest.edition.valid_from is not None and valid_from < newest.edition.valid_from:
        raise Invalid(
            f"生效日期不能早于现有版本的 {newest.edition.valid_from.isoformat()}。",
            f"It cannot count before the newest version does: {newest.edition.valid_from.isoformat()}.",
            code="valid_from_too_early",
        )
    if change.action is Action.RETIRE and newest.edition.retired:
        raise Conflict(
            f"{words.zh}“{change.id}”已经废止。", f'The {words.en} "{change.id}" is retired.', code="entry_retired"
        )
    if change.action is Action.CHANGE and not newest.edition.retired and not differences(newest, change.entry):
        raise Conflict(
            f"{words.zh}“{change.id}”没有变化。",
            f'The {words.en} "{change.id}" stays as it is.',
            code="nothing_changes",
        )


def _standing_sets(book: Book, proposal: Proposal) -> set[str]:
    """Return the code sets that there will be when the proposal counts."""
    gone = {c.id for c in proposal.changes if c.kind is EntryKind.CODE_SET and c.action is Action.RETIRE}
    new = {c.id for c in proposal.changes if c.kind is EntryKind.CODE_SET} - gone
    return ({key for key, versions in book.sets.items() if not versions[-1].edition.retired} | new) - gone


def _check_unused(book: Book, proposal: Proposal, set_id: str) -> None:
    changed = {c.id: c for c in proposal.changes if c.kind is EntryKind.ELEMENT}
    users = [
        key
        for key, versions in book.elements.items()
        if key not in changed and not versions[-1].edition.retired and versions[-1].code_set == set_id
    ]
    if users:
        names = "、".join(users[:5])
        raise Conflict(
            f"还有数据元使用这个代码集：{names}。请先变更它们。",
            f"Elements still use this code set: {names}. Change them first.",
            code="code_set_in_use",
        )


def _version(change: Change, approved: Proposal) -> Entry:
    edition = Edition(
        version=change.base + 1,
        valid_from=approved.valid_from,
        retired=change.action is Action.RETIRE,
        verified=True,
        reason=approved.reason,
        by=approved.by,
        at=approved.decided_at,
        proposal=approved.id,
    )
    return replace(change.entry, edition=edition)
