"""The rows of one data set as one reader may have them: pages, charts, maps, views and files of what the gate gave."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from beijiang.kit import Invalid
from beijiang.opendata import charts, explorer, maps
from beijiang.opendata.models import RowPage
from beijiang.protection import files, rowquery

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.catalog import Published
    from beijiang.opendata.models import Dataset
    from beijiang.tables import Filter, GovernedColumn, GovernedTable

__all__ = ["Reading"]


class Reading:
    """The rows of one data set as one reader may have them now; made per request, never kept."""

    def __init__(
        self,
        found: Published,
        governed: GovernedTable,
        zone: str,
        describe: Callable[[], Dataset],
        region: Callable[[str], tuple[str, str, str] | None],
    ) -> None:
        self._region = region
        self.id = found.resource_id
        self.title = found.version.entry.name
        self._governed = governed
        self._zone = zone
        self._describe = describe

    @cached_property
    def dataset(self) -> Dataset:
        """Return all that is shown of the data set; programs that only want rows do not wait for it."""
        return self._describe()

    @property
    def columns(self) -> tuple[GovernedColumn, ...]:
        """Return the columns, masked ones marked."""
        return self._governed.columns

    @property
    def version(self) -> int:
        """Return the version of the rows."""
        return self._governed.version

    @property
    def contract(self) -> str:
        """Return the data contract that the rows are delivered under."""
        return self._governed.contract

    @property
    def governed(self) -> GovernedTable:
        """Return the rows as the gate gave them."""
        return self._governed

    @property
    def receipt(self) -> str:
        """Return the id of the receipt of this read."""
        return self._governed.receipt

    def tag(self, query: rowquery.RowQuery) -> str:
        """Return a word that changes whenever the answer to ``query`` could: version, columns, masks, rows, query."""
        shown = [(c.name, c.type) for c in self.columns]
        basis = [self._governed.table, self._governed.obligations, shown, query.pairs()]
        return hashlib.sha256(json.dumps(basis, ensure_ascii=False).encode()).hexdigest()[:32]

    def page(self, query: rowquery.RowQuery) -> RowPage:
        """Return one page of rows as plain values.

        Raises:
            Invalid: an unknown column, a value that does not fit its column, or a mark of another walk.

        """
        columns = self._chosen(query.columns)
        page = self._governed.page(filters=query.filters, sort=query.sort, after=query.after, limit=query.size)
        rows = files.records(page.rows.select([c.name for c in columns]), self._zone)
        return RowPage(
            columns=columns, rows=tuple(rows), next=page.next, version=self.version, count=self._count(query)
        )

    def sent(self, request: str, content: bytes) -> None:
        """Add to the receipt what was asked and the whole answer that was sent."""
        self._governed.delivered(files.digests(request, content), len(content))

    def _chosen(self, names: Sequence[str]) -> tuple[GovernedColumn, ...]:
        if not names:
            return self.columns
        known = {c.name: c for c in self.columns}
        unknown = [n for n in names if n not in known]
        if unknown:
            raise Invalid(
                f"没有“{unknown[0][:80]}”这一列。",
                f"There is no column “{unknown[0][:80]}”.",
                code="unknown_column",
                detail={"column": unknown[0][:80]},
            )
        return tuple(known[n] for n in dict.fromkeys(names))

    def _count(self, query: rowquery.RowQuery) -> int | None:
        """Count what this reader may have; without filters that is known, and a row rule's hidden rows are not in it."""
        return self._governed.count(query.filters) if query.count or not query.filters else None

    def at(self, places: Sequence[tuple[int, int]]) -> Sequence[Mapping[str, Any]]:
        """Return the rows at some places of the version as plain values, as far as this reader may have them."""
        return files.records(self._governed.rows_at(places).select([c.name for c in self.columns]), self._zone)

    def aggregate(self, spec: charts.ChartSpec) -> charts.Chart:
        """Compute one chart."""
        return charts.computed(spec, self._governed.aggregate(spec.aggregate()), self.version)

    def summary(self, plan: maps.MapPlan, filters: tuple[Filter, ...]) -> pa.Table:
        """Return the rows per place."""
        return self._governed.aggregate(maps.aggregate(plan, filters))

    def view(self, view: explorer.View) -> explorer.Answer:
        """Compute a view of the explorer; one by region is told the regions' codes and names."""
        found = explorer.compute(self._governed, view, self._zone)
        if view.form is not explorer.Form.REGIONS:
            return found
        known = {row[0]: self._region(str(row[0])) for row in found.rows if row[0] is not None}
        return replace(found, places={value: region for value, region in known.items() if region is not None})

    def file(self, order: files.DownloadOrder) -> files.Download:
        """Return the file of all rows that fit the order's filters."""
        name = files.file_name(self.title, self.version, order)
        content = files.receipted(self._governed, order)
        return files.Download(name, files.media_type(order), content, self._governed.contract, self._governed.receipt)
