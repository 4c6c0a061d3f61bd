"""What fusion speaks of."""

from beijiang.fusion.models.matching import Likeness, MatchBlock, MatchField, MatchModel

__all__ = ["Likeness", "MatchBlock", "MatchField", "MatchModel"]
