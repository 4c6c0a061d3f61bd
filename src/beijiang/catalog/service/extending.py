"""The fields that the region declares beyond the national guide: said here, asked for at the next edit, never forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.catalog.models import Entry, ExtensionField, ExtensionValue, FieldDraft
from beijiang.catalog.models.extension import FIELDS_MOST
from beijiang.catalog.service.base import Base
from beijiang.catalog.service.indexing import codes_of
from beijiang.catalog.store import ExtensionStore, ResourceStore
from beijiang.kit import Conflict, NotFound, Text

if TYPE_CHECKING:
    from datetime import date

    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Extending"]

_DECLARE = Permission.CATALOG_FIELD_DECLARE
_READ = Permission.CATALOG_RESOURCE_READ


class Extending(Base):
    """Declared fields and who may say what of them."""

    def extension_fields(self, actor: Actor) -> tuple[ExtensionField, ...]:
        """Return every field, retired ones too; outside government those whose values everybody may see."""
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        fields = self._fields()
        return fields if self._is_inside(actor) else tuple(one for one in fields if one.is_public)

    def extension_field(self, actor: Actor, key: str) -> ExtensionField:
        """Return one field.

        Raises:
            NotFound: there is none of this key, or the reader may not see it.

        """
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        return _named(self.extension_fields(actor), key)

    def asked_fields(self, actor: Actor, org_id: str) -> tuple[ExtensionField, ...]:
        """Return the fields that an organisation's entries are asked today, in order."""
        self._access.require(actor, _READ, org_id)
        return self._asked(self._fields(), org_id, self._today())

    def today(self) -> date:
        """Return the day by which fields and due dates are counted."""
        return self._today()

    def extension_values(self, actor: Actor, entry: Entry) -> tuple[ExtensionValue, ...]:
        """Return what an entry holds in the fields that the reader may see, retired ones too, in words."""
        return self._values(entry, self.extension_fields(actor))

    def field_choices(self, actor: Actor) -> dict[str, dict[str, Text]]:
        """Return what may be chosen in each field of a code set, by the field's key."""
        return {
            one.key: codes_of(self._standards, one.code_set) for one in self.extension_fields(actor) if one.code_set
        }

    def field_use(self, actor: Actor, key: str) -> int:
        """Return how many entries hold a value of a field, now or in the version that serves."""
        self._access.require(actor, _DECLARE)
        with self._db.read() as connection:
            return len(ExtensionStore(connection).holders(_named(ExtensionStore(connection).all(), key).key))

    def declare_field(self, actor: Actor, draft: FieldDraft) -> ExtensionField:
        """Declare a field. Entries are asked for it from its first day on; those that are published stay as they are.

        Raises:
            Denied: the actor does not keep the catalog's fields.
            Invalid: the draft is not in order.
            NotFound: there is no such code set or region.
            Conflict: the key is taken, by a retired field too, or there are too many.

        """
        self._access.require(actor, _DECLARE)
        told = self._known(draft.checked())
        now, today = self._clock.now(), self._today()
        begins = told.valid_from or today
        with self._db.begin() as tx:
            store = ExtensionStore(tx.connection)
            there = store.all()
            if any(one.key == told.key for one in there):
                raise _taken(told.key)
            if len(there) >= FIELDS_MOST:
                raise Conflict(
                    f"扩展字段最多 {FIELDS_MOST} 个。请修改已有的字段。",
                    f"There are {FIELDS_MOST} fields at most; change one that there is.",
                    code="too_many_fields",
                )
            made = ExtensionField(
                key=told.key,
                name=Text(told.name_zh, told.name_en),
                kind=told.kind,
                code_set=told.code_set,
                required_from=max(begins, today) if told.required else None,
                places=told.places,
                valid_from=begins,
                valid_to=told.valid_to,
                position=told.position,
                region_code=told.region_code,
                declared_at=now,
                changed_at=now,
            )
            store.add(made)
            self._note(tx, actor, "declare_field", made)
            return made

    def change_field(self, actor: Actor, key: str, draft: FieldDraft) -> ExtensionField:
        """Say something else of a field: names, where it is shown, whether it must be there. Key, kind and code set stay.

        Raises:
            NotFound: there is no such field, or no such region.
            Invalid: the draft is not in order, or would change the kind.

        """
        self._access.require(actor, _DECLARE)
        with self._db.begin() as tx:
            found = _named(ExtensionStore(tx.connection).all(), key)
            told = self._known(replace(draft, key=key, kind=found.kind, code_set=found.code_set).checked())
            today = self._today()
            required = found.required_from or max(told.valid_from or found.valid_from, today)
            changed = replace(
                found,
                name=Text(told.name_zh, told.name_en),
                required_from=required if told.required else None,
                places=told.places,
                valid_from=told.valid_from or found.valid_from,
                valid_to=told.valid_to,
                position=told.position,
                region_code=told.region_code,
            )
            return found if changed == found else self._changed(tx, actor, "change_field", changed)

    def retire_field(self, actor: Actor, key: str) -> ExtensionField:
        """Ask nobody for a field any more; the values that entries have stay, and are shown as before.

        Raises:
            NotFound: there is no such field.
            Conflict: it is retired already.

        """
        self._access.require(actor, _DECLARE)
        with self._db.begin() as tx:
            found = _named(ExtensionStore(tx.connection).all(), key)
            if found.retired_at is not None:
                raise Conflict("该字段已停用。", "This field is retired already.", code="field_retired")
            return self._changed(tx, actor, "retire_field", replace(found, retired_at=self._clock.now()))

    def restore_field(self, actor: Actor, key: str) -> ExtensionField:
        """Ask for a retired field again; who must have it is counted from today.

        Raises:
            NotFound: there is no such field.
            Conflict: it is not retired.

        """
        self._access.require(actor, _DECLARE)
        with self._db.begin() as tx:
            found = _named(ExtensionStore(tx.connection).all(), key)
            if found.retired_at is None:
                raise Conflict("该字段没有停用。", "This field is not retired.", code="field_not_retired")
            required = self._today() if found.required_from else None
            return self._changed(tx, actor, "restore_field", replace(found, retired_at=None, required_from=required))

    def _changed(self, tx: UnitOfWork, actor: Actor, action: str, field: ExtensionField) -> ExtensionField:
        """Store a field and what searches know of it."""
        now = self._clock.now()
        saved = replace(field, changed_at=now)
        store, resources = ExtensionStore(tx.connection), ResourceStore(tx.connection)
        store.save(saved)
        for resource_id in store.holders(saved.key):
            self._indexer.put(tx.connection, self._stored(resources, resource_id), now)
        self._note(tx, actor, action, saved)
        return saved

    def _note(self, tx: UnitOfWork, actor: Actor, action: str, field: ExtensionField) -> None:
        detail: dict[str, JsonValue] = {
            "name": field.name.zh,
            "kind": field.kind.value,
            "required_from": _day(field.required_from),
            "places": [str(place) for place in sorted(field.places)],
            "valid_from": _day(field.valid_from),
            "valid_to": _day(field.valid_to),
            "region": field.region_code,
        }
        self._evidence.record(tx, actor, f"catalog.{action}", target=f"catalog-field:{field.key}", detail=detail)

    def _known(self, draft: FieldDraft) -> FieldDraft:
        if draft.code_set:
            self._standards.code_set(draft.code_set)
        if draft.region_code:
            self._standards.region(draft.region_code)
        return draft


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _named(fields: tuple[ExtensionField, ...], key: str) -> ExtensionField:
    found = next((one for one in fields if one.key == key), None)
    if found is None:
        raise NotFound("没有这个扩展字段。", "There is no such field.", code="unknown_field")
    return found


def _taken(key: str) -> Conflict:
    return Conflict(
        f"标识“{key}”已用于另一个字段（可能已停用）。标识不会再用，请换一个，或恢复原字段。",
        f"The key “{key}” is another field's, perhaps a retired one. Keys are used once: choose another, or restore that field.",
        code="field_taken",
        detail={"key": key},
    )
