"""The register: a model is handed in, approved by somebody else, and retired; each step is in evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import Invalid
from beijiang.mining.errors.learning import moved_on, own_model, stays_here, wrong_state
from beijiang.mining.models.learning import Decided, LearnedModel, ModelState
from beijiang.mining.service.learning.training import Training
from beijiang.mining.store import LearningStore
from beijiang.protection import ControlRule, asks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Registering"]

NOTE_LONGEST: Final = 1000


class Registering(Training):
    """Leads models through their life."""

    def submit_model(self, actor: Actor, model_id: str, note: str = "") -> LearnedModel:
        """Hand a model in for review.

        Raises:
            Conflict: it is no draft (``model_state``).

        """
        found = self._model(actor, model_id)
        self.access.require(actor, Permission.MINING_MODEL_BUILD, found.org_id)
        if found.state is not ModelState.DRAFT:
            raise wrong_state("只有草稿可以提交审核。", "Only a draft is handed in for review.")
        return self._moved(actor, found, ModelState.REVIEW, note, "submit")

    def to_approve(self, actor: Actor) -> Sequence[LearnedModel]:
        """Return the models that wait for the actor: not what he trained or handed in himself, newest first."""
        self.access.require(actor, Permission.MINING_MODEL_APPROVE, actor.org_id)
        with self.db.read() as connection:
            waiting = LearningStore(connection).in_state(ModelState.REVIEW)
        his = {
            org: self._sees(actor, org) and self.access.allows(actor, Permission.MINING_MODEL_APPROVE, org)
            for org in {one.org_id for one in waiting}
        }
        return [one for one in waiting if his[one.org_id] and actor.id not in {one.by_id, one.history[-1].by_id}]

    def decide_model(
        self, actor: Actor, model_id: str, *, approve: bool, note: str, seen: str | None = None
    ) -> LearnedModel:
        """Approve a model, or send it back as a draft, with a reason; ``seen`` is the token of what was shown.

        Raises:
            Denied: the actor trained it or handed it in (``model_self_approval``).
            Conflict: it is not in review (``model_state``), or was sent back and handed in anew (``changed_since_seen``).
            Invalid: no reason is given.

        """
        found = self._model(actor, model_id)
        self.access.require(actor, Permission.MINING_MODEL_APPROVE, found.org_id)
        _reasoned(note)
        if found.state is not ModelState.REVIEW:
            raise wrong_state("这个模型不在审核中。", "This model is not in review.")
        if actor.id in {found.by_id, found.history[-1].by_id}:
            raise own_model()
        if approve:
            found.shown.check(seen)
        state = ModelState.APPROVED if approve else ModelState.DRAFT
        return self._moved(actor, found, state, note, "approve" if approve else "return")

    def retire_model(self, actor: Actor, model_id: str, note: str) -> LearnedModel:
        """Take a model out of use; plans that score with it make nothing any more.

        Raises:
            Conflict: it is retired (``model_state``).
            Invalid: no reason is given.

        """
        found = self._model(actor, model_id)
        self.access.require(actor, Permission.MINING_MODEL_RETIRE, found.org_id)
        _reasoned(note)
        if found.state is ModelState.RETIRED:
            raise wrong_state("模型已经退役。", "The model is retired.")
        return self._moved(actor, found, ModelState.RETIRED, note, "retire")

    def export_model(self, actor: Actor, model_id: str) -> tuple[LearnedModel, bytes]:
        """Return a model's file; it holds no row, and nothing in it is code.

        Raises:
            Refused: it learned from sensitive data and is not approved (``model_not_approved``).
            Conflict: it is not trained.

        """
        found = self._model(actor, model_id)
        self.access.require(actor, Permission.MINING_MODEL_BUILD, found.org_id)
        if not found.digest:
            raise wrong_state("模型还没有训练完成。", "The model is not trained yet.")
        closed = asks(ControlRule.MODEL_APPROVAL, found.grade, self.clock.now().date())
        if closed and found.state is not ModelState.APPROVED:
            with self.db.begin() as tx:
                detail: dict[str, JsonValue] = {"grade": found.grade, "state": found.state.value}
                self.evidence.record(tx, actor, "mining.model_export_refused", target=found.id, detail=detail)
            raise stays_here(found.grade)
        self._check_sight(actor, self._set(actor, found.draft.training_set))  # the file holds words of the rows
        self._loaded(found)
        content = self._model_file(found.id).read_bytes()
        approval = found.approval
        with self.db.begin() as tx:
            told: dict[str, JsonValue] = {
                "digest": found.digest,
                "grade": found.grade,
                "approver": approval.by_id if approval else None,
            }
            self.evidence.record(tx, actor, "mining.model_export", target=found.id, detail=told)
        return found, content

    def _moved(self, actor: Actor, found: LearnedModel, state: ModelState, note: str, what: str) -> LearnedModel:
        step = Decided(
            state=state, by_id=actor.id, by=actor.name, at=self.clock.now(), note=note.strip()[:NOTE_LONGEST]
        )
        moved = found.model_copy(update={"state": state, "history": (*found.history, step)})
        detail: dict[str, JsonValue] = {"digest": found.digest, "note": step.note, "from": found.state.value}
        with self.db.begin() as tx:
            if not LearningStore(tx.connection).put_model(moved, found.state):
                raise moved_on()
            self.evidence.record(tx, actor, f"mining.model_{what}", target=found.id, detail=detail)
        return moved


def _reasoned(note: str) -> None:
    if not note.strip():
        raise Invalid("请说明理由。", "A reason is needed.", code="reason_needed")
