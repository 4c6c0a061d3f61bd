"""Where tables are kept: Delta folders under ``home/lake`` and two metadata tables about them."""

from beijiang.tables.store.lake import Lake
from beijiang.tables.store.metadata import TableStore

__all__ = ["Lake", "TableStore"]
