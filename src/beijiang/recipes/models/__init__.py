"""What recipes speak of: steps, recipes and their runs."""

from beijiang.recipes.models.recipes import Recipe, RecipeDraft, RecipeKind, RecipeRun, RunTrigger, StepCount
from beijiang.recipes.models.steps import STEPS, OnFault, Step, StepKind, StepOf, StepParam, StepParamType
from beijiang.recipes.models.ways import Making, Way

__all__ = [
    "STEPS",
    "Making",
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
    "Way",
]
