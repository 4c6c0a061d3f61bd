"""The verbs of learning."""

from beijiang.mining.service.learning.scoring import SCORE_JOB, Scoring
from beijiang.mining.service.learning.sets import SET_JOB
from beijiang.mining.service.learning.training import MODEL_JOB

__all__ = ["MODEL_JOB", "SCORE_JOB", "SET_JOB", "Learning"]


class Learning(Scoring):
    """Models that earn trust: feature views, training sets, models, their register, and scores that are watched."""
