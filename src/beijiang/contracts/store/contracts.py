"""Contracts with their versions, files by digest, and bindings."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from beijiang.contracts.models import Binding, Contract, State, Version
from beijiang.contracts.store.schema import contract, contract_binding, contract_file, contract_version

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["ContractStore"]

_C, _V, _B = contract.c, contract_version.c, contract_binding.c


class ContractStore:
    """Read and write contracts on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Contract]:
        """Return all contracts by name."""
        return self._filled(self._connection.execute(select(contract).order_by(_C.name, _C.id)).all())

    def get(self, contract_id: str) -> Contract | None:
        """Return a contract by our id."""
        return self._one(_C.id == contract_id)

    def named(self, org_id: str, odcs_id: str) -> Contract | None:
        """Return a contract of an organisation by the id that its file bears."""
        return self._one((_C.org_id == org_id) & (_C.odcs_id == odcs_id))

    def binding(self, table: str) -> tuple[Contract, str] | None:
        """Return the contract that a table is bound by, and the object in it."""
        row = self._connection.execute(select(contract_binding).where(_B.table_name == table)).one_or_none()
        found = None if row is None else self.get(row.contract_id)
        return None if row is None or found is None else (found, row.object)

    def add(self, made: Contract) -> None:
        """Add a contract without versions."""
        values = {"id": made.id, "odcs_id": made.odcs_id, "org_id": made.org_id, "name": made.name, "at": made.at}
        self._connection.execute(insert(contract).values(values))

    def rename(self, contract_id: str, name: str) -> None:
        """Give a contract the name that its newest file bears."""
        self._connection.execute(update(contract).where(_C.id == contract_id).values(name=name))

    def add_version(self, made: Version) -> None:
        """Add a version."""
        self._connection.execute(insert(contract_version).values(_values(made)))

    def save(self, changed: Version) -> bool:
        """Write the next revision of a version; false if somebody wrote one before."""
        done = self._connection.execute(
            update(contract_version)
            .where(_V.contract_id == changed.contract, _V.seq == changed.seq, _V.revision == changed.revision - 1)
            .values(_values(changed))
        )
        return done.rowcount == 1

    def keep(self, content: bytes, at: datetime) -> str:
        """Keep a file and return its digest; one that is there already is left alone."""
        digest = hashlib.sha256(content).hexdigest()
        known = self._connection.execute(select(contract_file.c.digest).where(contract_file.c.digest == digest))
        if known.one_or_none() is None:
            self._connection.execute(insert(contract_file).values(digest=digest, content=content, at=at))
        return digest

    def file(self, digest: str) -> bytes:
        """Return a file."""
        query = select(contract_file.c.content).where(contract_file.c.digest == digest)
        return bytes(self._connection.execute(query).scalar_one())

    def bind(self, table: str, contract_id: str, name: str) -> None:
        """Bind a table to an object."""
        self._connection.execute(
            insert(contract_binding).values(table_name=table, contract_id=contract_id, object=name)
        )

    def unbind(self, table: str) -> None:
        """Let a table go."""
        self._connection.execute(delete(contract_binding).where(_B.table_name == table))

    def _one(self, which: Any) -> Contract | None:
        row = self._connection.execute(select(contract).where(which)).one_or_none()
        return None if row is None else self._filled([row])[0]

    def _filled(self, rows: Any) -> list[Contract]:
        ids = [row.id for row in rows]
        wanted = _V.contract_id == ids[0] if len(ids) == 1 else _V.contract_id.is_not(None)
        mine = _B.contract_id == ids[0] if len(ids) == 1 else _B.contract_id.is_not(None)
        versions: dict[str, list[Version]] = defaultdict(list)
        for row in self._connection.execute(select(contract_version).where(wanted).order_by(_V.contract_id, _V.seq)):
            versions[row.contract_id].append(_version(row))
        bindings: dict[str, list[Binding]] = defaultdict(list)
        for row in self._connection.execute(select(contract_binding).where(mine).order_by(_B.table_name)):
            bindings[row.contract_id].append(Binding(row.object, row.table_name))
        return [
            Contract(
                id=row.id,
                odcs_id=row.odcs_id,
                org_id=row.org_id,
                name=row.name,
                at=row.at,
                versions=tuple(versions[row.id]),
                bindings=tuple(bindings[row.id]),
            )
            for row in rows
        ]


def _values(one: Version) -> dict[str, Any]:
    return {
        "contract_id": one.contract,
        "seq": one.seq,
        "version": one.version,
        "state": one.state.value,
        "digest": one.digest,
        "original": one.original,
        "revision": one.revision,
        "reason": one.reason,
        "by": one.by,
        "by_name": one.by_name,
        "at": one.at,
        "proposed_by": one.proposed_by,
        "proposed_at": one.proposed_at,
        "decided_by": one.decided_by,
        "decided_name": one.decided_name,
        "decided_at": one.decided_at,
        "decision": one.decision,
    }


def _version(row: Row[Any]) -> Version:
    return Version(
        contract=row.contract_id,
        seq=row.seq,
        version=row.version,
        state=State(row.state),
        digest=row.digest,
        original=row.original,
        revision=row.revision,
        reason=row.reason,
        by=row.by,
        by_name=row.by_name,
        at=row.at,
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_name=row.decided_name,
        decided_at=row.decided_at,
        decision=row.decision,
    )
