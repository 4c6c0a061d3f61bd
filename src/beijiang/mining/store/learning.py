"""Feature views with all their revisions, training sets, models, plans of scores and their runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from beijiang.db import Revisions
from beijiang.kit import Actor
from beijiang.mining.models.learning import FeatureView, LearnedModel, ModelState, ScorePlan, ScoreRun, TrainingSet
from beijiang.mining.store.learning_schema import feature_view, learned_model, score_plan, score_run, training_set

if TYPE_CHECKING:
    from pydantic import BaseModel
    from sqlalchemy import Connection, Row

__all__ = ["LearningStore", "ViewStore"]

_S = training_set.c
_M = learned_model.c
_P = score_plan.c
_R = score_run.c


class ViewStore(Revisions[FeatureView]):
    """Read and write feature views on one connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, feature_view, _view)

    def add(self, new: FeatureView) -> None:
        """Add a revision; it is the one in force from now on."""
        self.put({"id": new.id, "revision": new.revision, "org_id": new.org_id, "body": _body(new)})

    def all(self) -> Sequence[FeatureView]:
        """Return all feature views in force."""
        return [one for one in self.in_force() if not one.retired]


class LearningStore:
    """Read and write on one connection: training sets, models, plans of scores and their runs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Training sets

    def put_set(self, new: TrainingSet) -> None:
        """Add a training set, or write what it is now."""
        values: dict[str, Any] = {"org_id": new.org_id, "at": new.at, "body": _body(new)}
        changed = self._connection.execute(update(training_set).where(_S.id == new.id).values(**values))
        if not changed.rowcount:
            self._connection.execute(insert(training_set).values(id=new.id, **values))

    def training_set(self, set_id: str) -> TrainingSet | None:
        """Return a training set."""
        found = self._connection.execute(select(_S.body).where(_S.id == set_id)).scalar_one_or_none()
        return None if found is None else TrainingSet.model_validate(found)

    def sets(self) -> Sequence[TrainingSet]:
        """Return all training sets, newest first."""
        query = select(_S.body).order_by(_S.at.desc(), _S.id)
        return [TrainingSet.model_validate(body) for body in self._connection.execute(query).scalars()]

    # Models

    def put_model(self, new: LearnedModel, before: ModelState | None = None) -> bool:
        """Add a model, or write what it is now; with ``before``, only if that is still its state. Tell whether it was written."""
        values: dict[str, Any] = {
            "org_id": new.org_id,
            "set_id": new.draft.training_set,
            "state": new.state.value,
            "at": new.at,
            "body": _body(new),
        }
        if before is not None:
            where = (_M.id == new.id, _M.state == before.value)
            return bool(self._connection.execute(update(learned_model).where(*where).values(**values)).rowcount)
        changed = self._connection.execute(update(learned_model).where(_M.id == new.id).values(**values))
        if not changed.rowcount:
            self._connection.execute(insert(learned_model).values(id=new.id, **values))
        return True

    def model(self, model_id: str) -> LearnedModel | None:
        """Return a model."""
        found = self._connection.execute(select(_M.body).where(_M.id == model_id)).scalar_one_or_none()
        return None if found is None else LearnedModel.model_validate(found)

    def models(self, set_id: str = "") -> Sequence[LearnedModel]:
        """Return the models of one training set or all, newest first."""
        query = select(_M.body).order_by(_M.at.desc(), _M.id)
        query = query.where(_M.set_id == set_id) if set_id else query
        return [LearnedModel.model_validate(body) for body in self._connection.execute(query).scalars()]

    def in_state(self, state: ModelState) -> Sequence[LearnedModel]:
        """Return the models that are in a state, newest first."""
        query = select(_M.body).where(_M.state == state.value).order_by(_M.at.desc(), _M.id)
        return [LearnedModel.model_validate(body) for body in self._connection.execute(query).scalars()]

    # Scores

    def put_plan(self, new: ScorePlan, owner: Actor) -> None:
        """Add a plan, or write what it is now."""
        values: dict[str, Any] = {
            "org_id": new.org_id,
            "target": new.draft.target,
            "retired": new.retired,
            "owner": owner.to_json(),
            "body": _body(new),
        }
        changed = self._connection.execute(update(score_plan).where(_P.id == new.id).values(**values))
        if not changed.rowcount:
            self._connection.execute(insert(score_plan).values(id=new.id, **values))

    def plan(self, plan_id: str) -> tuple[ScorePlan, Actor] | None:
        """Return a plan, and under whose rights it runs."""
        row = self._connection.execute(select(_P.body, _P.owner).where(_P.id == plan_id)).one_or_none()
        return None if row is None else (ScorePlan.model_validate(row.body), Actor.from_json(row.owner))

    def plans(self) -> Sequence[tuple[ScorePlan, Actor]]:
        """Return all plans that have not ended, and under whose rights each runs."""
        query = select(_P.body, _P.owner).where(_P.retired.is_(False)).order_by(_P.id)
        rows = self._connection.execute(query)
        return [(ScorePlan.model_validate(row.body), Actor.from_json(row.owner)) for row in rows]

    def filling(self, target: str) -> ScorePlan | None:
        """Return the plan in force that fills a table."""
        query = select(_P.body).where(_P.retired.is_(False), _P.target == target).limit(1)
        found = self._connection.execute(query).scalar_one_or_none()
        return None if found is None else ScorePlan.model_validate(found)

    def once_filled(self, target: str, org_id: str) -> bool:
        """Tell whether a plan of a department has filled a table, in force or ended."""
        query = select(_P.id).where(_P.target == target, _P.org_id == org_id).limit(1)
        return self._connection.execute(query).first() is not None

    def put_run(self, new: ScoreRun) -> None:
        """Add a run, or replace one that was cut short after it was noted."""
        self._connection.execute(score_run.delete().where(_R.id == new.id))
        values = {"id": new.id, "plan_id": new.plan_id, "at": new.at, "body": _body(new)}
        self._connection.execute(insert(score_run).values(**values))

    def runs(self, plan_id: str, limit: int) -> Sequence[ScoreRun]:
        """Return runs, newest first."""
        query = select(_R.body).where(_R.plan_id == plan_id).order_by(_R.at.desc(), _R.id.desc()).limit(limit)
        return [ScoreRun.model_validate(body) for body in self._connection.execute(query).scalars()]


def _view(row: Row[Any]) -> FeatureView:
    return FeatureView.model_validate(row.body)


def _body(one: BaseModel) -> dict[str, Any]:
    return one.model_dump(mode="json")
