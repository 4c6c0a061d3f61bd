"""All SQL on the metadata tables of libraries."""

from beijiang.fusion.store.claims import ClaimStore
from beijiang.fusion.store.deciding import DecisionStore
from beijiang.fusion.store.libraries import LibraryStore
from beijiang.fusion.store.lists import library_part

__all__ = ["ClaimStore", "DecisionStore", "LibraryStore", "library_part"]
