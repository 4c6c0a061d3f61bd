"""Who may know of what: a table by its metadata, foreign data by who declared them; the rest is there without a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from beijiang.access import Permission
from beijiang.lineage.models.graph import is_foreign, is_own

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.kit import Actor
    from beijiang.tables import Tables

__all__ = ["OwnName", "OwnNames", "Sight"]

OwnName: TypeAlias = "Callable[[Actor, str], str]"
"""Tell the name of a thing of the platform's own by its address; empty for one that the actor may not open."""
OwnNames: TypeAlias = "Mapping[str, OwnName]"
"""Who tells the name, by how an address begins: ``mining``, ``assess``, ``exchange``, ``apps``."""


class Sight:
    """Answers for one person and one question."""

    def __init__(self, actor: Actor, access: Access, tables: Tables, orgs: Mapping[str, str], names: OwnNames) -> None:
        self._actor = actor
        self._own_names = names
        self._called: dict[str, str] = {}
        self._access = access
        self._orgs = orgs
        self._seen = {info.name: info.org_id for info in tables.list(actor)}
        self._names: dict[str, str] = {}

    def org_of(self, dataset: str) -> str:
        """Return the organisation whose dataset it is; of foreign ones, who declared it."""
        return self._seen.get(dataset) or self._orgs.get(dataset, "")

    def sees(self, dataset: str) -> bool:
        """Tell whether the person may know of a dataset."""
        if is_foreign(dataset):
            declared = self._access.allows(self._actor, Permission.LINEAGE_GRAPH_READ, self._orgs.get(dataset))
            return declared or bool(self._name(dataset))
        if dataset in self._seen:
            return True
        org = self._orgs.get(dataset)  # a table that is gone
        return org is not None and self._access.allows(self._actor, Permission.TABLES_TABLE_READ_METADATA, org)

    def called(self, dataset: str) -> tuple[str, str]:
        """Return what people call a dataset, and its id if it is a thing of the platform's own that the person may open."""
        if not is_own(dataset):
            return dataset, ""
        own_id = dataset.rsplit("/", 1)[1]
        name = self._name(dataset)
        return (name, own_id) if name else (own_id, "")

    def _name(self, dataset: str) -> str:
        """Return the name of a thing of the platform's own that the person may open; empty for all else."""
        if dataset not in self._called:
            tell = self._own_names.get(dataset.partition("://")[0]) if is_own(dataset) else None
            self._called[dataset] = "" if tell is None else tell(self._actor, dataset)
        return self._called[dataset]

    def shown(self, dataset: str) -> str:
        """Return the name of a dataset, or ``hidden-1``, ``hidden-2``, ... for one that the person may not know of."""
        if dataset not in self._names:
            hidden = sum(name.startswith("hidden-") for name in self._names.values())
            self._names[dataset] = dataset if self.sees(dataset) else f"hidden-{hidden + 1}"
        return self._names[dataset]
