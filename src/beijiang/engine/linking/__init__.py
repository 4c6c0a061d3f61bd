"""Linking: which records of some sources tell of one and the same person, firm or thing, and how sure that is.

``LinkPlan`` says what to compare (trees, as everywhere in ``beijiang.engine``), ``Linker`` does it with Splink, which no
other module knows, and ``Linked`` holds the pairs with the weights by which each was judged (Fellegi and Sunter, 1969).
"""

from beijiang.engine.linking.folder import sweep
from beijiang.engine.linking.linker import Linker
from beijiang.engine.linking.plan import LEFT, RIGHT, Block, Comparison, Level, LinkPlan
from beijiang.engine.linking.results import Bar, BlockCount, FieldWeights, LevelWeight, Linked, Weights

__all__ = [
    "LEFT",
    "RIGHT",
    "Bar",
    "Block",
    "BlockCount",
    "Comparison",
    "FieldWeights",
    "Level",
    "LevelWeight",
    "LinkPlan",
    "Linked",
    "Linker",
    "Weights",
    "sweep",
]
