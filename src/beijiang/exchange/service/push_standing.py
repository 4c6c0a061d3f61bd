"""Whether anything may leave under a subscription, as whom the gate is asked, and what both sides are told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from beijiang.access import Permission
from beijiang.exchange.events import PushMoved
from beijiang.exchange.models import GrantState, Way
from beijiang.exchange.models.pushes import Push, PushState
from beijiang.exchange.service.base import Base
from beijiang.exchange.store import GrantStore, PushStore
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, Actor, ActorKind, BeijiangError, Text

if TYPE_CHECKING:
    from beijiang.exchange.service.recalling import Recalls
    from beijiang.kit.errors import JsonValue

__all__ = ["PushStanding"]


class PushStanding(Base):
    """The part of ``Pushes`` that asks again before every delivery."""

    recalls: Recalls

    def _standing(self, push: Push) -> bool:
        """Tell whether a subscription may go on; note and say what keeps it."""
        found = self._kept_by(push)
        state, why = (PushState.ACTIVE, None) if found is None else found
        if (push.state, push.why) != (state, why) and push.state in {PushState.ACTIVE, PushState.HELD}:
            ended: dict[str, Any] = {"secrets": {}} if state is PushState.ENDED else {}
            detail: dict[str, JsonValue] = {"state": state.value, "why": None if why is None else why.zh}
            with self.db.begin() as tx:
                if not PushStore(tx.connection).stand(push, {"state": state, "why": why, **ended}):
                    return False  # a person was faster; it is looked at again in a moment
                self.parts.evidence.record(tx, SYSTEM, "exchange.push_state", target=push.id, detail=detail)
                tx.publish(PushMoved(push_id=push.id))
            self._say(AlertKind.PUSH_HELD, push, why)
        return found is None

    def _kept_by(self, push: Push) -> tuple[PushState, Text] | None:
        with self.db.read() as connection:
            grant = GrantStore(connection).get(push.grant_id)
        standing = GrantState.REVOKED if grant is None else grant.standing(self.today)
        if grant is None or standing in {GrantState.REVOKED, GrantState.EXPIRED}:
            return PushState.ENDED, Text(f"授权{standing.text.zh}", f"the grant is {standing.text.en}")
        if Way.PUSH not in grant.terms.ways:
            return PushState.ENDED, Text("授权不再包含主动推送", "the grant does not give pushes any more")
        if standing is not GrantState.ACTIVE:
            return PushState.HELD, Text(f"授权{standing.text.zh}", f"the grant is {standing.text.en}")
        release = self.parts.catalog.released(push.table)
        if release is None or release.table_version in self.recalls.recalled(push.table):
            return PushState.HELD, Text(
                "现在没有可提供的版本（已召回或撤回）", "nothing is served now: recalled or withdrawn"
            )
        if self._actor(push) is None:
            return PushState.HELD, Text(
                f"负责人“{push.owner_name}”的账号或登记所用的密钥已停用或无权，请由同事恢复并负责",
                f'its owner "{push.owner_name}", or the key that it was registered with, may not have it pushed any more; a colleague can resume it and answers for it then',
            )
        return None

    def _actor(self, push: Push) -> Actor | None:
        """Return under whose rights the gate is asked: its owner with today's, less all but reading what was granted."""
        scopes = frozenset({Permission.PROTECTION_ROWS_READ_GRANTED})
        if push.owner_id == SYSTEM.id:
            return Actor(
                id=SYSTEM.id,
                name=f"{push.owner_name}（推送）",
                kind=ActorKind.APPLICATION,
                org_id=push.org_id,
                roles=frozenset({"steward"}),
                session_id=push.id,
                scopes=scopes,
            )
        try:
            owner = self.access.current(_registrant(push))
        except BeijiangError as error:
            if error.transient:
                raise
            return None
        needed = (Permission.PROTECTION_ROWS_READ_GRANTED, Permission.EXCHANGE_PUSH_DIRECT)
        if owner.org_id != push.org_id or not all(self.access.allows(owner, one, push.org_id) for one in needed):
            return None
        name = f"{owner.name}（推送）"
        return replace(owner, name=name, kind=ActorKind.PERSON, session_id=push.id, scopes=scopes)

    def _say(self, kind: AlertKind, push: Push, why: Text | None) -> None:
        """Tell both sides, or take back what they were told."""
        for org in dict.fromkeys((push.org_id, push.provider_id)):
            subject = f"{push.id}:{org}"
            self.parts.alerts.clear(kind, subject)
            if why is not None:
                text = Text(
                    f"“{push.resource_name}”的推送“{push.name}”：{why.zh}。",
                    f'Push "{push.name}" of {push.resource_name}: {why.en}.',
                )
                self.parts.alerts.say(kind, subject, org, text)


def _registrant(push: Push) -> Actor:
    """Return who registered or last directed a subscription, as whoever it was then: in person, or by a key."""
    kind = ActorKind.APPLICATION if push.owner_key else ActorKind.PERSON
    return Actor(id=push.owner_id, name=push.owner_name, kind=kind, session_id=push.owner_key or None)
