"""What recipes refuse."""

from __future__ import annotations

from beijiang.kit import Conflict, NotFound

__all__ = ["circle", "no_recipe", "no_run", "taken"]


def no_recipe(words: str) -> NotFound:
    """Return the error for a recipe that is missing, retired, or hidden."""
    return NotFound(
        f"没有加工配方“{words[:60]}”，或它已停用。",
        f'There is no recipe "{words[:60]}", or it is retired.',
        code="recipe_not_found",
    )


def no_run() -> NotFound:
    """Return the error for a run that is missing or hidden."""
    return NotFound("没有这次运行。", "There is no such run of a recipe.", code="recipe_run_not_found")


def taken(table: str) -> Conflict:
    """Return the error for a table that is filled from elsewhere."""
    return Conflict(
        f"表“{table}”已有数据来源（一数一源）。请把结果写入新的表。",
        f'Table "{table}" is filled from elsewhere (one source per item). Write the result to a table of its own.',
        code="table_has_source",
    )


def circle(table: str) -> Conflict:
    """Return the error for recipes that would feed each other for ever."""
    return Conflict(
        f"配方不能循环：结果表“{table}”又是它来源的来源。",
        f'Recipes cannot go in circles: "{table}" is itself a source of the source.',
        code="recipe_circle",
    )
