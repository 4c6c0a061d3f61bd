"""What depends on a table's columns: tables made from them, the catalog entry that offers them, and who reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from beijiang.ingest import Affected, AffectedKind
from beijiang.kit import NotFound, Text

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.catalog import Catalog
    from beijiang.evidence import Evidence
    from beijiang.kit import Clock
    from beijiang.protection.service.grading import Protection

__all__ = ["ColumnImpact"]

_DAYS: Final = 90
"""Days of the log in which a reader counts as a consumer."""


class ColumnImpact:
    """Looks dependents up; the platform's own machinery asks, for a department's own table."""

    def __init__(
        self, protection: Protection, catalog: Catalog, access: Access, evidence: Evidence, clock: Clock
    ) -> None:
        self._protection = protection
        self._catalog = catalog
        self._access = access
        self._evidence = evidence
        self._clock = clock

    def of(self, table: str, columns: Sequence[str]) -> Sequence[Affected]:
        """Return what depends on some columns of a table, or on the table as such."""
        return (*self._made_from(table, columns), *self._offered(table, columns), *self._read_by(table))

    def _made_from(self, table: str, columns: Sequence[str]) -> Iterator[Affected]:
        for facts in self._protection.all_facts():
            used = sorted(
                name
                for name, origins in facts.origins.items()
                if any(origin.table == table and origin.column in columns for origin in origins)
            )
            if used:
                text = Text(
                    f"其列{'、'.join(used)}由这些列得出", f"its columns {', '.join(used)} are made from these columns"
                )
                yield Affected(AffectedKind.TABLE, facts.name, text)

    def _offered(self, table: str, columns: Sequence[str]) -> Iterator[Affected]:
        resource = self._catalog.resource_for_table(table)
        if resource is None:
            return
        release = self._catalog.released(table)
        if release is None:
            text = Text("尚未发布", "not published yet")
        else:
            offered = [n for n in columns if n in release.open_items | release.shared_items]
            listed = "、".join(offered)
            text = Text(
                f"已发布，对外提供其中的{listed}" if offered else "已发布，这些列不对外提供",
                f"published, and offers {', '.join(offered)}" if offered else "published, without these columns",
            )
        yield Affected(AffectedKind.RESOURCE, resource.entry.name, text)

    def _read_by(self, table: str) -> Iterator[Affected]:
        since = self._clock.now() - timedelta(days=_DAYS)
        for org_id, reads in self._evidence.readers(table, since):
            text = Text(f"近 {_DAYS} 天读取 {reads:,} 次", f"read it {reads:,} times in the last {_DAYS} days")
            yield Affected(AffectedKind.CONSUMER, self._name(org_id), text)

    def _name(self, org_id: str | None) -> str:
        if org_id is None:
            return "公众 / the public"
        try:
            return self._access.organisation(org_id).name_zh
        except NotFound:
            return org_id
