"""What the verbs of learning share: their parts, who sees what, and where files are kept."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.kit import BeijiangError
from beijiang.mining.errors.learning import no_model, no_set, no_view, sight_changed, unfit_draft
from beijiang.mining.models.learning import Reason
from beijiang.mining.store import LearningStore, ViewStore
from beijiang.protection import Asked
from beijiang.tables import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from beijiang.access import Access
    from beijiang.db import Database
    from beijiang.evidence import Evidence
    from beijiang.jobs import Jobs
    from beijiang.kit import Actor, Clock
    from beijiang.lineage import Lineage
    from beijiang.mining.models.learning import FeatureView, LearnedModel, TrainingSet
    from beijiang.protection import Gate
    from beijiang.settings import Settings
    from beijiang.tables import Tables

__all__ = ["Base", "file_digest", "reason_of"]

_BLOCK: Final = 1 << 20


class Base:
    """Holds the parts, and asks for access."""

    def __init__(  # noqa: PLR0913, PLR0917 - wired once, in build.py
        self,
        db: Database,
        gate: Gate,
        tables: Tables,
        lineage: Lineage,
        access: Access,
        evidence: Evidence,
        jobs: Jobs,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self.db = db
        self.gate = gate
        self.tables = tables
        self.lineage = lineage
        self.access = access
        self.evidence = evidence
        self.jobs = jobs
        self.clock = clock
        self.settings = settings
        self.zone = settings.time_zone
        self.folder = settings.home / "mining"

    def _set_file(self, set_id: str) -> Path:
        return self.folder / "sets" / f"{set_id}.parquet"

    def _model_file(self, model_id: str) -> Path:
        return self.folder / "models" / f"{model_id}.json"

    def _own(self, actor: Actor) -> str:
        """Return the department that the actor builds for."""
        self.access.require(actor, Permission.MINING_MODEL_BUILD, actor.org_id)
        if not actor.org_id:
            raise unfit_draft(
                "特征视图、训练集和模型属于部门，请以部门人员的身份办理（终端加 --as 登录名）。",
                "Feature views, training sets and models belong to a department; act as one of its people (--as LOGIN).",
            )
        return actor.org_id

    def _sees(self, actor: Actor, org_id: str) -> bool:
        return self.access.allows(actor, Permission.MINING_MODEL_READ, org_id)

    def _view(self, actor: Actor, view_id: str) -> FeatureView:
        """Return a feature view of the actor's department; unknown and hidden look the same."""
        with self.db.read() as connection:
            found = ViewStore(connection).get(view_id)
        if found is None or found.retired or not self._sees(actor, found.org_id):
            self.access.require(actor, Permission.MINING_MODEL_READ, actor.org_id)
            raise no_view()
        return found

    def _set(self, actor: Actor, set_id: str) -> TrainingSet:
        """Return a training set of the actor's department; unknown and hidden look the same."""
        with self.db.read() as connection:
            found = LearningStore(connection).training_set(set_id)
        if found is None or not self._sees(actor, found.org_id):
            self.access.require(actor, Permission.MINING_MODEL_READ, actor.org_id)
            raise no_set()
        return found

    def _model(self, actor: Actor, model_id: str) -> LearnedModel:
        """Return a model of the actor's department; unknown and hidden look the same."""
        with self.db.read() as connection:
            found = LearningStore(connection).model(model_id)
        if found is None or not self._sees(actor, found.org_id):
            self.access.require(actor, Permission.MINING_MODEL_READ, actor.org_id)
            raise no_model()
        return found

    def _check_sight(self, actor: Actor, made: TrainingSet) -> None:
        """Return if the actor sees every table of a training set, now, exactly as it was seen when the set was made.

        Raises:
            Conflict: a right, a mask or a rule on rows is another one (``training_sight``).

        """
        for table, reading in made.tables.items():
            asked = Asked(table=table, exit=Exit.TRAINING, purpose=made.draft.purpose, version=reading.version)
            if not self.gate.holds(actor, asked, reading.obligations):
                raise sight_changed(table)

    def _in_sight(self, actor: Actor, made: TrainingSet) -> bool:
        try:
            self._check_sight(actor, made)
        except BeijiangError:
            return False
        return True


def reason_of(error: BeijiangError) -> Reason:
    """Return an error as it is kept."""
    return Reason(code=error.reason, zh=error.text.zh, en=error.text.en)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
