"""Trying many conditions on a few published entries, for who is told of what changed."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.catalog.models import Entry, Resource, State, Version
from beijiang.catalog.search.sieve import Sieve
from beijiang.catalog.service.base import Base
from beijiang.catalog.store import ResourceStore

if TYPE_CHECKING:
    from beijiang.kit import Actor


class Sifting(Base):
    """Conditions on entries that are at hand."""

    def sift(self, actor: Actor, ids: Collection[str]) -> Sieve:
        """Return some entries as everybody may know them, to try conditions on; what is not published is not among them."""
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        fields = self._fields()
        with self._db.read() as connection:
            store = ResourceStore(connection)
            found = store.of_page([*ids])
            return Sieve(
                self._indexer.grain(resource, _public(resource, version), store.public_moments(resource.id), fields)
                for resource, version in found.values()
                if version is not None
            )


def _public(resource: Resource, version: Version) -> Entry:
    return resource.entry if resource.state is State.PUBLISHED else version.entry
