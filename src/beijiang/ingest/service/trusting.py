"""Trust in a catalog holds for the catalog as it was: whoever changes it ends the trust, unless they could give it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.ingest.store.harvest import HarvestStore
from beijiang.kit import ActorKind

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.ingest.models import HarvestSetup, Source
    from beijiang.kit import Actor

__all__ = ["end_trust", "set_trust"]

_GIVES = (Permission.CATALOG_RESOURCE_APPROVE, Permission.CATALOG_RESOURCE_PUBLISH)


def set_trust(tx: UnitOfWork, evidence: Evidence, actor: Actor, source: Source, login: str) -> HarvestSetup:
    """Store who vouches for a source, nobody if ``login`` is empty; what waited under the trust before waits no more."""
    store = HarvestStore(tx.connection)
    setup = replace(store.setup(source.id), trusted_by=login)
    store.keep_setup(source.id, setup)
    store.release_none(source.id)
    evidence.record(tx, actor, "ingest.harvest_trust", target=source.id, detail={"trusted": bool(login)})
    return setup


def end_trust(tx: UnitOfWork, access: Access, evidence: Evidence, *, actor: Actor, source: Source) -> None:
    """End the trust in a source that this actor changes now, unless it is a person who may both approve and publish."""
    if not HarvestStore(tx.connection).setup(source.id).trusted_by:
        return
    if actor.kind is not ActorKind.PERSON or not all(access.allows(actor, p, source.org_id) for p in _GIVES):
        set_trust(tx, evidence, actor, source, "")
