"""What every verb of the catalog needs: its parts, the stored resource, and one way to change it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from beijiang.access import Access, Organisation, Permission
from beijiang.catalog.events import EntryCheck, EntryMoved, ReleaseCheck
from beijiang.catalog.models import (
    Action,
    Entry,
    ExtensionField,
    ExtensionValue,
    Facet,
    Grade,
    Item,
    Level,
    OpenType,
    Personal,
    Release,
    Resource,
    Step,
    TaskKind,
    Version,
)
from beijiang.catalog.models.extension import fields_of, shown_value
from beijiang.catalog.models.lifecycle import TASK_OF, Move, actions_from, move_for
from beijiang.catalog.search.finder import Finder
from beijiang.catalog.search.shelf import Reader
from beijiang.catalog.service.indexing import Indexer, codes_of
from beijiang.catalog.store import ExtensionStore, ResourceStore, SearchStore
from beijiang.db import Database, Remembered, UnitOfWork
from beijiang.evidence import Evidence
from beijiang.kit import Actor, Clock, Conflict, NotFound, Rounds, Text
from beijiang.standards import Standards

if TYPE_CHECKING:
    from sqlalchemy import Row

    from beijiang.kit.errors import JsonValue

TOO_SENSITIVE = frozenset({Level.L3, Level.L4})
"""Grades that are never open as they are."""

_WARM_EVERY = 60.0
"""Seconds between two looks at what changed in the index; whoever searches meanwhile takes it in by themselves."""

_ANY_ORGANISATION = "*"
"""No organisation has this id: who may read its entries may read everybody's."""


