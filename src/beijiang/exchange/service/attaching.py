"""Entries that a service stands behind, in place of a table: how requests, decisions and grants see them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.exchange.models import way_problems
from beijiang.exchange.models.services import service_id_of
from beijiang.exchange.service.base import Base
from beijiang.exchange.store import ServiceStore
from beijiang.kit import NotFound
from beijiang.protection import Served, ServedField, field_grade

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.catalog import Published
    from beijiang.exchange.models import Problem, Service, ServiceVersion, Terms
    from beijiang.tables import Filter

__all__ = ["Attaching", "served"]


class Attaching(Base):
    """Below requests and grants."""

    def _as_service(self, known: Published) -> Published:
        """Return an entry without a table as its service makes it: named like it, with the grades of its fields."""
        if known.table is not None:
            return known
        with self.db.read() as connection:
            store = ServiceStore(connection)
            service = store.of_resource(known.resource_id)
            version = None if service is None or service.live is None else store.version(service.id, service.live)
        if service is None or version is None:
            return known
        grades = dict(known.grades)
        for one in served(service, version).fields:
            grades[one.column] = max(grades.get(one.column, "L1"), str(one.level))
        return replace(known, table=service.table, table_version=version.number, grades=grades)

    def _way_problems(self, known: Published, terms: Terms) -> list[Problem]:
        found = self._served(known.table or "")
        return way_problems(terms, None if found is None else [one.column for one in found.fields])

    def _check_filters(self, table: str, version: int, filters: Sequence[Filter]) -> None:
        """Return if conditions fit the columns of a table, or the fields of a service.

        Raises:
            Invalid: they do not fit.
            NotFound: no such table or service.

        """
        found = self._served(table)
        if found is not None:
            self.parts.answers.check_filters(found, filters)
            return
        self.parts.gate.check_filters(table, version, filters)

    def _served(self, table: str) -> Served | None:
        """Return the service that grants know by this name; None for a table."""
        wanted = service_id_of(table)
        if wanted is None:
            return None
        with self.db.read() as connection:
            store = ServiceStore(connection)
            service = store.get(wanted)
            version = None if service is None or service.live is None else store.version(service.id, service.live)
        if service is None or version is None:
            raise NotFound("没有这个服务接口。", "There is no such service.", code="service_not_found")
        return served(service, version)


def served(service: Service, version: ServiceVersion, levels: Mapping[str, str] | None = None) -> Served:
    """Return a version of a service as the gate knows it; ``levels`` are those of the entry, and the stricter holds."""
    fields = []
    for one in version.spec.fields:
        stated = max(one.level, (levels or {}).get(one.column, "L1"))
        level, kind = field_grade(one.column, one.type.value, stated, one.kind)
        fields.append(ServedField(one.column, one.type.value, level, kind))
    return Served(
        name=service.table,
        version=version.number,
        resource_id=service.resource_id,
        provider_id=service.provider_id,
        fields=tuple(fields),
        at=version.offered_at or version.at,
    )
