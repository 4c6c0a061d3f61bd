"""Agreeing on a contract: one person proposes, another one approves; from then on it is counted and announced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.contracts.errors import breached, nothing_open, own_contract
from beijiang.contracts.models import Effect, State, compare, enforced, put, semver
from beijiang.contracts.service.keeping import Keeping
from beijiang.contracts.store import ContractStore
from beijiang.kit import SYSTEM, Conflict, Invalid
from beijiang.protection import Announced

if TYPE_CHECKING:
    from beijiang.contracts.models import Contract, Terms, Version
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor

__all__ = ["Deciding"]


class Deciding(Keeping):
    """Puts contracts in force, and says what they mean for a delivery."""

    def propose(self, actor: Actor, contract_id: str, reason: str) -> Contract:
        """Ask for the approval of the draft.

        Raises:
            Invalid: no reason.
            Conflict: there is no draft, or it breaks who relies on the version in force and its number does not say so.

        """
        found = self._seen(actor, contract_id, Permission.CONTRACTS_CONTRACT_MANAGE)
        draft = self._open(found, State.DRAFT)
        if draft is None:
            raise nothing_open()
        _need(reason)
        self._check_major(found, draft)
        with self.db.begin() as tx:
            at = self.clock.now()
            proposed = self._save(
                tx, draft, state=State.PROPOSED, proposed_by=actor.id, proposed_at=at, reason=reason.strip()[:1000]
            )
            self._tell(tx, actor, "propose", found, proposed, reason)
        return self._seen(actor, found.id)

    def approve(self, actor: Actor, contract_id: str, decision: str = "", *, seen: str | None = None) -> Contract:
        """Put the proposed version in force: its terms become rules of its tables, the version before it is deprecated.

        Only the status in its file changes. ``seen`` is the token of the version that the reviewer was shown.

        Raises:
            Conflict: the proposed version is not what was shown any more (``changed_since_seen``).
            Denied: not a reviewer, or the own work (``own_contract``).
            Conflict: nothing was proposed.

        """
        found = self._seen(actor, contract_id, Permission.CONTRACTS_CONTRACT_APPROVE)
        proposed = self._to_decide(actor, found)
        proposed.shown.check(seen)
        terms = self._terms(proposed)
        with self.db.begin() as tx:
            if found.active is not None:
                self._restate(tx, found.active, State.DEPRECATED)
            active = self._restate(tx, proposed, State.ACTIVE, **self._decision(actor, decision))
            for binding in found.bindings:
                self._agree(tx, actor, found, terms, binding.table, binding.object)
            self._tell(tx, actor, "approve", found, active, decision)
        self._count_again(found)
        return self._seen(actor, found.id)

    def send_back(self, actor: Actor, contract_id: str, decision: str) -> Contract:
        """Return a proposed version to its author with a reason.

        Raises:
            Denied: not a reviewer, or the own work.
            Invalid: no reason.

        """
        found = self._seen(actor, contract_id, Permission.CONTRACTS_CONTRACT_APPROVE)
        proposed = self._to_decide(actor, found)
        _need(decision)
        with self.db.begin() as tx:
            back = self._save(tx, proposed, state=State.DRAFT, **self._decision(actor, decision))
            self._tell(tx, actor, "send_back", found, back, decision)
        return self._seen(actor, found.id)

    def retire(self, actor: Actor, contract_id: str, reason: str) -> Contract:
        """End a contract: it binds nobody any more, and its rules leave its tables.

        Raises:
            Invalid: no reason.
            Conflict: it is not in force.

        """
        found = self._seen(actor, contract_id, Permission.CONTRACTS_CONTRACT_APPROVE)
        _need(reason)
        if found.active is None:
            raise nothing_open()
        with self.db.begin() as tx:
            ended = self._restate(tx, found.active, State.RETIRED, **self._decision(actor, reason))
            for binding in found.bindings:
                self.quality.agree(tx, binding.table, found.id, (), actor, reason)
            self._tell(tx, actor, "retire", found, ended, reason)
        return self._seen(actor, found.id)

    # What a delivery asks

    def announced(self, table: str, version: int) -> Announced | None:
        """Return the contract that a version of a table is delivered under; the ``DeliveryTerms`` of the gate.

        Raises:
            Conflict: the version breaks it, and nobody decided to release it all the same (``contract_breached``).

        """
        found = self.bindings.get(table, lambda connection: ContractStore(connection).binding(table))
        active = None if found is None else found[0].active
        if found is None or active is None:
            return None
        contract = found[0]
        broken = self.quality.broken(table, version)
        if broken:
            raise breached(table, version, f"{contract.name} {active.version}", broken)
        return Announced(contract.odcs_id, active.version, active.digest)

    # Steps

    def _agree(self, tx: UnitOfWork, actor: Actor, found: Contract, terms: Terms, table: str, name: str) -> None:
        one = terms.object(name)
        drafts = () if one is None else tuple(enforced(terms, one).drafts)
        self.quality.agree(tx, table, found.id, drafts, actor, f"{terms.name or terms.id} {terms.version}"[:1000])

    def _bound_now(self, tx: UnitOfWork, actor: Actor, found: Contract, table: str, name: str) -> None:
        if found.active is not None:
            self._agree(tx, actor, found, self._terms(found.active), table, name)

    def _restate(self, tx: UnitOfWork, version: Version, state: State, **changes: object) -> Version:
        """Give a version a state and write it into its file, which changes one line."""
        document = put(self._document(version), ("status",), state.value)
        digest = ContractStore(tx.connection).keep(document.text.encode(), self.clock.now())
        return self._save(tx, version, state=state, digest=digest, **changes)

    def _decision(self, actor: Actor, decision: str) -> dict[str, object]:
        return {
            "decided_by": actor.id,
            "decided_name": actor.name[:200],
            "decided_at": self.clock.now(),
            "decision": decision.strip()[:1000],
        }

    def _to_decide(self, actor: Actor, found: Contract) -> Version:
        proposed = self._open(found, State.PROPOSED)
        if proposed is None:
            raise nothing_open()
        if actor.id in {proposed.by, proposed.proposed_by}:
            raise own_contract()
        return proposed

    def _check_major(self, found: Contract, draft: Version) -> None:
        active = found.active
        if active is None:
            return
        breaking = [c for c in compare(self._terms(active), self._terms(draft)) if c.effect is Effect.BREAKING]
        if not breaking or (semver(draft.version) or (0,))[0] > (semver(active.version) or (0,))[0]:
            return
        names = "、".join(f"{c.where} {c.what.zh}" for c in breaking[:3])
        raise Conflict(
            f"新版本有 {len(breaking)} 处不兼容变更（{names}），请提高主版本号。",
            f"The new version breaks who relies on {active.version} in {len(breaking)} places ({breaking[0].where}); raise its major number.",
            code="contract_breaking",
        )

    def _count_again(self, found: Contract) -> None:
        """Have the tables judged by the new terms."""
        for binding in found.bindings:
            self.quality.check(SYSTEM, binding.table)


def _need(reason: str) -> None:
    if not reason.strip():
        raise Invalid("请说明理由。", "A reason is needed.", code="reason_needed")
