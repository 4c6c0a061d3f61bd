"""The verbs on legal holds: asked for by one person, confirmed by another; lifted in the same way. Every deleter asks ``held``."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from beijiang.evidence.models import EvidenceRight
from beijiang.evidence.models.holds import Held, Hold, HoldDraft, HoldKind, HoldState, Known
from beijiang.evidence.store import EvidenceStore, HoldStore
from beijiang.kit import ActorKind, Conflict, Denied, Invalid, NotFound, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beijiang.db import Database
    from beijiang.evidence.service.log import Evidence
    from beijiang.evidence.service.reader import AccessCheck
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue

__all__ = ["Holds"]

_NEAREST: Final = 5
_ALIKE: Final = 200
_LIKENESS: Final = 0.5


class Holds:
    """What must be kept for a proceeding. It is kept from the moment one person asks, so that nothing goes before the second looks."""

    def __init__(self, db: Database, evidence: Evidence, access: AccessCheck, clock: Clock) -> None:
        self._db = db
        self._evidence = evidence
        self._access = access
        self._clock = clock
        self.known: dict[HoldKind, Callable[[], Sequence[Known]]] = {}
        """What there is, by kind."""

    def held(self) -> Held:
        """Return everything that is held now; for whoever is about to delete something."""
        with self._db.read() as connection:
            return HoldStore(connection).held()

    def keeps_table(self, table: str) -> bool:
        """Tell whether versions and quarantine of a table must be kept."""
        return table in self.held().tables

    def all(self, actor: Actor) -> Sequence[Hold]:
        """Return every hold there was, newest first."""
        self._access.require(actor, EvidenceRight.HOLD)
        with self._db.read() as connection:
            found = HoldStore(connection).all()
        return [self._counted(one) for one in found]

    def to_decide(self, actor: Actor) -> Sequence[Hold]:
        """Return the holds whose beginning or end another person asked for, so that the actor may confirm it."""
        self._access.require(actor, EvidenceRight.HOLD)
        with self._db.read() as connection:
            found = HoldStore(connection).all()
        first = {HoldState.ASKED: "asked_by", HoldState.LIFTING: "lift_by"}
        return [one for one in found if one.state in first and getattr(one, first[one.state]) != actor.id]

    def ask(self, actor: Actor, draft: HoldDraft) -> Hold:
        """Ask for a hold; it keeps at once, and another person has to confirm it.

        Raises:
            Denied: the actor is no person.
            Invalid: what is held or its basis is missing, or there is no such thing and it is not said that it will come.

        """
        self._require_person(actor)
        checked = draft.checked()
        self._require_known(checked)
        made = Hold(
            id=new_id("hld"),
            kind=checked.kind,
            name=checked.name,
            basis=checked.basis,
            state=HoldState.ASKED,
            asked_by=actor.id,
            asked_at=self._clock.now(),
        )
        detail: dict[str, JsonValue] = {"kind": made.kind.value, "name": made.name, "basis": made.basis}
        if checked.to_come:
            detail["to_come"] = True
        with self._db.begin() as tx:
            HoldStore(tx.connection).add(made)
            self._evidence.record(tx, actor, "evidence.hold_ask", target=made.id, detail=detail)
        return self._counted(made)

    def confirm(self, actor: Actor, hold_id: str, *, agree: bool = True) -> Hold:
        """Confirm or decline, as the second person, that a hold begins.

        Raises:
            Denied: the actor asked for it.
            Conflict: it is not waiting for that.

        """
        found = self._for_second(actor, hold_id, HoldState.ASKED, "asked_by")
        if agree:
            return self._put(actor, found, replace(found, state=HoldState.HOLDS, confirmed_by=actor.id), "hold_confirm")
        ended = replace(found, state=HoldState.DECLINED, confirmed_by=actor.id, ended_at=self._clock.now())
        return self._put(actor, found, ended, "hold_decline")

    def ask_lift(self, actor: Actor, hold_id: str, basis: str) -> Hold:
        """Ask for the end of a hold; it keeps until another person confirms.

        Raises:
            Conflict: it does not hold.
            Invalid: no basis.

        """
        self._require_person(actor)
        found = self._get(hold_id, HoldState.HOLDS)
        if not basis.strip():
            raise Invalid("请写明解除的依据。", "Say on what basis it is lifted.", code="hold_incomplete")
        after = replace(found, state=HoldState.LIFTING, lift_by=actor.id, lift_basis=basis.strip()[:1000])
        return self._put(actor, found, after, "hold_lift_ask")

    def confirm_lift(self, actor: Actor, hold_id: str, *, agree: bool = True, seen: str | None = None) -> Hold:
        """Confirm or decline, as the second person, that a hold ends; ``seen`` is the token of what was shown.

        Raises:
            Denied: the actor asked for its end.
            Conflict: it is not waiting for that, or its end was asked for anew on another basis (``changed_since_seen``).

        """
        found = self._for_second(actor, hold_id, HoldState.LIFTING, "lift_by")
        if agree:
            found.shown.check(seen)
            ended = replace(found, state=HoldState.LIFTED, lifted_by=actor.id, ended_at=self._clock.now())
            return self._put(actor, found, ended, "hold_lift")
        again = replace(found, state=HoldState.HOLDS, lift_by="", lift_basis="")
        return self._put(actor, found, again, "hold_lift_decline")

    def _require_known(self, draft: HoldDraft) -> None:
        """Refuse a hold that would keep nothing because of a wrong name.

        Raises:
            Invalid: nothing is called so, and it was not said that it will come (``hold_unknown``).

        """
        known = self.known.get(draft.kind, tuple)()
        if draft.to_come or any(one.name == draft.name for one in known) or self._records(draft.kind, draft.name):
            return
        nearest = self._nearest(draft, known)
        alike_zh = f"相近的有：{'、'.join(map(str, nearest))}。" if nearest else ""
        alike_en = f"Alike: {', '.join(map(str, nearest))}. " if nearest else ""
        raise Invalid(
            f"没有叫“{draft.name}”的对象（{draft.kind.text.zh}），这项保全什么也保不住。{alike_zh}如要保全将来才有的，请注明“针对将来”。",
            f"Nothing is called “{draft.name}” ({draft.kind.text.en}), so this hold would keep nothing. {alike_en}To keep what will come, say so (to_come).",
            code="hold_unknown",
            detail={
                "name": draft.name,
                "nearest": [one.name for one in nearest],
                "told": {one.name: one.told for one in nearest if one.told},
            },
        )

    def _nearest(self, draft: HoldDraft, known: Sequence[Known]) -> Sequence[Known]:
        """Return all that are called so, or else some that are called alike."""
        namesakes = tuple(one for one in known if draft.name in one.called)
        if namesakes:
            return namesakes
        if draft.kind is HoldKind.TARGET:
            with self._db.read() as connection:
                alike = EvidenceStore(connection).targets_like(draft.name, _ALIKE)
            known = [Known(one) for one in alike]
        ways = dict.fromkeys(way for one in known for way in (one.name, *one.called))
        close = get_close_matches(draft.name, ways, _NEAREST, _LIKENESS)
        return tuple(dict.fromkeys(one for way in close for one in known if way in (one.name, *one.called)))

    def _counted(self, one: Hold) -> Hold:
        if one.state in {HoldState.LIFTED, HoldState.DECLINED}:
            return one
        return replace(one, records=self._records(one.kind, one.name))

    def _records(self, kind: HoldKind, name: str) -> int:
        self._evidence.flush()
        with self._db.read() as connection:
            return EvidenceStore(connection).count_named(name, actor=kind is HoldKind.PERSON)

    def _for_second(self, actor: Actor, hold_id: str, state: HoldState, first: str) -> Hold:
        self._require_person(actor)
        found = self._get(hold_id, state)
        if getattr(found, first) == actor.id:
            raise Denied(
                "保全须由两人办理，请另一位管理员确认。",
                "A hold takes two persons; let another administrator confirm.",
                code="second_person",
            )
        return found

    def _require_person(self, actor: Actor) -> None:
        self._access.require(actor, EvidenceRight.HOLD)
        if actor.kind is not ActorKind.PERSON:
            raise Denied(
                "保全须由本人办理，请用 --as 指明管理员。",
                "A hold is a matter of persons; name the administrator with --as.",
                code="second_person",
            )

    def _get(self, hold_id: str, state: HoldState) -> Hold:
        with self._db.read() as connection:
            found = HoldStore(connection).get(hold_id)
        if found is None:
            raise NotFound("没有这项保全。", "There is no such hold.", code="no_hold")
        if found.state is not state:
            raise Conflict(
                f"保全现为“{found.state.text.zh}”，不能这样办理。",
                f"The hold is at: {found.state.text.en}. This is not possible now.",
                code="hold_state",
                detail={"state": found.state.value},
            )
        return found

    def _put(self, actor: Actor, before: Hold, after: Hold, action: str) -> Hold:
        detail: dict[str, JsonValue] = {"kind": after.kind.value, "name": after.name, "basis": after.lift_basis}
        with self._db.begin() as tx:
            if not HoldStore(tx.connection).change(before, after):
                raise Conflict("别人刚刚改动了它。", "Somebody else changed it just now.", code="hold_state")
            self._evidence.record(tx, actor, f"evidence.{action}", target=after.id, detail=detail)
        return self._counted(after)
