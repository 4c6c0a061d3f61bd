"""The verbs on organisations. Which organisations there are is public; changing them is not."""

from __future__ import annotations

from functools import cached_property

from beijiang.access.errors import unknown_organisation
from beijiang.access.models import Organisation, OrganisationDraft, Permission, RegionFacts
from beijiang.access.service.decisions import Decisions
from beijiang.access.store import OrganisationStore
from beijiang.db import Remembered, UnitOfWork
from beijiang.kit import Actor, Conflict, new_id


class Organisations(Decisions):
    """Keep the tree of organisations."""

    @cached_property
    def _known(self) -> Remembered[Organisation | None]:
        return Remembered(self._db)

    @cached_property
    def _tree(self) -> Remembered[tuple[Organisation, ...]]:
        return Remembered(self._db, 1)

    def organisation(self, org_id: str) -> Organisation:
        """Return one organisation.

        Raises:
            NotFound: there is none with this id.

        """
        found = self._known.get(org_id, lambda connection: OrganisationStore(connection).get(org_id))
        if found is None:
            raise unknown_organisation(org_id)
        return found

    def organisations(self) -> list[Organisation]:
        """Return all organisations, parents before children."""
        return list(self._tree.get("all", lambda connection: tuple(OrganisationStore(connection).all())))

    def add_organisation(self, actor: Actor, draft: OrganisationDraft) -> Organisation:
        """Add an organisation to the tree.

        Raises:
            Conflict: the id or the credit code is taken.
            NotFound: the parent is unknown.

        """
        self.require(actor, Permission.ACCESS_ORGANISATION_MANAGE)
        draft.checked()
        with self._db.begin() as tx:
            return self._add_organisation(tx, actor, draft)

    def seed_region(self, actor: Actor, facts: RegionFacts) -> int:
        """Add the governments and departments of the region that are not there yet; return how many were added."""
        self.require(actor, Permission.ACCESS_ORGANISATION_MANAGE)
        with self._db.begin() as tx:
            known = {organisation.id for organisation in OrganisationStore(tx.connection).all()}
            drafts = [draft.checked() for draft in facts.drafts() if draft.id not in known]
            OrganisationStore(tx.connection).add(*map(_from_draft, drafts))
            if drafts:
                self._evidence.record(
                    tx, actor, "access.region.seed", target="organisations", detail={"added": len(drafts)}
                )
        return len(drafts)

    def admit(self, tx: UnitOfWork, actor: Actor, draft: OrganisationDraft) -> bool:
        """Add an organisation in the caller's transaction unless it is there; tell whether it was added."""
        self.require(actor, Permission.ACCESS_ORGANISATION_MANAGE)
        if draft.id is not None and OrganisationStore(tx.connection).get(draft.id) is not None:
            return False
        self._add_organisation(tx, actor, draft.checked())
        return True

    def _add_organisation(self, tx: UnitOfWork, actor: Actor, draft: OrganisationDraft) -> Organisation:
        store = OrganisationStore(tx.connection)
        new = _from_draft(draft)
        if store.get(new.id) is not None or (new.uscc is not None and store.has_uscc(new.uscc)):
            raise Conflict(
                f"机构标识“{new.id}”或其统一社会信用代码已被使用。",
                f"The id “{new.id}” or the credit code is already taken.",
                code="organisation_exists",
                detail={"organisation": new.id},
            )
        if new.parent_id is not None and store.get(new.parent_id) is None:
            raise unknown_organisation(new.parent_id)
        store.add(new)
        self._evidence.record(tx, actor, "access.organisation.add", target=new.id, detail={"name": new.name_zh})
        return new


def _from_draft(draft: OrganisationDraft) -> Organisation:
    return Organisation(
        id=draft.id or new_id("org"),
        name_zh=draft.name_zh.strip(),
        name_en=draft.name_en.strip(),
        kind=draft.kind,
        admin_tier=draft.admin_tier,
        short_zh=draft.short_zh,
        uscc=draft.uscc,
        parent_id=draft.parent_id,
        region_code=draft.region_code,
        region_scope=draft.region_scope,
    )