class Base:
    """The catalog's parts, and the steps that all verbs share."""

    def __init__(
        self,
        db: Database,
        access: Access,
        evidence: Evidence,
        standards: Standards,
        clock: Clock,
        *,
        time_zone: str = "Asia/Shanghai",
    ) -> None:
        self._db = db
        self._access = access
        self._evidence = evidence
        self._standards = standards
        self._clock = clock
        self._zone = ZoneInfo(time_zone)
        self._indexer = Indexer(standards)
        self._finder = Finder(self._label)
        self.warming = Rounds("search", self.warm, _WARM_EVERY)
        """Keeps what a search goes by ready; a process that serves starts and stops it."""
        self._departments: dict[str, Text] = {}
        self.release_checks: Sequence[ReleaseCheck] = ()
        """Asked in this order before readers are moved to a version of a table; set in build.py."""
        self.entry_checks: Sequence[EntryCheck] = ()
        """Asked what an entry lacks beyond the rules of the catalog; set in build.py."""
        self.elsewhere: Callable[[str], Version | None] = lambda _: None
        """Asked for the published version of an entry that another node told; only who works in government sees it. Set in build.py."""
        self._releases: Remembered[Release | None] = Remembered(db)
        self._declared: Remembered[tuple[ExtensionField, ...]] = Remembered(db, 1)
        self._referring: Remembered[tuple[Row[Any], ...]] = Remembered(db)
        self._published: Remembered[tuple[Resource | None, Version | None]] = Remembered(db)

    def warm(self) -> None:
        """Make what a search goes by before somebody searches, or take in what changed since; nobody learns anything by it."""
        with self._db.read() as connection:
            self._finder.warm(SearchStore(connection))

    def _fields(self) -> tuple[ExtensionField, ...]:
        """Return every field that was declared, retired ones too."""
        return self._declared.get("fields", lambda connection: ExtensionStore(connection).all())

    def _asked(self, fields: Iterable[ExtensionField], org_id: str, day: date) -> tuple[ExtensionField, ...]:
        """Return the fields that an organisation's entries are asked on a day."""
        found = self._organisation(org_id)
        return fields_of(fields, found.region_code if found else None, day)

    def _values(self, entry: Entry, fields: Iterable[ExtensionField]) -> tuple[ExtensionValue, ...]:
        """Return what an entry holds in some fields, in words and in their order."""
        held = {one.field: one.value for one in entry.extensions}
        return tuple(
            ExtensionValue(
                field, held[field.key], shown_value(field, held[field.key], codes_of(self._standards, field.code_set))
            )
            for field in fields
            if field.key in held
        )

    def _public_values(self, entry: Entry) -> tuple[ExtensionValue, ...]:
        """Return what everybody may see of an entry's declared fields."""
        if not entry.extensions:
            return ()
        return self._values(entry, [one for one in self._fields() if one.is_public])

    def _is_inside(self, actor: Actor) -> bool:
        """Tell whether somebody works in government, and so may see fields that the public does not."""
        return self._access.allows(actor, Permission.CATALOG_RESOURCE_READ, actor.org_id or _ANY_ORGANISATION)

    def _kept_back(self, candidate: Release | None) -> Text | None:
        """Return the first reason why readers must not get what would be released, if there is one."""
        if candidate is None:
            return None
        return next((why for one in self.release_checks if (why := one.keeps_back(candidate)) is not None), None)

    def _today(self) -> date:
        return self._clock.now().astimezone(self._zone).date()

    def _reader(self, actor: Actor) -> Reader:
        """Tell whose unpublished entries the actor may see."""
        if self._access.allows(actor, Permission.CATALOG_RESOURCE_READ, _ANY_ORGANISATION):
            return Reader(everything=True)
        own = actor.org_id
        if own is not None and self._access.allows(actor, Permission.CATALOG_RESOURCE_READ, own):
            return Reader(org_id=own)
        return Reader()

    def _organisation(self, org_id: str) -> Organisation | None:
        try:
            return self._access.organisation(org_id)
        except NotFound:
            return None

    def _stored(self, store: ResourceStore, resource_id: str) -> Resource:
        found = store.get(resource_id)
        if found is None:
            raise _no_resource()
        return found

    def _peek(self, resource_id: str) -> Resource:
        """Return a resource for the question of access that comes next."""
        with self._db.read() as connection:
            return self._stored(ResourceStore(connection), resource_id)

    def _seen(self, actor: Actor, permission: Permission, resource_id: str) -> Resource:
        """Return a resource on which the actor may do this; one that the actor may not even see is not there.

        Raises:
            Denied: the actor sees it, but may not do this.
            NotFound: unknown or hidden, which look the same.

        """
        with self._db.read() as connection:
            found = ResourceStore(connection).get(resource_id)
        if found is not None and self._access.allows(actor, permission, found.provider_id):
            return found
        sees = Permission.CATALOG_RESOURCE_READ
        if found is None or not self._access.allows(actor, sees, found.provider_id):
            self._access.require(actor, sees)
            raise _no_resource()
        self._access.require(actor, permission, found.provider_id)
        return found

    def _save(self, tx: UnitOfWork, before: Resource, after: Resource) -> Resource:
        """Store a change and its search rows under the next revision."""
        now = self._clock.now()
        changed = replace(after, revision=before.revision + 1, updated_at=now)
        store = ResourceStore(tx.connection)
        store.save(changed, before=before.revision)
        self._indexer.put(tx.connection, changed, now)
        if before.version != changed.version or (changed.is_serving and before.grades != changed.grades):
            tx.publish(EntryMoved(resource_id=changed.id))
        return changed

    def _move(self, resource: Resource, action: Action) -> Move:
        """Return the step of the table for this action.

        Raises:
            Conflict: the state does not allow it; the message says what is possible.

        """
        move = move_for(resource.state, action)
        if move is None:
            possible = [str(found) for found in actions_from(resource.state)]
            raise Conflict(
                f"目录“{resource.entry.name}”当前为“{resource.state.text.zh}”，不能{_ACTIONS[action].zh}。{_hint(resource).zh}",
                f"“{resource.entry.name}” is {resource.state.text.en}, so you cannot {_ACTIONS[action].en}. {_hint(resource).en}",
                code="wrong_state",
                detail={"state": str(resource.state), "possible": list(possible)},
            )
        return move

    def _note_step(self, tx: UnitOfWork, actor: Actor, resource_id: str, move: Move, note: str = "") -> None:
        step = Step(
            at=self._clock.now(),
            actor_id=actor.id,
            actor_name=actor.name,
            action=move.action,
            source=move.source,
            target=move.target,
            note=note,
        )
        ResourceStore(tx.connection).add_step(resource_id, step)

    def _wait_for(self, tx: UnitOfWork, resource: Resource, *, update: bool = False) -> None:
        """Open the task that the state calls for, close the others."""
        store = ResourceStore(tx.connection)
        now = self._clock.now()
        kind = TASK_OF.get(resource.state)
        keep = {TaskKind.UPDATE} if update else set()
        store.close_tasks(resource.id, now, keep=frozenset({kind, *keep} - {None}))  # type: ignore[arg-type]
        for wanted in (kind, TaskKind.UPDATE if update else None):
            if wanted is not None:
                store.open_task(resource.id, wanted, self._task_values(wanted, now))

    def _task_values(self, kind: TaskKind, now: datetime) -> dict[str, object]:
        rule = self._standards.rule(kind.rule)
        due = self._standards.due(now.astimezone(self._zone).date(), int(rule.value))
        return {
            "opened_at": now,
            "due_on": due.on,
            "provisional": due.provisional,
            "rule_id": rule.id,
            "basis": rule.basis,
            "verified": rule.verified,
        }

    def _record(
        self,
        tx: UnitOfWork,
        actor: Actor,
        action: str,
        resource: Resource,
        **detail: JsonValue,
    ) -> None:
        facts: dict[str, JsonValue] = {"name": resource.entry.name, "table": resource.table, **detail}
        self._evidence.record(tx, actor, f"catalog.{action}", target=f"catalog:{resource.id}", detail=facts)

    def _department(self, org_id: str) -> Text:
        """Return the name of an organisation in both languages; it has no verb that changes it, so it is kept."""
        if org_id not in self._departments:
            found = self._access.organisation(org_id)
            self._departments[org_id] = Text(found.name_zh, found.name_en or found.name_zh)
        return self._departments[org_id]

    def _label(self, facet: Facet, value: str) -> Text:
        """Return the words for one value of a facet; nothing is kept of what a visitor may have made up."""
        name = self._names.get(facet)
        try:
            return Text(value, value) if name is None else name(value)
        except (NotFound, ValueError):
            return Text(value, value)

    @cached_property
    def _names(self) -> Mapping[Facet, Callable[[str], Text]]:
        """Return who knows the words for the values of each facet; what is not among them speaks for itself."""
        standards = self._standards
        return {
            Facet.THEME: lambda code: standards.category(code).plain,
            Facet.DEPARTMENT: self._department,
            Facet.REGION: lambda code: Text(standards.region(code).name, standards.region(code).name_en),
            Facet.FORMAT: lambda name: standards.format(name).words,
            Facet.UPDATE_CYCLE: lambda code: standards.update_cycle(code).name,
            Facet.OPEN_TYPE: lambda word: OpenType(word).text,
            Facet.EXTENSION: self._named_value,
        }

    def _named_value(self, pair: str) -> Text:
        """Return the words for a value of a declared field that searches are narrowed by; of another one nothing is told."""
        key, _, value = pair.partition("=")
        field = next((one for one in self._fields() if one.key == key and one.narrows), None)
        if field is None:
            raise NotFound("没有这个扩展字段。", "There is no such field.", code="unknown_field")
        shown = shown_value(field, value, codes_of(self._standards, field.code_set))
        return Text(f"{field.name.zh}：{shown.zh}", f"{field.name.en}: {shown.en}")


