"""All SQL on the metadata tables of recipes."""

from beijiang.recipes.store.recipes import RecipeStore

__all__ = ["RecipeStore"]
