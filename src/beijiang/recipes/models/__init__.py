"""What recipes speak of: steps, recipes and their runs."""

from beijiang.recipes.models.recipes import Recipe, RecipeDraft, RecipeKind, RecipeRun, RunTrigger, StepCount
from beijiang.recipes.models.steps import STEPS, OnFault, Step, StepKind, StepOf, StepParam, StepParamType

__all__ = [
    "STEPS",
    "OnFault",
    "Recipe",
    "RecipeDraft",
    "RecipeKind",
    "RecipeRun",
    "RunTrigger",
    "Step",
    "StepCount",
    "StepKind",
    "StepOf",
    "StepParam",
    "StepParamType",
]
