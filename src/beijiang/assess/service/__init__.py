"""The verbs of assessment, of statistical indicators and of the work plan."""

from beijiang.assess.service.appealing import Assess
from beijiang.assess.service.drafting import PlanDrafts
from beijiang.assess.service.figuring import Figures
from beijiang.assess.service.forecasting import IndicatorSeries
from beijiang.assess.service.looking import FactSources
from beijiang.assess.service.opening import PublicFigures
from beijiang.assess.service.plan_tables import PlanTables
from beijiang.assess.service.planning import WorkPlan
from beijiang.assess.service.record import CallRecord, ExchangeRecord, PortalRecord

__all__ = [
    "Assess",
    "CallRecord",
    "ExchangeRecord",
    "FactSources",
    "Figures",
    "IndicatorSeries",
    "PlanDrafts",
    "PlanTables",
    "PortalRecord",
    "PublicFigures",
    "WorkPlan",
]
