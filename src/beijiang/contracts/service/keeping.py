"""Contracts come in as files, are made of tables, and are edited; what nobody touches stays byte for byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.contracts.errors import bound_elsewhere, nothing_open
from beijiang.contracts.models import (
    Contract,
    Document,
    Known,
    KnownColumn,
    State,
    Terms,
    Version,
    append,
    made_of,
    next_version,
    parse,
    put,
    read,
    remove,
    semver,
    usable,
)
from beijiang.contracts.service.base import Base
from beijiang.contracts.store import ContractStore
from beijiang.kit import Conflict, Invalid, NotFound, new_id

if TYPE_CHECKING:
    from beijiang.contracts.models import Finding
    from beijiang.contracts.models.editing import Value
    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor

__all__ = ["Edit", "Keeping"]

_FIXED: Final = frozenset({"apiVersion", "kind", "id", "status"})
"""Keys that no edit changes: what a contract is, and what is decided and not written."""
ID_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Changes of a file by JSON pointers (RFC 6901): single values, items to add to lists, items to take out."""

    put: Mapping[str, str | int | float | bool | None] | None = None
    add: Sequence[tuple[str, Mapping[str, Value]]] = ()
    remove: Sequence[str] = ()


class Keeping(Base):
    """Takes contracts in and lets them be worked on."""

    def check(self, actor: Actor, content: bytes) -> tuple[Terms, Sequence[Finding]]:
        """Return what a file says and what there is to say of it, faults first; nothing is kept.

        Raises:
            Invalid, TooLarge: it cannot be read at all.

        """
        self.access.require(actor, Permission.CONTRACTS_CONTRACT_READ, actor.org_id)
        return read(parse(content))

    def hand_in(self, actor: Actor, org_id: str, content: bytes, reason: str = "") -> Contract:
        """Keep a file as a contract of a department, or as the next version of one; it binds nobody before its approval.

        Objects that bear the name of a table of the department are bound to it.

        Raises:
            Invalid: the file has faults, each with line and column.
            Conflict: that version was decided with another text, or another version is still being worked on.

        """
        self.access.require(actor, Permission.CONTRACTS_CONTRACT_MANAGE, org_id)
        terms, _ = usable(parse(content))
        if len(terms.id) > ID_LONGEST:
            raise Invalid(
                f"id 最多 {ID_LONGEST} 字。", f"The id has {ID_LONGEST} characters at most.", code="contract_id"
            )
        with self.db.begin() as tx:
            store = ContractStore(tx.connection)
            found = store.named(org_id, terms.id) or self._begun(store, org_id, terms)
            kept = _same_text(found, terms, store.keep(content, self.clock.now()))
            if kept is None:
                version = self._versioned(tx, actor, found, terms, store.keep(content, self.clock.now()), reason)
                store.rename(found.id, _name(terms))
                self._bind_by_name(actor, store, found, terms)
                self._tell(tx, actor, "hand_in", found, version, reason)
        return self._seen(actor, found.id)

    def make(self, actor: Actor, table: str) -> Contract:
        """Make a draft of what the platform knows of a table: columns, key, grades, data elements, rules, update cycle.

        Raises:
            NotFound: no such table, or it is hidden.
            Conflict: a contract binds it already.

        """
        try:
            info = self.tables.get(actor, table)
        except NotFound:
            self.access.require(actor, Permission.CONTRACTS_CONTRACT_READ)
            raise
        self.access.require(actor, Permission.CONTRACTS_CONTRACT_MANAGE, info.org_id)
        with self.db.read() as connection:
            if ContractStore(connection).binding(info.name) is not None:
                raise bound_elsewhere(info.name)
        return self.hand_in(actor, info.org_id, made_of(self._known(actor, info.name)), f"据表“{info.name}”生成")

    def edit(self, actor: Actor, contract_id: str, edit: Edit, reason: str = "") -> Contract:
        """Change the draft of a contract, line by line; without a draft a new version begins from the one in force.

        Raises:
            Invalid: what comes of it is no contract, or a place that is not edited.
            Conflict: a change would touch other lines, or the draft waits for approval.

        """
        found = self._seen(actor, contract_id, Permission.CONTRACTS_CONTRACT_MANAGE)
        draft = self._open(found)
        if draft is not None and draft.state is not State.DRAFT:
            raise nothing_open()
        base = draft or found.newest
        document = self._document(base)
        if draft is None and "/version" not in (edit.put or {}):
            document = put(document, ("version",), next_version(base.version, breaking=False))
        document = _edited(document, edit)
        if document.text.encode() == self._document(base).text.encode():
            return found
        if draft is None:
            document = put(document, ("status",), "draft")
        terms, _ = usable(document)
        with self.db.begin() as tx:
            store = ContractStore(tx.connection)
            digest = store.keep(document.text.encode(), self.clock.now())
            if draft is None:
                version = self._versioned(tx, actor, found, terms, digest, reason)
            else:
                _check_number(found, terms, draft)
                version = self._save(tx, draft, version=terms.version, digest=digest, **self._author(actor, reason))
            store.rename(found.id, _name(terms))
            self._tell(tx, actor, "edit", found, version, reason)
        return self._seen(actor, found.id)

    def bind(self, actor: Actor, contract_id: str, name: str, table: str) -> Contract:
        """Say which table an object of a contract is about; to one in force only whoever may approve it does so.

        Raises:
            NotFound: no such object or table.
            Conflict: another contract binds the table.

        """
        found = self._seen(actor, contract_id, Permission.CONTRACTS_CONTRACT_READ)
        self._may_bind(actor, found)
        info = self.tables.get(actor, table)
        if info.org_id != found.org_id:
            raise Invalid(
                "契约与数据表应属于同一部门。", "A contract binds tables of its own department.", code="table_of_others"
            )
        if self._terms(found.newest).object(name) is None:
            raise NotFound(
                f"契约中没有对象“{name[:60]}”。", f'The contract has no object "{name[:60]}".', code="object_not_found"
            )
        with self.db.begin() as tx:
            store = ContractStore(tx.connection)
            if store.binding(info.name) is not None:
                raise bound_elsewhere(info.name)
            store.bind(info.name, found.id, name)
            self._bound_now(tx, actor, found, info.name, name)
            self._tell(tx, actor, "bind", found, found.newest, f"{name} → {info.name}")
        return self._seen(actor, found.id)

    def unbind(self, actor: Actor, contract_id: str, table: str, reason: str) -> Contract:
        """Let a table go; the rules that the contract brought end with it.

        Raises:
            Invalid: no reason.
            NotFound: the contract does not bind it.

        """
        found = self._seen(actor, contract_id, Permission.CONTRACTS_CONTRACT_READ)
        self._may_bind(actor, found)
        if not reason.strip():
            raise Invalid("请说明理由。", "A reason is needed.", code="reason_needed")
        if table not in {binding.table for binding in found.bindings}:
            raise NotFound(
                f"契约没有约束表“{table[:60]}”。", f'The contract does not bind "{table[:60]}".', code="table_not_bound"
            )
        with self.db.begin() as tx:
            ContractStore(tx.connection).unbind(table)
            self.quality.agree(tx, table, found.id, (), actor, reason)
            self._tell(tx, actor, "unbind", found, found.newest, f"{table}: {reason}")
        return self._seen(actor, found.id)

    def _may_bind(self, actor: Actor, found: Contract) -> None:
        """Return if the actor may say what a contract binds: of one in force that is a decision."""
        decides = found.active is not None
        permission = Permission.CONTRACTS_CONTRACT_APPROVE if decides else Permission.CONTRACTS_CONTRACT_MANAGE
        self.access.require(actor, permission, found.org_id)

    def _bound_now(self, tx: UnitOfWork, actor: Actor, found: Contract, table: str, name: str) -> None:
        raise NotImplementedError

    def _begun(self, store: ContractStore, org_id: str, terms: Terms) -> Contract:
        made = Contract(id=new_id("dc"), odcs_id=terms.id, org_id=org_id, name=_name(terms), at=self.clock.now())
        store.add(made)
        return made

    def _author(self, actor: Actor, reason: str) -> dict[str, object]:
        return {
            "by": actor.id,
            "by_name": actor.name[:200],
            "at": self.clock.now(),
            "reason": reason.strip()[:1000],
        }

    def _versioned(
        self, tx: UnitOfWork, actor: Actor, found: Contract, terms: Terms, digest: str, reason: str
    ) -> Version:
        """Add a version as a draft, or give the draft that there is another text."""
        _check_number(found, terms, found.open)
        said = self._author(actor, reason)
        draft = found.open
        if draft is not None:
            if draft.state is not State.DRAFT:
                raise nothing_open()
            changes = {"version": terms.version, "digest": digest, "original": digest}
            return self._save(tx, draft, **changes, **said)
        made = Version(
            contract=found.id,
            seq=len(found.versions) + 1,
            version=terms.version,
            state=State.DRAFT,
            digest=digest,
            original=digest,
            revision=1,
            reason=reason.strip()[:1000],
            by=actor.id,
            by_name=actor.name[:200],
            at=self.clock.now(),
        )
        ContractStore(tx.connection).add_version(made)
        return made

    def _bind_by_name(self, actor: Actor, store: ContractStore, found: Contract, terms: Terms) -> None:
        own = {info.name for info in self.tables.list(actor) if info.org_id == found.org_id}
        for one in terms.objects:
            table = next((name for name in (one.physical_name, one.name) if name in own), None)
            known = any(binding.object == one.name for binding in found.bindings)
            if table is not None and not known and store.binding(table) is None and found.active is None:
                store.bind(table, found.id, one.name)

    def _known(self, actor: Actor, table: str) -> Known:
        info = self.tables.get(actor, table)
        grades = {grade.column: str(grade.level) for grade in self.protection.grades(actor, table)}
        mapped = {view.column.name: view.mapped for view in self.mappings.columns(actor, table)}
        resource = self.catalog.resource_for_table(table)
        cycle = self.catalog.cycle_of(table)
        interval = None if cycle is None else self.standards.update_cycle(cycle).interval
        columns = []
        for column in info.columns:
            one = mapped.get(column.name)
            columns.append(
                KnownColumn(
                    column.name,
                    column.type,
                    column.comment,
                    not column.nullable,
                    info.key.index(column.name) + 1 if column.name in info.key else 0,
                    grades.get(column.name, ""),
                    one.element if one is not None and one.confirmed else "",
                )
            )
        org = self.access.organisation(info.org_id)
        return Known(
            table=info.name,
            org_id=info.org_id,
            org_name=org.name_zh,
            title=info.name if resource is None else resource.entry.name,
            summary="" if resource is None else resource.entry.summary,
            columns=tuple(columns),
            rules=tuple(self.quality.rules(actor, table)),
            cycle_days=None if interval is None else max(1, interval.days),
            base=self.settings.public_url.rstrip("/"),
        )


