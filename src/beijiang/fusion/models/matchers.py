"""A match model compiled: the columns to make, the pairs to look at and the levels of each field, as a linker's plan."""

from __future__ import annotations

from sqlglot import exp

from beijiang.engine.linking import LEFT, RIGHT, Block, LinkPlan
from beijiang.fusion.models.forms import MAKERS
from beijiang.fusion.models.layers import Layers
from beijiang.fusion.models.levels import comparison
from beijiang.fusion.models.matching import Likeness, MatchModel, form
from beijiang.fusion.models.words import CHARACTERS, PLACES, SURNAMES, characters, surnames
from beijiang.recipes import Places

__all__ = ["link_plan"]

_SOUNDED = {Likeness.PERSON_NAME, Likeness.COMPANY_NAME}
_PLACED = {Likeness.COMPANY_NAME, Likeness.ADDRESS}


def link_plan(model: MatchModel, places: Places) -> LinkPlan:
    """Return what a linker is told to match records by a model.

    The records are texts: ``record``, ``source`` and a column for each field of the model, under its name.
    """
    layers = Layers("records", ["record", "source", *(field.name for field in model.fields)])
    for field in model.fields:
        MAKERS[field.likeness](layers, field.name, places)
    by_name = {field.name: field for field in model.fields}
    comparisons = tuple(comparison(field, by_name) for field in model.fields)
    used = {
        column.name.removesuffix(LEFT).removesuffix(RIGHT)
        for one in comparisons
        for test in (one.missing, *(level.test for level in one.levels))
        for column in test.find_all(exp.Column)
    }
    blocks = tuple(Block(block.name, _columns(block.parts), block.most) for block in model.blocks)
    training = tuple(_columns(parts) for parts in model.training)
    sure = tuple(_columns(parts) for parts in model.sure)
    picked = {column for columns in (*(block.columns for block in blocks), *training, *sure) for column in columns}
    return LinkPlan(
        prepare=layers.query(["record", "source", *sorted(used | picked)]),
        comparisons=comparisons,
        blocks=blocks,
        training=training,
        lookups=_lookups(model, places),
        across=model.across,
        certain=sure,
        recall=model.recall,
    )


def _columns(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(form(part) for part in parts)


def _lookups(model: MatchModel, places: Places) -> dict[str, object]:
    import pyarrow as pa

    likenesses = {field.likeness for field in model.fields}
    found: dict[str, object] = {}
    if likenesses & _SOUNDED:
        found[CHARACTERS] = characters()
    if Likeness.PERSON_NAME in likenesses:
        found[SURNAMES] = surnames()
    if likenesses & _PLACED:
        words = dict(places.counties) | dict(places.cities)
        found[PLACES] = pa.table({"word": list(words), "code": list(words.values())})
    return found
