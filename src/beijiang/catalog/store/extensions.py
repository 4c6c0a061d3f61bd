"""All SQL on the fields that the region declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import String, cast, insert, select, update

from beijiang.catalog.models import ExtensionField, FieldKind, FieldPlace
from beijiang.catalog.store import schema as s
from beijiang.kit import Text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["ExtensionStore"]


class ExtensionStore:
    """Declared fields on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> tuple[ExtensionField, ...]:
        """Return every field, retired ones too, in their order."""
        query = select(s.extension_field).order_by(s.extension_field.c.position, s.extension_field.c.key)
        return tuple(_field(row) for row in self._connection.execute(query))

    def add(self, found: ExtensionField) -> None:
        """Store a new field."""
        self._connection.execute(insert(s.extension_field).values(key=found.key, **_values(found)))

    def save(self, found: ExtensionField) -> None:
        """Store what is said of a field now."""
        where = s.extension_field.c.key == found.key
        self._connection.execute(update(s.extension_field).where(where).values(**_values(found)))

    def holders(self, key: str) -> list[str]:
        """Return the ids of the resources whose text names a field, as its working entry or as a published version."""
        named = f'"{key}"'
        working = select(s.resource.c.id).where(cast(s.resource.c.entry, String).contains(named, autoescape=True))
        published = (
            select(s.resource.c.id)
            .join(
                s.version, (s.version.c.resource_id == s.resource.c.id) & (s.version.c.number == s.resource.c.version)
            )
            .where(s.version.c.document.contains(named, autoescape=True))
        )
        return sorted(self._connection.execute(working.union(published)).scalars())


def _values(found: ExtensionField) -> dict[str, Any]:
    return {
        "name_zh": found.name.zh,
        "name_en": found.name.en,
        "kind": found.kind.value,
        "code_set": found.code_set,
        "required_from": found.required_from,
        "places": sorted(place.value for place in found.places),
        "valid_from": found.valid_from,
        "valid_to": found.valid_to,
        "position": found.position,
        "region_code": found.region_code,
        "declared_at": found.declared_at,
        "changed_at": found.changed_at,
        "retired_at": found.retired_at,
    }


def _field(row: Row[Any]) -> ExtensionField:
    return ExtensionField(
        key=row.key,
        name=Text(row.name_zh, row.name_en),
        kind=FieldKind(row.kind),
        code_set=row.code_set,
        required_from=row.required_from,
        places=frozenset(FieldPlace(place) for place in row.places),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        position=row.position,
        region_code=row.region_code,
        declared_at=row.declared_at,
        changed_at=row.changed_at,
        retired_at=row.retired_at,
    )
