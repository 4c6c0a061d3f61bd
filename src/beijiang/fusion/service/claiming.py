"""One number, one source (一数一源): departments declare, the data bureau confirms, others may object, the bureau rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.fusion.errors import bad_draft, no_claim, reason_needed
from beijiang.fusion.models import Claim, ClaimState, Dispute, DisputeState, Library
from beijiang.fusion.service.deciding import Deciding
from beijiang.fusion.store import ClaimStore, LibraryStore
from beijiang.kit import Conflict, Denied, new_id

if TYPE_CHECKING:
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Fusion"]


class Fusion(Deciding):
    """Base and theme libraries: one record for each person, firm and place, and one source for each of its fields."""

    def claims(self, actor: Actor, library_id: str) -> tuple[Sequence[Claim], Sequence[Dispute]]:
        """Return the declarations of a library, and the objections to them."""
        library = self._seen(actor, library_id)
        with self.db.read() as connection:
            store = ClaimStore(connection)
            return store.claims(library.id), store.disputes(library.id)

    def dispute(self, actor: Actor, dispute_id: str) -> tuple[Dispute, Claim, Library]:
        """Return an objection with the declaration that it is to and the library, for whoever may see the library.

        Raises:
            NotFound: no such objection, or its library is hidden from the actor, which look the same.

        """
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        dispute, claim, library = self._dispute(dispute_id)
        self._seen(actor, library.id)
        return dispute, claim, library

    def declare_source(self, actor: Actor, library_id: str, element: str, basis: str) -> Claim:
        """Declare the actor's department to be the one source of a field; the data bureau confirms.

        Raises:
            Invalid: no such field, or no basis.
            Conflict: it has declared so already.

        """
        library = self._seen(actor, library_id)
        org_id = actor.org_id or ""
        self.access.require(actor, Permission.FUSION_CLAIM_RAISE, org_id)
        if library.element(element) is None:
            raise bad_draft(f"库中没有数据项“{element[:40]}”。", f'The library has no element "{element[:40]}".')
        if not basis.strip():
            raise reason_needed()
        made = Claim(
            id=new_id("clm"),
            library_id=library.id,
            element=element,
            org_id=org_id,
            basis=basis.strip()[:1000],
            by=actor.id,
            at=self.clock.now(),
        )
        with self.db.begin() as tx:
            store = ClaimStore(tx.connection)
            open_ = {ClaimState.PROPOSED, ClaimState.IN_FORCE}
            if any(o.element == element and o.org_id == org_id and o.state in open_ for o in store.claims(library.id)):
                raise Conflict(
                    "本部门已申报或已是该字段的数源。", "Your department has declared so already.", code="claim_there"
                )
            store.add(made)
            self._record(tx, actor, library, "source_declare", made.id, {"element": element, "basis": made.basis})
        return made

    def confirm_source(self, actor: Actor, claim_id: str, why: str, *, accept: bool) -> None:
        """Confirm a declaration, or refuse it; from the next run on the declared source's value comes first.

        Raises:
            NotFound: no such declaration.
            Denied: the actor declared it.
            Conflict: it is decided already, or another department is the source now.

        """
        self.access.require(actor, Permission.FUSION_CLAIM_DECIDE)
        claim, library = self._claim(claim_id)
        if claim.by == actor.id:
            raise Denied("不能确认自己申报的数源。", "Nobody confirms what they declared themselves.", code="own_claim")
        if not why.strip():
            raise reason_needed()
        with self.db.begin() as tx:
            store = ClaimStore(tx.connection)
            now = store.claim(claim.id)
            if now is None or now.state is not ClaimState.PROPOSED:
                raise Conflict("这条申报已经处理。", "This declaration is decided already.", code="claim_decided")
            if accept and claim.element in store.in_force(library.id):
                raise Conflict(
                    f"“{claim.element}”已有数源部门（一数一源）。请先通过异议裁定终止原认定。",
                    f'"{claim.element}" has a source already. It takes an objection that is upheld to end that.',
                    code="element_has_source",
                )
            state = ClaimState.IN_FORCE if accept else ClaimState.REFUSED
            store.decide(claim.id, state, actor.id, self.clock.now(), why.strip()[:1000])
            detail: dict[str, JsonValue] = {"element": claim.element, "org_id": claim.org_id, "why": why.strip()}
            self._record(tx, actor, library, "source_confirm" if accept else "source_refuse", claim.id, detail)

    def object_to(self, actor: Actor, claim_id: str, reason: str) -> Dispute:
        """Object to a declaration that is in force, for the actor's own department.

        Raises:
            NotFound: no such declaration.
            Invalid: no reason.
            Conflict: it is not in force, is the own department's, or an objection waits already.

        """
        org_id = actor.org_id or ""
        self.access.require(actor, Permission.FUSION_CLAIM_RAISE, org_id)
        claim, library = self._claim(claim_id)
        if not reason.strip():
            raise reason_needed()
        if claim.state is not ClaimState.IN_FORCE or claim.org_id == org_id:
            raise Conflict(
                "只能对其他部门已生效的数源认定提出异议。",
                "An objection is to another department's declaration that is in force.",
                code="not_to_object",
            )
        made = Dispute(
            id=new_id("dsp"),
            claim_id=claim.id,
            org_id=org_id,
            reason=reason.strip()[:2000],
            by=actor.id,
            at=self.clock.now(),
        )
        with self.db.begin() as tx:
            store = ClaimStore(tx.connection)
            waits = [o for o in store.disputes(library.id) if o.claim_id == claim.id and o.state is DisputeState.RAISED]
            if any(one.org_id == org_id for one in waits):
                raise Conflict("本部门的异议正在等待裁定。", "Your objection waits for a ruling.", code="dispute_there")
            store.add_dispute(made)
            self._record(tx, actor, library, "dispute_raise", made.id, {"claim": claim.id, "reason": made.reason})
        return made

    def rule(self, actor: Actor, dispute_id: str, ruling: str, *, uphold: bool) -> None:
        """Rule on an objection; upheld, it ends the declaration, and the field waits for a new one.

        Raises:
            NotFound: no such objection.
            Denied: the actor raised it.
            Invalid: no words of ruling.
            Conflict: it was ruled on already.

        """
        self.access.require(actor, Permission.FUSION_CLAIM_DECIDE)
        dispute, claim, library = self._dispute(dispute_id)
        if dispute.by == actor.id:
            raise Denied("不能裁定自己提出的异议。", "Nobody rules on their own objection.", code="own_dispute")
        if not ruling.strip():
            raise reason_needed()
        with self.db.begin() as tx:
            store = ClaimStore(tx.connection)
            now = store.dispute(dispute.id)
            if now is None or now.state is not DisputeState.RAISED:
                raise Conflict("这条异议已经处理。", "This objection was ruled on already.", code="dispute_ruled")
            state = DisputeState.UPHELD if uphold else DisputeState.DISMISSED
            store.rule(dispute.id, state, actor.id, self.clock.now(), ruling.strip()[:2000])
            if uphold:
                store.decide(claim.id, ClaimState.ENDED, actor.id, self.clock.now(), ruling.strip()[:1000])
            detail: dict[str, JsonValue] = {"claim": claim.id, "upheld": uphold, "ruling": ruling.strip()}
            self._record(tx, actor, library, "dispute_rule", dispute.id, detail)

    def withdraw(self, actor: Actor, dispute_id: str) -> None:
        """Withdraw an objection of the actor's own department.

        Raises:
            NotFound: no such objection.
            Conflict: it was ruled on already.

        """
        dispute, claim, library = self._dispute(dispute_id)
        self.access.require(actor, Permission.FUSION_CLAIM_RAISE, dispute.org_id)
        with self.db.begin() as tx:
            store = ClaimStore(tx.connection)
            now = store.dispute(dispute.id)
            if now is None or now.state is not DisputeState.RAISED:
                raise Conflict("这条异议已经处理。", "This objection was ruled on already.", code="dispute_ruled")
            store.rule(dispute.id, DisputeState.WITHDRAWN, actor.id, self.clock.now(), "")
            self._record(tx, actor, library, "dispute_withdraw", dispute.id, {"claim": claim.id})

    def _claim(self, claim_id: str) -> tuple[Claim, Library]:
        with self.db.read() as connection:
            claim = ClaimStore(connection).claim(claim_id)
            library = None if claim is None else LibraryStore(connection).get(claim.library_id)
        if claim is None or library is None or library.retired:
            raise no_claim()
        return claim, library

    def _dispute(self, dispute_id: str) -> tuple[Dispute, Claim, Library]:
        with self.db.read() as connection:
            dispute = ClaimStore(connection).dispute(dispute_id)
        if dispute is None:
            raise no_claim()
        return dispute, *self._claim(dispute.claim_id)

    def _record(
        self, tx: UnitOfWork, actor: Actor, library: Library, what: str, target: str, detail: dict[str, JsonValue]
    ) -> None:
        whole: dict[str, JsonValue] = {"library": library.id, **detail}
        self.evidence.record(tx, actor, f"fusion.{what}", target=target, detail=whole)
