"""SQL on organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from beijiang.access.models import Organisation, OrganisationKind
from beijiang.access.store.schema import organisation, organisation_region

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row


class OrganisationStore:
    """Add and find organisations."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, *new: Organisation) -> None:
        """Store organisations with their region scopes, after all others in the order of lists; parents come first."""
        position = self.connection.execute(select(func.count()).select_from(organisation)).scalar_one()
        rows = [
            {
                "id": one.id,
                "name_zh": one.name_zh,
                "name_en": one.name_en,
                "short_zh": one.short_zh,
                "kind": str(one.kind),
                "uscc": one.uscc,
                "parent_id": one.parent_id,
                "region_code": one.region_code,
                "admin_tier": one.admin_tier,
                "position": place,
            }
            for place, one in enumerate(new, position)
        ]
        scopes = [{"org_id": one.id, "region_code": code} for one in new for code in sorted(one.region_scope)]
        for table, values in ((organisation, rows), (organisation_region, scopes)):
            if values:
                self.connection.execute(insert(table), values)

    def get(self, org_id: str) -> Organisation | None:
        """Return one organisation."""
        row = self.connection.execute(select(organisation).where(organisation.c.id == org_id)).one_or_none()
        if row is None:
            return None
        query = select(organisation_region.c.region_code).where(organisation_region.c.org_id == org_id)
        return _organisation(row, frozenset(self.connection.execute(query).scalars()))

    def all(self) -> list[Organisation]:
        """Return every organisation in the order they were added, parents before children."""
        scopes: dict[str, set[str]] = {}
        for org_id, code in self.connection.execute(select(organisation_region)):
            scopes.setdefault(org_id, set()).add(code)
        rows = self.connection.execute(select(organisation).order_by(organisation.c.position, organisation.c.id))
        return [_organisation(row, frozenset(scopes.get(row.id, ()))) for row in rows]

    def has_uscc(self, uscc: str) -> bool:
        """Tell whether an organisation with this credit code exists."""
        query = select(organisation.c.id).where(organisation.c.uscc == uscc)
        return self.connection.execute(query).first() is not None


def _organisation(row: Row[Any], scope: frozenset[str]) -> Organisation:
    return Organisation(
        id=row.id,
        name_zh=row.name_zh,
        name_en=row.name_en,
        short_zh=row.short_zh,
        kind=OrganisationKind(row.kind),
        uscc=row.uscc,
        parent_id=row.parent_id,
        region_code=row.region_code,
        admin_tier=row.admin_tier,
        region_scope=scope,
    )
