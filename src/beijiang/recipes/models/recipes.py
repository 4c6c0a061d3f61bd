"""Recipes and their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from beijiang.kit import Actor, Text, Word
from beijiang.recipes.models.steps import Step
from beijiang.recipes.models.ways import Making

__all__ = ["Recipe", "RecipeDraft", "RecipeKind", "RecipeRun", "RunTrigger", "StepCount"]


class RecipeKind(Word):
    """How a derived table is made."""

    STEPS = "steps", "清洗配方", "cleansing recipe"
    SQL = "sql", "SQL 模型", "SQL model"


class RunTrigger(Word):
    """What began a run."""

    WRITTEN = "written", "来源表更新", "a source was written"
    ASKED = "asked", "手工", "by hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeDraft:
    """A recipe as it is handed in: steps over a source, or a person's SQL over several tables."""

    target: str
    """The table that it fills; nothing else does."""
    source: str = ""
    steps: tuple[Step, ...] = ()
    sql: str = ""
    name: str = ""
    on_write: bool = True
    """Whether it runs whenever a source was written."""

    @property
    def kind(self) -> RecipeKind:
        """Return how the table is made."""
        return RecipeKind.SQL if self.sql.strip() else RecipeKind.STEPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(RecipeDraft):
    """One revision of a recipe."""

    id: str
    revision: int
    org_id: str
    sources: tuple[str, ...]
    """All tables that it reads, the one whose rows it takes first."""
    retired: bool = False
    reason: str = ""
    owner: Actor
    """Who set this revision: runs have the rights that this person has when they begin."""
    at: datetime


@dataclass(frozen=True, slots=True)
class StepCount:
    """In how many rows a step changed something, and in how many there was a value that it could not read."""

    changed: int | None = None
    faulty: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeRun:
    """One run: what it read, what it wrote, and what its steps did."""

    id: str
    recipe_id: str
    revision: int
    at: datetime
    trigger: RunTrigger
    by: str
    seconds: float
    version: int | None = None
    """The version of the target that it wrote; None where it failed."""
    rows: int = 0
    aside: int = 0
    """Rows of the source that were left out because a step could not read them."""
    sources: Mapping[str, int] = field(default_factory=dict)
    """The versions that it read."""
    counts: Sequence[StepCount] = ()
    error: Text | None = None
    making: Making = Making.WHOLE
    """What it worked: changed rows, touched groups, or everything."""
    why: Text | None = None
    """Why it worked everything."""
    worked: int | None = None
    """Rows of the source that it worked, as they were and as they are; None where it was everything."""
