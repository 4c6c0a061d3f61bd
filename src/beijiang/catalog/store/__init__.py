"""All SQL of the catalog on its own tables."""

from beijiang.catalog.store.extensions import ExtensionStore
from beijiang.catalog.store.listing import entry_part
from beijiang.catalog.store.remarks import RemarkStore
from beijiang.catalog.store.resources import ResourceStore
from beijiang.catalog.store.search import Head, SearchRow, SearchStore
from beijiang.catalog.store.systems import SystemStore
from beijiang.catalog.store.words import POSTGRES_DDL, SQLITE_DDL, Document, WordIndex, link_term

__all__ = [
    "POSTGRES_DDL",
    "SQLITE_DDL",
    "Document",
    "ExtensionStore",
    "Head",
    "RemarkStore",
    "ResourceStore",
    "SearchRow",
    "SearchStore",
    "SystemStore",
    "WordIndex",
    "entry_part",
    "link_term",
]
