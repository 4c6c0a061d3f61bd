"""The verbs of assessment, of statistical indicators and of the work plan."""

from beijiang.assess.service.appealing import Assess
from beijiang.assess.service.gathering import Parts

__all__ = ["Assess", "Parts"]
