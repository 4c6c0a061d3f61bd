"""All SQL on the metadata tables of protection."""

from beijiang.protection.store.grades import GradeStore, TableFacts

__all__ = ["GradeStore", "TableFacts"]
