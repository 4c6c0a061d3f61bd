"""The verbs of recipes."""

from beijiang.recipes.service.running import RECIPE_JOB, Faulty
from beijiang.recipes.service.suggesting import Recipes, StepSuggestion
from beijiang.recipes.service.writing import Preview, Sample

__all__ = ["RECIPE_JOB", "Faulty", "Preview", "Recipes", "Sample", "StepSuggestion"]
