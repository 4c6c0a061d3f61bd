"""All SQL on the metadata tables of assessment."""

from beijiang.assess.store.marks import MarkStore

__all__ = ["MarkStore"]
