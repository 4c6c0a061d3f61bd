"""What the verbs of contracts share: their parts, who may see what, and one way to change a version."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from beijiang.access import Permission
from beijiang.contracts.errors import changed_meanwhile, no_contract
from beijiang.contracts.models import OPEN_STATES, State, parse, usable
from beijiang.contracts.store import ContractStore
from beijiang.db import Remembered

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog import Catalog
    from beijiang.contracts.models import Contract, Document, Finding, Terms, Version
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.protection import Protection
    from beijiang.quality import Mappings, Quality
    from beijiang.settings import Settings
    from beijiang.standards import Standards
    from beijiang.tables import Tables

__all__ = ["Base"]


@lru_cache(maxsize=32)
def _parsed(content: bytes) -> Document:
    return parse(content)


@lru_cache(maxsize=32)
def _read(content: bytes) -> tuple[Terms, tuple[Finding, ...]]:
    return usable(_parsed(content))


class Base:
    """Holds the parts; asks for access."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        tables: Tables,
        quality: Quality,
        mappings: Mappings,
        protection: Protection,
        catalog: Catalog,
        standards: Standards,
        access: Access,
        evidence: Evidence,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self.db = db
        self.tables = tables
        self.quality = quality
        self.mappings = mappings
        self.protection = protection
        self.catalog = catalog
        self.standards = standards
        self.access = access
        self.evidence = evidence
        self.clock = clock
        self.settings = settings
        self.bindings: Remembered[tuple[Contract, str] | None] = Remembered(db)
        """Of a table: the contract that it is bound by, and the object in it."""

    def _seen(
        self, actor: Actor, contract_id: str, permission: Permission = Permission.CONTRACTS_CONTRACT_READ
    ) -> Contract:
        """Return a contract on which the actor may do this; unknown and hidden look the same."""
        with self.db.read() as connection:
            found = ContractStore(connection).get(contract_id)
        if found is None or not self.access.allows(actor, Permission.CONTRACTS_CONTRACT_READ, found.org_id):
            self.access.require(actor, Permission.CONTRACTS_CONTRACT_READ)
            raise no_contract()
        self.access.require(actor, permission, found.org_id)
        return found

    def _document(self, version: Version) -> Document:
        with self.db.read() as connection:
            return _parsed(ContractStore(connection).file(version.digest))

    def _terms(self, version: Version) -> Terms:
        return self._usable(version)[0]

    def _usable(self, version: Version) -> tuple[Terms, tuple[Finding, ...]]:
        """Return what a version says; files do not change, so what was read is remembered for a while."""
        with self.db.read() as connection:
            return _read(ContractStore(connection).file(version.digest))

    def _save(self, tx: UnitOfWork, before: Version, **changes: Any) -> Version:
        """Write the next revision of a version.

        Raises:
            Conflict: somebody else did (``contract_changed``).

        """
        changed = replace(before, revision=before.revision + 1, **changes)
        if not ContractStore(tx.connection).save(changed):
            raise changed_meanwhile()
        return changed

    def _tell(self, tx: UnitOfWork, actor: Actor, action: str, found: Contract, version: Version, reason: str) -> None:
        detail: dict[str, JsonValue] = {
            "contract": found.odcs_id,
            "version": version.version,
            "state": version.state.value,
            "sha256": version.digest,
            "reason": reason,
        }
        self.evidence.record(tx, actor, f"contracts.{action}", target=found.id, detail=detail)

    @staticmethod
    def _open(found: Contract, *states: State) -> Version | None:
        one = found.open
        return one if one is not None and one.state in (states or OPEN_STATES) else None
