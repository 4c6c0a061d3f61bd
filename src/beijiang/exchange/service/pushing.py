"""Pushes (主动推送): a consumer registers where a granted table is brought to, and follows what becomes of each delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.exchange.errors import changed_meanwhile, no_delivery, no_grant, no_push
from beijiang.exchange.events import PushMoved
from beijiang.exchange.models import GranteeKind, Way
from beijiang.exchange.models.pushes import (
    Push,
    PushDelivery,
    PushDeliveryState,
    PushDraft,
    PushMode,
    PushMove,
    PushPlan,
    PushQuery,
    PushState,
    PushView,
)
from beijiang.exchange.models.turns import MatterReader
from beijiang.exchange.service.base import said
from beijiang.exchange.service.push_watch import Attempt, bounded
from beijiang.exchange.service.push_work import PushWork
from beijiang.exchange.store import GrantStore, LedgerLists, PushStore
from beijiang.ingest import AlertKind, Parcel, TimingKind
from beijiang.kit import ActorKind, Conflict, Denied, Invalid, NotFound, Text, new_id
from beijiang.tables import Exit

if TYPE_CHECKING:
    from beijiang.exchange.models import Grant
    from beijiang.ingest import Destination, Timing
    from beijiang.kit import Actor, Part, Wanted
    from beijiang.kit.errors import JsonValue
    from beijiang.protection import Governed

__all__ = ["Pushes"]

_NAME_LONGEST: Final = 100
_TARGET_LONGEST: Final = 300
_LOOK_SECONDS: Final = 60.0
"""For a look at the far side while somebody waits."""
_MOST: Final = 20
"""Subscriptions under one grant."""


class Pushes(PushWork):
    """Subscriptions of departments to what they were granted."""

    def kinds(self, actor: Actor) -> list[dict[str, JsonValue]]:
        """Return every kind of destination with its options as a JSON schema."""
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        return self.destinations.described()

    def plan(self, actor: Actor, draft: PushDraft) -> PushPlan:
        """Return what a subscription would do: columns, masks, rows, and what it would meet at the far side. Nothing is sent.

        Raises:
            NotFound: no such grant, or nothing can be read under it now.
            Invalid: the grant gives no pushes, an option is wrong, or the far side does not fit.
            Unavailable: the far side does not answer.

        """
        grant = self._own_grant(actor, draft)
        timing = self._checked(draft)
        push_id = new_id("psh")
        options, secrets = self.destinations.sealed(push_id, draft.kind, draft.options)
        there = self.destinations.open(push_id, draft.kind, options, secrets, grant.org_id)
        governed = self._looked_at(actor, grant)
        warnings = []
        if draft.mode is PushMode.CHANGES and not governed.key:
            warnings.append(
                Text(
                    "表没有主键，或主键不在授权的原值数据项中：每次全量推送",
                    "the table has no key, or the grant does not give it as it is: every delivery brings everything anew",
                )
            )
        release = self.parts.catalog.released(grant.table)
        parcel = Parcel(
            id="plan",
            push=push_id,
            sequence=1,
            table=grant.table,
            version=governed.version,
            before=None,
            key=governed.key,
            schema=governed.schema(),
            target=draft.target.strip(),
            at=self.clock.now(),
        )
        working = self.parts.standards.calendar.is_working
        return PushPlan(
            grant=grant,
            version=None if release is None else release.table_version,
            mode=draft.mode if governed.key else PushMode.FULL,
            rows=governed.count(),
            columns=tuple((column.name, column.type) for column in governed.columns),
            masked=tuple(column.name for column in governed.columns if column.masked),
            key=governed.key,
            there=self._looked_there(there, parcel),
            next_at=None if timing is None else timing.next(self.clock.now(), self.parts.zone, working),
            warnings=tuple(warnings),
        )

    def called(self, kind: str) -> Text:
        """Return what a kind of destination is called."""
        return self.destinations.kind(kind).text

    def add(self, actor: Actor, draft: PushDraft) -> Push:
        """Register a destination; the first delivery brings everything.

        Raises:
            NotFound: no such grant.
            Invalid: the grant gives no pushes, or an option is wrong.
            Conflict: too many subscriptions under the grant, or one of this name.

        """
        grant = self._own_grant(actor, draft)
        timing, name = self._checked(draft), draft.name.strip()
        with self.db.read() as connection:
            known, count = PushStore(connection).find(PushQuery(grant_id=grant.id), (), every=True)
        live = [one for one in known if one.state is not PushState.ENDED]
        if any(one.name == name for one in live) or len(live) >= _MOST:
            raise Conflict(
                f"该授权已有名为“{name}”的推送，或已达 {_MOST} 个（共 {count} 个）。",
                f'The grant has a push "{name}" already, or {_MOST} of them.',
                code="push_exists",
            )
        push_id = new_id("psh")
        options, secrets = self.destinations.sealed(push_id, draft.kind, draft.options)
        made = Push(
            id=push_id,
            grant_id=grant.id,
            org_id=grant.org_id,
            provider_id=grant.provider_id,
            table=grant.table,
            resource_name=grant.resource_name,
            name=name,
            kind=draft.kind,
            target=self.destinations.shown_as(draft.kind, options, draft.target),
            options=options,
            secrets=secrets,
            mode=draft.mode,
            timing=timing,
            owner_id=actor.id,
            owner_name=actor.name,
            owner_key=_answering(actor)["owner_key"],
            created_at=self.clock.now(),
            next_at=None if timing is None else self.clock.now(),
        )
        detail: dict[str, JsonValue] = {
            "grant": grant.id,
            "table": grant.table,
            "kind": draft.kind,
            "target": made.target,
            "options": {**options},
            "mode": draft.mode.value,
            "timing": None if timing is None else timing.to_json(),
        }
        with self.db.begin() as tx:
            PushStore(tx.connection).add(made)
            self._record(tx, actor, made, PushMove.ADD, detail)
            tx.publish(PushMoved(push_id=made.id))
        self._rounds.nudge()
        return made

    def pushes(self, actor: Actor, query: PushQuery | None = None) -> tuple[Sequence[Push], int]:
        """Return the subscriptions of and from the actor's departments, newest first, and how many there are."""
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        with self.db.read() as connection:
            store = PushStore(connection)
            known = store.organisations()
            orgs = [org for org in sorted(known) if self.access.allows(actor, Permission.EXCHANGE_GRANT_READ, org)]
            return store.find(query or PushQuery(), orgs, every=len(orgs) == len(known))

    def push_part(self, actor: Actor, query: PushQuery, wanted: Wanted) -> Part[Push]:
        """Return a part of the subscriptions that were asked for and the actor may see, narrowed, counted and sorted."""
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        with self.db.read() as connection:
            known = PushStore(connection).organisations()
            orgs = [org for org in sorted(known) if self.access.allows(actor, Permission.EXCHANGE_GRANT_READ, org)]
            reader = MatterReader(orgs=orgs, every=len(orgs) == len(known))
            return LedgerLists(connection).pushes(query, wanted, reader, self.clock.now())

    def view(self, actor: Actor, push_id: str) -> PushView:
        """Return one subscription with its deliveries, newest first.

        Raises:
            NotFound: no such subscription, or not this actor's to see.

        """
        push = self._peek(actor, push_id)
        with self.db.read() as connection:
            deliveries = PushStore(connection).deliveries(push.id)
            grant = GrantStore(connection).get(push.grant_id)
        if grant is None:
            raise no_grant()
        release = self.parts.catalog.released(push.table)
        return PushView(
            push=push,
            grant=grant,
            deliveries=tuple(deliveries),
            released=None if release is None else release.table_version,
            may_manage=self.access.allows(actor, Permission.EXCHANGE_REQUEST_MAKE, push.org_id),
            may_stop=self.access.allows(actor, Permission.EXCHANGE_GRANT_MANAGE, push.provider_id),
            in_doubt=self.parts.gate.doubts.among(push.table, grant.terms.columns),
        )

    def delivery(self, actor: Actor, delivery_id: str) -> PushDelivery:
        """Return one delivery of a subscription that the actor may see.

        Raises:
            NotFound: no such delivery, or not this actor's to see, which look the same.

        """
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        with self.db.read() as connection:
            found = PushStore(connection).delivery(delivery_id)
        try:
            if found is not None:
                self._peek(actor, found.push_id)
                return found
        except NotFound:
            pass
        raise no_delivery()

    def dead(self, actor: Actor) -> Sequence[tuple[Push, PushDelivery]]:
        """Return the dead letters of and from the actor's departments, newest first."""
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        with self.db.read() as connection:
            store = PushStore(connection)
            found = [(store.get(one.push_id), one) for one in store.dead()]
        sees = self.access.allows
        return [
            (push, one)
            for push, one in found
            if push is not None
            and any(sees(actor, Permission.EXCHANGE_GRANT_READ, org) for org in (push.org_id, push.provider_id))
        ]

    def change(
        self,
        actor: Actor,
        push_id: str,
        *,
        options: Mapping[str, Any] | None = None,
        timing: Timing | None = None,
        on_release: bool = False,
    ) -> Push:
        """Change options or the schedule; secrets that are not given stay, unless the destination moves.

        Raises:
            Invalid: an option is wrong, or secrets have to be given again (``secrets_needed``).

        """
        push = self._answered_for(actor, push_id)
        values: dict[str, Any] = {}
        if options:
            before = (dict(push.options), dict(push.secrets))
            plain, secrets = self.destinations.sealed(push.id, push.kind, options, before)
            place = self.destinations.shown_as(push.kind, plain, push.target)
            values |= {"options": plain, "secrets": secrets, "target": place, **_answering(actor)}
            moved = {n for n in ("host", "port", "database", "endpoint", "bucket", "prefix", "url", "path")
                     if plain.get(n) != push.options.get(n)}  # fmt: skip
            values |= _anew(push) if moved else {}
        if timing is not None:
            values |= {"timing": self._timing(timing), "next_at": self.clock.now()}
        elif on_release:
            values |= {"timing": None, "next_at": None}
        changed: list[JsonValue] = [*sorted(options or {}), *(["timing"] if timing or on_release else [])]
        detail: dict[str, JsonValue] = {"changed": changed}
        if options:
            detail |= {"options_before": {**push.options}, "options": {**values["options"]}}
        return self._moved(actor, push, PushMove.CHANGE, values, detail)

    def pause(self, actor: Actor, push_id: str, words: str = "") -> Push:
        """Stop for now; for the consumer, and for the provider with a reason."""
        push = self._peek(actor, push_id)
        mine = self.access.allows(actor, Permission.EXCHANGE_REQUEST_MAKE, push.org_id)
        if not mine:
            self.access.require(actor, Permission.EXCHANGE_GRANT_MANAGE, push.provider_id)
        self._require_live(push, PushState.ACTIVE, PushState.HELD)
        why = said(words, needed=not mine)
        by = Text(f"由{actor.name}暂停：{why}", f"paused by {actor.name}: {why}")
        state = PushState.PAUSED if mine else PushState.STOPPED
        return self._moved(actor, push, PushMove.PAUSE, {"state": state, "why": by}, {"words": why})

    def resume(self, actor: Actor, push_id: str) -> Push:
        """Go on; whoever resumes it answers for it from then on. What the provider stopped the provider lets go on."""
        push = self._peek(actor, push_id)
        if push.state is PushState.STOPPED:
            self.access.require(actor, Permission.EXCHANGE_GRANT_MANAGE, push.provider_id)
            return self._moved(actor, push, PushMove.RESUME, {"state": PushState.ACTIVE, "why": None}, {})
        push = self._answered_for(actor, push_id)
        self._require_live(push, PushState.PAUSED, PushState.HELD, PushState.ACTIVE)
        resumed = {"state": PushState.ACTIVE, "why": None, **_answering(actor)}
        return self._moved(actor, push, PushMove.RESUME, resumed, {})

    def end(self, actor: Actor, push_id: str, words: str = "") -> Push:
        """End a subscription and forget its secrets; what is at the far side stays there."""
        push = self._managed(actor, push_id)
        self._require_live(push, PushState.ACTIVE, PushState.HELD, PushState.PAUSED, PushState.STOPPED)
        why = Text(f"由{actor.name}结束", f"ended by {actor.name}")
        ended = self._moved(
            actor, push, PushMove.END, {"state": PushState.ENDED, "why": why, "secrets": {}}, {"words": words}
        )
        for kind in (AlertKind.PUSH_HELD, AlertKind.PUSH_DEAD, AlertKind.PUSH_DIFFERS):
            self._say(kind, ended, None)
        return ended

    def now(self, actor: Actor, push_id: str, *, whole: bool = False) -> Push:
        """Deliver at the next look instead of waiting; ``whole`` brings everything anew.

        Raises:
            Conflict: nothing is new (``push_nothing_new``), or it does not go on now.

        """
        push = self._answered_for(actor, push_id)
        self._require_live(push, PushState.ACTIVE)
        with self.db.read() as connection:
            waiting = PushStore(connection).open_delivery(push.id)
        release = self.parts.catalog.released(push.table)
        if waiting is None and not whole and release is not None and release.table_version == push.version:
            raise Conflict(
                "目标处已是现行版本，没有新的内容。如需重新推送全部数据，请选择全量。",
                "The far side has the version that is served. To bring everything anew, ask for the whole.",
                code="push_nothing_new",
            )
        now = self.clock.now()
        values: dict[str, Any] = {} if push.timing is None else {"next_at": now}
        values |= _anew(push) if whole else {}
        if waiting is not None:
            with self.db.begin() as tx:
                PushStore(tx.connection).move(waiting.id, {"next_at": now})
        return self._moved(actor, push, PushMove.NOW, values, {"whole": whole})

    def replay(self, actor: Actor, delivery_id: str) -> PushDelivery:
        """Try a dead letter again; what changed meanwhile goes with it.

        Raises:
            Conflict: it is no dead letter, or another delivery is under way.

        """
        push, found = self._letter(actor, delivery_id)
        self._answered_for(actor, push.id)
        with self.db.read() as connection:
            waiting = PushStore(connection).open_delivery(push.id)
        if waiting is not None:
            raise Conflict(
                "已有一次交付在进行，它会带上这一次的内容。",
                "Another delivery is under way and brings what this one held.",
                code="push_under_way",
            )
        fresh = {
            "state": PushDeliveryState.WAITING,
            "attempts": 0,
            "error": None,
            "next_at": self.clock.now(),
            "ended_at": None,
        }
        return self._letter_moved(actor, push, found, PushMove.REPLAY, fresh)

    def drop(self, actor: Actor, delivery_id: str, words: str) -> PushDelivery:
        """Give a dead letter up, with a reason; a later version brings its rows all the same.

        Raises:
            Invalid: no reason.

        """
        push, found = self._letter(actor, delivery_id)
        dropped = {"state": PushDeliveryState.DROPPED, "ended_at": self.clock.now()}
        return self._letter_moved(actor, push, found, PushMove.DROP, dropped, said(words, needed=True))

    # Inside

    def _own_grant(self, actor: Actor, draft: PushDraft) -> Grant:
        with self.db.read() as connection:
            grant = GrantStore(connection).get(draft.grant_id)
        if grant is None or not self.access.allows(actor, Permission.EXCHANGE_REQUEST_MAKE, grant.org_id):
            self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, actor.org_id)
            raise no_grant()
        if grant.grantee_kind is GranteeKind.APPLICATION:
            raise _another_holder()
        self._require_reader(actor, grant)
        if Way.PUSH not in grant.terms.ways:
            raise Invalid(
                "这项授权不包含主动推送。请申请时选择“主动推送”。",
                "The grant gives no pushes. Ask for data with the way: pushed.",
                code="push_not_granted",
            )
        return grant

    def _checked(self, draft: PushDraft) -> Timing | None:
        name = draft.name.strip()
        if not name or len(name) > _NAME_LONGEST or not name.isprintable() or len(draft.target) > _TARGET_LONGEST:
            raise Invalid(
                f"推送名称为 1 至 {_NAME_LONGEST} 个字符，目标不超过 {_TARGET_LONGEST} 个。",
                f"A push has a name of 1 to {_NAME_LONGEST} characters and a target of {_TARGET_LONGEST} at most.",
                code="bad_name",
            )
        return None if draft.timing is None else self._timing(draft.timing)

    def _timing(self, timing: Timing) -> Timing:
        if timing.kind is TimingKind.AFTER:
            raise Invalid(
                "推送可按时间，或在每个新版本之后；不能跟随取数任务。",
                "A push goes by time, or at every new version; it follows no sync.",
                code="push_timing",
            )
        return timing.checked()

    def _looked_at(self, actor: Actor, grant: Grant) -> Governed:
        """Open the table for a look at its columns; no row is handed out by it."""
        return self.parts.gate.open(actor, grant.table, grant.purpose, Exit.PUSH_PLAN, grant=grant.id)

    def _looked_there(self, there: Destination, parcel: Parcel) -> Text:
        """Return what the far side says, for as long as somebody would wait for it."""
        found: list[Text] = []
        attempt = Attempt(replace(self.limits, seconds=_LOOK_SECONDS, idle=_LOOK_SECONDS), there.outbound.cut)
        why, _ = bounded(attempt, lambda: found.append(there.look(parcel)), self._stopping)
        if why is not None:
            raise why
        return found[0]

    def _peek(self, actor: Actor, push_id: str) -> Push:
        with self.db.read() as connection:
            found = PushStore(connection).get(push_id)
        if found is not None:
            sides = (found.org_id, found.provider_id)
            if any(self.access.allows(actor, Permission.EXCHANGE_GRANT_READ, org) for org in sides):
                return found
        self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
        raise no_push()

    def _managed(self, actor: Actor, push_id: str) -> Push:
        push = self._peek(actor, push_id)
        self.access.require(actor, Permission.EXCHANGE_REQUEST_MAKE, push.org_id)
        return push

    def _answered_for(self, actor: Actor, push_id: str) -> Push:
        """Return a subscription that the actor may direct: he may have what it brings.

        Raises:
            NotFound: no such subscription.
            Denied: the grant is another person's, or the actor may not read what was granted.

        """
        push = self._managed(actor, push_id)
        with self.db.read() as connection:
            grant = GrantStore(connection).get(push.grant_id)
        self._require_reader(actor, grant)
        return push

    def _require_reader(self, actor: Actor, grant: Grant | None) -> None:
        """Ask for the right to the rows, and for the one to have them brought away: a key to rows alone directs nothing."""
        self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)
        self.access.require(actor, Permission.EXCHANGE_PUSH_DIRECT, None if grant is None else grant.org_id)
        if grant is not None and not _fits(actor, grant):
            raise _another_holder()

    def _require_live(self, push: Push, *states: PushState) -> None:
        if push.state not in states:
            raise Conflict(
                f"这个推送{push.state.text.zh}，现在不能这样做。",
                f"This push {push.state.text.en}; that cannot be done now.",
                code="push_state",
                detail={"state": push.state.value},
            )

    def _moved(
        self, actor: Actor, push: Push, move: PushMove, values: Mapping[str, Any], detail: dict[str, JsonValue]
    ) -> Push:
        with self.db.begin() as tx:
            store = PushStore(tx.connection)
            if not store.change(push, values):
                raise changed_meanwhile()
            self._record(tx, actor, push, move, detail)
            tx.publish(PushMoved(push_id=push.id))
            after = store.get(push.id)
        self._rounds.nudge()
        assert after is not None  # noqa: S101 - subscriptions are never removed
        return after

    def _letter(self, actor: Actor, delivery_id: str) -> tuple[Push, PushDelivery]:
        with self.db.read() as connection:
            found = PushStore(connection).delivery(delivery_id)
        if found is None:
            self.access.require(actor, Permission.EXCHANGE_GRANT_READ)
            raise no_delivery()
        push = self._managed(actor, found.push_id)
        if found.state is not PushDeliveryState.DEAD:
            raise Conflict("这次交付不是死信。", "This delivery is no dead letter.", code="push_not_dead")
        return push, found

    def _letter_moved(
        self,
        actor: Actor,
        push: Push,
        letter: PushDelivery,
        move: PushMove,
        values: Mapping[str, Any],
        words: str = "",
    ) -> PushDelivery:
        with self.db.begin() as tx:
            store = PushStore(tx.connection)
            store.move(letter.id, values)
            self._record(tx, actor, push, move, {"delivery": letter.id, "words": words})
            after = store.delivery(letter.id)
        self._say(AlertKind.PUSH_DEAD, push, None)
        self._rounds.nudge()
        assert after is not None  # noqa: S101 - deliveries are never removed
        return after

    def _record(self, tx: Any, actor: Actor, push: Push, move: PushMove, detail: Mapping[str, JsonValue]) -> None:
        told = {"move": move.value, "org": push.org_id, **detail}
        self.parts.evidence.record(tx, actor, "exchange.push_move", target=push.id, detail=told)


def _answering(actor: Actor) -> dict[str, str]:
    """Return who answers for a subscription from now on; by a key, only for as long as the key is good."""
    key = actor.session_id or "" if actor.kind is ActorKind.APPLICATION else ""
    return {"owner_id": actor.id, "owner_name": actor.name, "owner_key": key}


def _anew(push: Push) -> dict[str, Any]:
    """Return what makes the next delivery bring everything, and the one on its way tell nothing any more."""
    return {"version": None, "shape": "", "place": push.place + 1}


def _fits(actor: Actor, grant: Grant) -> bool:
    """Tell whether somebody may have a grant pushed: it is their department's, or their own."""
    kind, holder = grant.holder
    if actor.kind is ActorKind.SYSTEM:
        return kind is GranteeKind.ORGANISATION
    return (kind, holder) in {(GranteeKind.ORGANISATION, actor.org_id), (GranteeKind.PERSON, actor.id)}


def _another_holder() -> Denied:
    return Denied(
        "这项授权给了指定的人员或应用；只有授予本部门或您本人的授权可以推送。",
        "The grant is for one application or another person; only one for your department or yourself can be pushed.",
        code="push_holder",
    )
