"""Which match models there are, and which data elements their fields are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from beijiang.fusion.models.defaults import legal_entities, population
from beijiang.fusion.models.matching import MatchModel
from beijiang.kit import Text

__all__ = ["MATCHING", "Start"]


@dataclass(frozen=True, slots=True)
class Start:
    """A match model that a library can name."""

    name: Text
    model: Callable[[], MatchModel]
    elements: Mapping[str, str]
    """By field of the model, the data element of the library that it compares."""


MATCHING: Final[Mapping[str, Start]] = {
    "population": Start(
        Text("人员相似匹配", "persons by likeness"),
        population,
        {
            "name": "full_name",
            "id_number": "citizen_id",
            "birth": "birth_date",
            "sex": "sex_code",
            "phone": "mobile",
            "address": "household_address",
        },
    ),
    "legal_entity": Start(
        Text("单位相似匹配", "organisations by likeness"),
        legal_entities,
        {
            "name": "entity_name",
            "credit_code": "uscc",
            "representative": "legal_rep_name",
            "founded": "establish_date",
            "phone": "contact_phone",
            "address": "address",
        },
    ),
}
"""By the name under which a library keeps it."""
