"""What a decision would do, before it is taken: nothing is changed here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange.errors import data_moved
from beijiang.exchange.models import GranteeKind, GrantState, Move, Narrowing, Problem
from beijiang.exchange.models.changes import ChangePlan, DecisionPlan, PushAtStake, less_of
from beijiang.exchange.service.travelling import Travelling
from beijiang.exchange.store import GrantStore, ProfileStore, PushStore
from beijiang.kit import SYSTEM, Conflict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.access import ApiKey
    from beijiang.exchange.models import Grant
    from beijiang.kit import Actor

__all__ = ["Planning", "grant_state"]

_RUNS: Final = frozenset({GrantState.ACTIVE, GrantState.WAITING, GrantState.SUSPENDED})
_FROM: Final[Mapping[Move, frozenset[GrantState]]] = {
    Move.SUSPEND: frozenset({GrantState.ACTIVE, GrantState.WAITING}),
    Move.RESUME: frozenset({GrantState.SUSPENDED}),
    Move.CUT: _RUNS,
    Move.REVOKE: frozenset(GrantState) - {GrantState.REVOKED},
    Move.GIVE_UP: frozenset(GrantState) - {GrantState.REVOKED},
}
"""How a grant stands that is changed so."""
_TO: Final[Mapping[Move, GrantState]] = {
    Move.SUSPEND: GrantState.SUSPENDED,
    Move.RESUME: GrantState.ACTIVE,
    Move.REVOKE: GrantState.REVOKED,
    Move.GIVE_UP: GrantState.REVOKED,
}


class Planning(Travelling):
    """Below the verbs that decide on requests and change grants."""

    applications: Callable[[str, str], Sequence[str]] | None = None
    """The names of a department's hosted applications that read a table; wired when everything is there."""

    def plan_decision(self, actor: Actor, request_id: str, narrowing: Narrowing | None = None) -> DecisionPlan:
        """Return what approving a request would do now, with less than asked for where narrowed; nothing is changed.

        Raises:
            NotFound: no such request.
            Conflict: no stage of it is worked at.
            Denied: it is another's to decide, or the actor's own request.
            Invalid: it would give more than was asked for, or nothing.

        """
        before, _ = self._to_decide(actor, request_id)
        by = narrowing or Narrowing()
        offered = before.offered.narrowed(by)
        if by.filters and before.outward is None:
            self._check_filters(before.table, 0, by.filters)
        known = self._published(actor, before.draft.resource_id)
        problems = self._wrong(known, offered, before)
        if self._moved(before, known):
            problems = [Problem("data_moved", data_moved().text), *problems]
        stages = self._stages(known, offered, before)
        coming = range(before.at_stage + 1, len(stages))
        return DecisionPlan(
            problems=tuple(problems),
            offered=offered,
            less=less_of(before.draft.terms, offered),
            stages=tuple(self._planned(stages, place, before.provider_id) for place in coming),
            leaves=not coming and before.outward is not None,
        )

    def plan_change(self, actor: Actor, grant_id: str, move: Move, narrowing: Narrowing | None = None) -> ChangePlan:
        """Return what suspending, resuming, narrowing, revoking or giving up a grant would do; nothing is changed.

        Raises:
            NotFound: no such grant.
            Conflict: it cannot be changed so as it stands, or there is no such change (``grant_state``).
            Denied: it is another's to change.
            Invalid: a narrowing that would give more than before, or nothing.

        """
        found = self._changeable(actor, grant_id, move)
        after = found if move is not Move.CUT else replace(found, terms=found.terms.narrowed(narrowing or Narrowing()))
        if narrowing is not None and narrowing.filters and move is Move.CUT:
            self._check_filters(found.table, 0, narrowing.filters)
        to = _TO.get(move, found.standing(self.today))
        ends = move in {Move.SUSPEND, Move.REVOKE, Move.GIVE_UP}
        less = less_of(found.terms, after.terms)
        lost = set(found.terms.columns) if ends else set(less.columns)
        with self.db.read() as connection:
            others = [one for one in GrantStore(connection).active(found.table) if _same_holder(one, found)]
            pushes = [one for one in PushStore(connection).live() if one.grant_id == found.id]
            usage = GrantStore(connection).usage(found.id)
            keys = self._keys_of(found)
            links = ProfileStore(connection).issued([key.id for key in keys])
        others = [one for one in others if one.standing(self.today) is GrantState.ACTIVE]
        kept = {column for one in others for column in one.terms.columns}
        names = self.applications(found.table, found.org_id) if self.applications is not None else ()
        return ChangePlan(
            move=move,
            grant=found,
            after=to,
            ends=ends,
            less=less,
            kept=tuple(column for column in found.terms.columns if column in lost & kept),
            pushes=tuple(PushAtStake(id=one.id, name=one.name, target=one.target) for one in pushes),
            keys=len(keys),
            links=len(links),
            applications=tuple(names),
            calls=sum(day.calls for day in usage),
            rows=sum(day.rows for day in usage),
            last_used=usage[0].day if usage else None,
        )

    def _changeable(self, actor: Actor, grant_id: str, move: Move) -> Grant:
        """Return a grant that the actor may change so, as it stands now."""
        found = self._held(actor, grant_id)
        if move is Move.GIVE_UP:
            self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, found.org_id)
        else:
            self.access.require(actor, Permission.EXCHANGE_GRANT_MANAGE, found.provider_id)
        standing = found.standing(self.today)
        if standing not in _FROM.get(move, ()):
            raise grant_state(standing)
        return found

    def _keys_of(self, grant: Grant) -> list[ApiKey]:
        """Return the valid API keys by which a grant is used: the one it is for, or those of its holders."""
        now = self.clock.now()
        keys = [one for one in self.access.keys(SYSTEM) if one.revoked_at is None and one.expires_at > now]
        if grant.grantee_kind is GranteeKind.APPLICATION:
            return [one for one in keys if one.id == grant.grantee_id]
        people = {one.id for one in self.access.people(SYSTEM) if one.org_id == grant.org_id}
        if grant.grantee_kind is not GranteeKind.ORGANISATION:
            people = {grant.grantee_id}
        return [one for one in keys if one.person_id in people]


def grant_state(state: GrantState) -> Conflict:
    """Return the error for a change that a grant does not allow as it stands."""
    return Conflict(
        f"授权现为“{state.text.zh}”，不能这样办理。",
        f"The grant is {state.text.en}; this is not possible now.",
        code="grant_state",
        detail={"state": state.value},
    )


def _same_holder(one: Grant, other: Grant) -> bool:
    return one.id != other.id and one.holder == other.holder
