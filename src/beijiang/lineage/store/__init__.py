"""All SQL on the tables of lineage."""

from beijiang.lineage.store import schema
from beijiang.lineage.store.edges import LineageStore

__all__ = ["LineageStore", "schema"]
