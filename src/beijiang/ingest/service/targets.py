"""Where sources may be: decided by the security administrator, used by departments."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.ingest.models import AllowedTarget
from beijiang.ingest.store.sources import SourceStore
from beijiang.kit import Invalid, NotFound, new_id
from beijiang.outbound import Target, Use

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.kit import Actor, Clock

__all__ = ["Targets"]


class Targets:
    """The part of ``Sources`` that opens inner machines and folders, one by one."""

    db: Database
    access: Access
    evidence: Evidence
    clock: Clock

    def targets(self, actor: Actor) -> list[AllowedTarget]:
        """Return the machines and folders that may be reached, for what and by whom, newest first."""
        self.access.require(actor, Permission.ACCESS_TARGET_READ)
        with self.db.read() as connection:
            return SourceStore(connection).targets()

    def allow(self, actor: Actor, target: Target, reason: str) -> AllowedTarget:
        """Open one machine and port, or one folder, for what the target names and to whom.

        Raises:
            NotFound: no such department.
            Invalid: no reason, or no use.

        """
        self.access.require(actor, Permission.ACCESS_TARGET_ALLOW)
        if target.org_id:
            self.access.organisation(target.org_id)
        if not reason.strip():
            raise Invalid("请写明放行的理由。", "Say why it is opened.", code="reason_required")
        facts = {**asdict(target), "uses": tuple(sorted(use.value for use in target.uses))}
        allowed = AllowedTarget(
            id=new_id("tgt"), **facts, reason=reason, added_by=actor.name, added_at=self.clock.now()
        )
        with self.db.begin() as tx:
            SourceStore(tx.connection).add_target(allowed)
            self.evidence.record(tx, actor, "ingest.target_allow", target=allowed.id, detail=allowed.to_json())
        return allowed

    def close_target(self, actor: Actor, target_id: str) -> None:
        """Close a machine or folder again; the next connection is refused."""
        self.access.require(actor, Permission.ACCESS_TARGET_ALLOW)
        with self.db.begin() as tx:
            if not SourceStore(tx.connection).forget_target(target_id):
                raise NotFound("没有这个访问目标。", "There is no such target.", code="target_not_found")
            self.evidence.record(tx, actor, "ingest.target_close", target=target_id)

    def _allowed(self) -> list[Target]:
        with self.db.read() as connection:
            found = SourceStore(connection).targets()
        return [_opened(one) for one in found]


def _opened(one: AllowedTarget) -> Target:
    """Return what connections are held against."""
    return Target(
        host=one.host,
        port=one.port,
        network=one.network,
        folder=one.folder,
        uses=frozenset(map(Use, one.uses)),
        org_id=one.org_id,
        plain_http=one.plain_http,
    )
