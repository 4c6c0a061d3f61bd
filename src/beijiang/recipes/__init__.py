"""Recipes: derived tables, made by ordered steps of cleansing or by one SELECT, anew whenever a source was written.

Owns the tables ``recipe`` and ``recipe_run``. A recipe never touches its source; what it makes is as sensitive as what it
is made of (``CommitRequest.derived``), and rows are shown by the gate only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.recipes.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.recipes.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.recipes.models.places import Places
    from beijiang.recipes.models.readings import Keep, citizen_number, credit_code, day
    from beijiang.recipes.models.texts import BLANKS, any_of, narrowed, replaced, swapped
    from beijiang.recipes.service import RECIPE_JOB, Faulty, Preview, Recipes, Sample, StepSuggestion

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "BLANKS",
    "RECIPE_JOB",
    "Faulty",
    "Keep",
    "Places",
    "Preview",
    "Recipes",
    "Sample",
    "StepSuggestion",
    "any_of",
    "citizen_number",
    "credit_code",
    "day",
    "narrowed",
    "replaced",
    "swapped",
    *_models,
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.recipes.models import places, readings, texts

    for room in (texts, readings, places):  # how values are read, which others need without the rest
        if name in room.__all__:
            return getattr(room, name)
    from beijiang.recipes import service

    return getattr(service, name)