def graded(items: tuple[Item, ...], grades: Mapping[str, Grade]) -> tuple[Item, ...]:
    """Return the items with their grades; what is too sensitive to be open is set to not open."""
    found = []
    for item in items:
        grade = grades.get(item.column)
        if grade is None:
            found.append(item)
            continue
        closed = grade.level in TOO_SENSITIVE or grade.personal is Personal.SENSITIVE
        opening = OpenType.NOT_OPEN if closed else item.open_type
        found.append(replace(item, level=grade.level, kind=grade.kind, personal=grade.personal, open_type=opening))
    return tuple(found)


_ACTIONS = {
    Action.EDIT: Text("修改", "edit it"),
    Action.SUBMIT: Text("提交", "submit it"),
    Action.APPROVE: Text("审核通过", "approve it"),
    Action.REQUEST_PUBLISH: Text("申请发布", "ask for its publication"),
    Action.PUBLISH: Text("发布", "publish it"),
    Action.RETURN: Text("退回", "return it"),
    Action.REJECT: Text("拒绝注册", "refuse its registration"),
    Action.TAKE_OFFLINE: Text("取消发布", "take it offline"),
    Action.WITHDRAW: Text("撤销", "withdraw it"),
}


def _hint(resource: Resource) -> Text:
    words: Sequence[Text] = [_ACTIONS[action] for action in actions_from(resource.state)]
    if not words:
        return Text("该目录已终结。", "This entry has come to its end.")
    zh = "、".join(dict.fromkeys(word.zh for word in words))
    en = ", ".join(dict.fromkeys(word.en for word in words))
    return Text(f"现在可以：{zh}。", f"Possible now: {en}.")


def _no_resource() -> NotFound:
    return NotFound("没有这条目录。", "There is no such catalog entry.", code="unknown_resource")


__all__ = ["TOO_SENSITIVE", "Base", "graded"]
