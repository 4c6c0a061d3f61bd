"""What fusion speaks of."""

from beijiang.fusion.models.defaults import legal_entities, population
from beijiang.fusion.models.matching import FORMS, LEVELS, Likeness, MatchBlock, MatchField, MatchModel

__all__ = ["FORMS", "LEVELS", "Likeness", "MatchBlock", "MatchField", "MatchModel", "legal_entities", "population"]
