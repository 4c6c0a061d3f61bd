"""Plain data of lineage, and the reading of queries that needs no I/O."""

from beijiang.lineage.models.columns import SelectLineage, Unresolved, columns_of

__all__ = ["SelectLineage", "Unresolved", "columns_of"]
