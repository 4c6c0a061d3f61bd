"""Looking into contracts: as files, as terms, against other versions, and against the tables that they bind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.contracts.errors import no_contract, no_version
from beijiang.contracts.models import Change, Contract, Finding, Left, Terms, Version, compare, enforced
from beijiang.contracts.models.enforcing import TYPES
from beijiang.contracts.service.deciding import Deciding
from beijiang.contracts.store import ContractStore
from beijiang.kit import SYSTEM, Text
from beijiang.quality import Outcome, RuleDraft

if TYPE_CHECKING:
    from beijiang.contracts.models import DataObject
    from beijiang.kit import Actor
    from beijiang.tables import TableInfo

__all__ = ["Bound", "Contracts", "Gap", "Term", "View"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Where a table and a contract differ in shape; empty words on one side mean that it is not there."""

    column: str
    says: str
    has: str
    grave: bool
    """Whether the contract is broken by it; a column that it does not name breaks nothing."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term that is counted, and how the newest version does by it."""

    draft: RuleDraft
    outcome: Outcome
    b: int
    failing: int
    error: Text | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """An object of a contract with its table: what differs, what is counted, what is left to people."""

    object: str
    table: str
    version: int
    gaps: Sequence[Gap]
    terms: Sequence[Term]
    left: Sequence[Left]


@dataclass(frozen=True, slots=True)
class View:
    """One version of a contract, with all that it says."""

    contract: Contract
    version: Version
    text: str
    terms: Terms
    findings: Sequence[Finding]


class Contracts(Deciding):
    """Data contracts: what a department promises of its tables, agreed on by two people, counted in every version."""

    def contracts(self, actor: Actor) -> Sequence[Contract]:
        """Return the contracts that the actor may see, by name."""
        self.access.require(actor, Permission.CONTRACTS_CONTRACT_READ)
        with self.db.read() as connection:
            found = ContractStore(connection).all()
        return [c for c in found if self.access.allows(actor, Permission.CONTRACTS_CONTRACT_READ, c.org_id)]

    def contract(self, actor: Actor, contract_id: str) -> Contract:
        """Return one contract with its versions.

        Raises:
            NotFound: no such contract, or it is hidden.

        """
        return self._seen(actor, contract_id)

    def of_table(self, actor: Actor, table: str) -> Contract | None:
        """Return the contract that binds a table, None where none does, or it is hidden."""
        self.access.require(actor, Permission.CONTRACTS_CONTRACT_READ)
        with self.db.read() as connection:
            found = ContractStore(connection).binding(table)
        seen = found is not None and self.access.allows(actor, Permission.CONTRACTS_CONTRACT_READ, found[0].org_id)
        return found[0] if found is not None and seen else None

    def gaps(self, actor: Actor, table: str) -> Sequence[Gap]:
        """Return where a table and the contract in force that binds it differ in shape; no row is read."""
        found = self.of_table(actor, table)
        if found is None or found.active is None:
            return ()
        name = next(binding.object for binding in found.bindings if binding.table == table)
        one = self._terms(found.active).object(name)
        return () if one is None else _gaps(self.tables.get(SYSTEM, table), one)

    def file(self, actor: Actor, contract_id: str, version: str = "", *, original: bool = False) -> bytes:
        """Return the file of a version (by default the newest), as it is or as it was handed in.

        Raises:
            NotFound: no such contract or version.

        """
        one = self._version(self._seen(actor, contract_id), version)
        with self.db.read() as connection:
            return ContractStore(connection).file(one.original if original else one.digest)

    def view(self, actor: Actor, contract_id: str, version: str = "") -> View:
        """Return what a version says (by default the newest), with what is kept and not used.

        Raises:
            NotFound: no such contract or version.

        """
        found = self._seen(actor, contract_id)
        one = self._version(found, version)
        terms, findings = self._usable(one)
        return View(found, one, self._document(one).text, terms, findings)

    def compare(self, actor: Actor, contract_id: str, before: str, after: str) -> Sequence[Change]:
        """Return what one version changes against another, breaking changes first.

        Raises:
            NotFound: no such contract or version.

        """
        found = self._seen(actor, contract_id)
        return compare(self._terms(self._version(found, before)), self._terms(self._version(found, after)))

    def bound(self, actor: Actor, contract_id: str, version: str = "") -> Sequence[Bound]:
        """Return each bound table against a version: what differs, and how its newest version does by every term.

        Raises:
            NotFound: no such contract or version.

        """
        found = self._seen(actor, contract_id)
        terms = self._terms(self._version(found, version))
        seen: list[Bound] = []
        for binding in found.bindings:
            one = terms.object(binding.object)
            info = self.tables.get(actor, binding.table)
            if one is None:
                seen.append(Bound(binding.object, info.name, info.version, (), (), ()))
                continue
            made = enforced(terms, one)
            told = [Term(*each) for each in self.quality.rehearse(info.name, made.drafts)]
            seen.append(Bound(binding.object, info.name, info.version, _gaps(info, one), told, made.left))
        return seen

    def _version(self, found: Contract, words: str) -> Version:
        if not found.versions:
            raise no_contract()
        one = found.newest if not words else found.version(words)
        if one is None:
            raise no_version(words)
        return one


def _gaps(info: TableInfo, one: DataObject) -> Sequence[Gap]:
    """Return the columns in which table and contract differ."""
    real = {column.name: column.type for column in info.columns}
    found = []
    for field in one.columns:
        kinds = TYPES.get(field.logical_type, "")
        has = real.get(field.column, "")
        if not has or (kinds and has not in kinds.split("|")):
            found.append(Gap(field.column, field.logical_type or field.physical_type or "-", has, grave=True))
    named = {field.column for field in one.columns}
    found += [Gap(name, "", kind, grave=False) for name, kind in real.items() if name not in named]
    key = tuple(field.column for field in one.key)
    if key and info.key and set(key) != set(info.key):
        found.append(Gap("、".join(key), "primaryKey", "、".join(info.key), grave=False))
    return found