def _edited(document: Document, edit: Edit) -> Document:
    for pointer, value in (edit.put or {}).items():
        document = put(document, _path(pointer), value)
    places = sorted((_path(pointer) for pointer in edit.remove), key=lambda p: (p[:-1], p[-1]), reverse=True)
    for place in places:
        document = remove(document, place)
    for pointer, item in edit.add:
        document = append(document, _path(pointer), item)
    return document


def _path(pointer: str) -> tuple[str | int, ...]:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    if not pointer.startswith("/") or not steps or steps[0] in _FIXED:
        raise Invalid(
            f"“{pointer[:80]}”不能这样修改：标识由文件决定，状态由批准决定。",
            f'"{pointer[:80]}" is not edited: the id is what the contract is, its status is decided.',
            code="contract_pointer",
        )
    return tuple(int(step) if step.isdecimal() and len(step) < 7 else step for step in steps)  # noqa: PLR2004 - places in lists


def _check_number(found: Contract, terms: Terms, draft: Version | None) -> None:
    """Return if a version comes after all that were decided.

    Raises:
        Conflict: it does not.

    """
    others = [v for v in found.versions if draft is None or v.seq != draft.seq]
    newest = max((semver(v.version) or (0, 0, 0) for v in others), default=None)
    number = semver(terms.version)
    if newest is not None and (number is None or number <= newest):
        last = ".".join(str(part) for part in newest)
        raise Conflict(
            f"版本 {terms.version} 应大于已有的 {last}。请提高 version。",
            f"Version {terms.version} does not come after {last}. Raise the version.",
            code="contract_version_used",
        )


def _same_text(found: Contract, terms: Terms, digest: str) -> Version | None:
    """Return the version that has this text already."""
    return next((v for v in found.versions if v.version == terms.version and digest in {v.digest, v.original}), None)


def _name(terms: Terms) -> str:
    return (terms.name or terms.data_product or terms.id)[:300]
