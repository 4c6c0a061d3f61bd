"""The verbs of assessment, of statistical indicators and of the work plan."""

from beijiang.assess.service.appealing import Assess
from beijiang.assess.service.figuring import Figures
from beijiang.assess.service.looking import Parts
from beijiang.assess.service.planning import WorkPlan

__all__ = ["Assess", "Figures", "Parts", "WorkPlan"]
