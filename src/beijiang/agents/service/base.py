"""What the tools share: the parts, a table opened for an agent, and its citation."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from beijiang.agents.models import Citation
from beijiang.kit import NotFound
from beijiang.tables import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from beijiang.build import Platform
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.opendata import Dataset
    from beijiang.tables import GovernedTable

__all__ = ["Base", "Opened", "query_hash", "unknown"]

PURPOSE: Final = "agent"


@dataclass(frozen=True, slots=True)
class Opened:
    """A table as this agent may read it now, with the published entry where there is one."""

    governed: GovernedTable
    dataset: Dataset | None


class Base:
    """Holds the parts."""

    def __init__(self, platform: Platform, openapi: Callable[[], Mapping[str, Any]]) -> None:
        self.platform = platform
        self.openapi = openapi
        self.opendata = platform.opendata
        self.base = platform.opendata.base
        self.zone = platform.settings.time_zone

    def opened(self, actor: Actor, table_id: str) -> Opened:
        """Open a data set by its id or a table by its name, as far as the gate lets this actor.

        Raises:
            NotFound: unknown or hidden, which look the same, or an entry whose rows are not this actor's to have.

        """
        dataset = self._dataset(actor, table_id)
        if not actor.is_anonymous:
            table = table_id if dataset is None else dataset.table
            with suppress(NotFound):
                stored = self.platform.gate.find(table or table_id)
                governed = self.platform.tables.open(actor, stored, PURPOSE, Exit.AGENT)
                return Opened(governed, dataset or self._entry_of(actor, stored))
        if dataset is None:
            raise unknown()
        return Opened(self.opendata.governed(actor, table_id, Exit.AGENT), dataset)

    def table_of(self, actor: Actor, table_id: str) -> str:
        """Return the name of the table behind an id; a name stays what it is."""
        dataset = self._dataset(actor, table_id)
        return table_id if dataset is None or dataset.table is None else dataset.table

    def cite(self, opened: Opened, tool: str, asked: BaseModel) -> Citation:
        """Return what a reader has to name when the data are used."""
        dataset, governed = opened.dataset, opened.governed
        return Citation(
            dataset_id=None if dataset is None else dataset.id,
            title=governed.table if dataset is None else dataset.title,
            publisher="" if dataset is None else dataset.provider.zh,
            version=governed.version,
            data_as_of=None if dataset is None or dataset.data_at is None else dataset.data_at.isoformat(),
            url=None if dataset is None else f"{self.base}/datasets/{dataset.id}/versions#v{governed.version}",
            retrieved_at=self.platform.clock.now().isoformat(timespec="seconds"),
            query_hash=query_hash(tool, asked),
            licence=None if dataset is None or dataset.licence is None else dataset.licence.id,
            masked_columns=[column.name for column in governed.columns if column.masked],
            in_doubt=[*governed.in_doubt],
            receipt=governed.receipt,
        )

    def noted(self, actor: Actor, tool: str, asked: BaseModel, **facts: JsonValue) -> None:
        """Put the call into the evidence: who, which tool, the digest of the arguments, and what was handed over."""
        self.platform.evidence.note(
            actor, "agents.call", target=tool, detail={"arguments_sha256": query_hash(tool, asked), **facts}
        )

    def page_of(self, dataset_id: str) -> str:
        """Return the address of a data set's page."""
        return f"{self.base}/datasets/{quote(dataset_id, safe='')}"

    def _dataset(self, actor: Actor, dataset_id: str) -> Dataset | None:
        try:
            return self.opendata.dataset(actor, dataset_id)
        except NotFound:
            return None

    def _entry_of(self, actor: Actor, table: str) -> Dataset | None:
        """Return the published entry of a table that was opened by its name."""
        resource = self.platform.catalog.resource_for_table(table)
        return None if resource is None else self._dataset(actor, resource.id)


def query_hash(tool: str, asked: BaseModel) -> str:
    """Return the digest of a tool and its arguments."""
    words = json.dumps([tool, asked.model_dump(mode="json")], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()


def unknown() -> NotFound:
    """Return the one answer to what is made up and what is hidden."""
    return NotFound("没有找到，或者您无权查看。", "Not found, or you may not see it.", code="not_found")
