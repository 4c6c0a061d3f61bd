"""Several entries decided on with one confirmation, each by the rules of its own step and on record by itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.catalog.models import DECIDED_MOST, Action, Decided, Planned, step_of
from beijiang.catalog.service.reviewing import Reviewing, waits
from beijiang.kit import BeijiangError, Conflict, Denied, Invalid, NotFound, Text, Unauthenticated

if TYPE_CHECKING:
    from beijiang.catalog.models import Resource
    from beijiang.kit import Actor

__all__ = ["Deciding"]

log = logging.getLogger(__name__)

_BROKEN: Final = Text(
    "系统出错，这一条没有办理；请稍后重试，仍不行请联系管理员。",
    "Something went wrong and it was not decided on; try again later, then ask the administrator.",
)
_RIGHTS: Final = {
    Action.APPROVE: Permission.CATALOG_RESOURCE_APPROVE,
    Action.PUBLISH: Permission.CATALOG_RESOURCE_PUBLISH,
}


class Deciding(Reviewing):
    """Plan decisions on several entries, and take them."""

    def may_decide(self, actor: Actor) -> bool:
        """Tell whether the actor reviews or publishes entries at all."""
        return any(self._access.allows(actor, right) for right in _RIGHTS.values())

    def plan_decisions(self, actor: Actor, resource_ids: Sequence[str]) -> tuple[Planned, ...]:
        """Return what deciding on these entries would do, and which of them the actor cannot decide on, and why; nothing is changed.

        One that is unknown or hidden, which look the same, is told as such, and does not hold the others.

        Raises:
            Invalid: more entries than anybody looks at (``too_many``).

        """
        return tuple(self._plan(actor, one) for one in _few([*dict.fromkeys(resource_ids)]))

    def decide_together(self, actor: Actor, seen: Mapping[str, str]) -> tuple[Decided, ...]:
        """Register or publish entries one by one, each as it was shown: ``seen`` is entry -> token of what was looked at.

        Each is its own step with its own record; one that cannot be decided is told, and the others go on.

        Raises:
            Unauthenticated: the session ended meanwhile.
            Invalid: more entries than anybody looks at (``too_many``).

        """
        return tuple(self._decide(actor, one, seen[one]) for one in _few([*seen]))

    def _plan(self, actor: Actor, resource_id: str) -> Planned:
        try:
            found = self._seen(actor, Permission.CATALOG_RESOURCE_READ, resource_id)
        except NotFound as error:
            return Planned(resource_id=resource_id, why=error.text)
        return Planned(resource_id=found.id, resource=found, why=self._obstacle(actor, found))

    def _decide(self, actor: Actor, resource_id: str, seen: str) -> Decided:
        name = ""
        try:
            found = self._seen(actor, Permission.CATALOG_RESOURCE_READ, resource_id)
            name = found.entry.name
            saved = self._take_step(actor, found, seen)
        except Unauthenticated:
            raise
        except BeijiangError as error:
            return Decided(resource_id=resource_id, name=name, why=error.text, code=error.reason)
        except Exception:  # others are decided on already, and whoever asked must hear of them
            log.exception("an entry could not be decided on")
            return Decided(resource_id=resource_id, name=name, why=_BROKEN, code=BeijiangError.code)
        return Decided(resource_id=saved.id, name=saved.entry.name, state=saved.state)

    def _take_step(self, actor: Actor, found: Resource, seen: str) -> Resource:
        action = step_of(found)
        if action is None:
            found.shown.check(seen)  # what changed says more than that nothing waits
            raise _waits_for_nothing(found)
        step = self.approve if action is Action.APPROVE else self.publish
        return step(actor, found.id, seen=seen)

    def _obstacle(self, actor: Actor, found: Resource) -> Text | None:
        """Say why the actor cannot decide on an entry, by the rules that the step itself asks."""
        try:
            self._can_decide(actor, found)
        except BeijiangError as error:
            return error.text
        return None

    def _can_decide(self, actor: Actor, found: Resource) -> None:
        action = step_of(found)
        if action is None:
            raise _waits_for_nothing(found)
        if not self._access.allows(actor, _RIGHTS[action], found.provider_id):
            whom = waits(found)
            raise Denied(f"不由您决定：{whom.zh}", f"It is not yours to decide: {whom.en}")
        self._not_own(actor, found)
        self._complete(found)
        why = self._kept_back(self._candidate(found)) if action is Action.PUBLISH else None
        if why is not None:
            raise Conflict(why.zh, why.en, code="version_held")


def _few(wanted: list[str]) -> list[str]:
    if len(wanted) > DECIDED_MOST:
        raise Invalid(
            f"一次最多决定 {DECIDED_MOST} 条目录，请分批。",
            f"At most {DECIDED_MOST} entries are decided on together; take them in parts.",
            code="too_many",
        )
    return wanted


def _waits_for_nothing(found: Resource) -> Conflict:
    return Conflict(
        f"现在没有要决定的：目录处于“{found.state.text.zh}”。",
        f"Nothing waits for a decision: the entry is {found.state.text.en}.",
        code="nothing_to_decide",
    )
