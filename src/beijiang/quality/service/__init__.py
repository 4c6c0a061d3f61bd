"""The verbs of quality."""

from beijiang.quality.service.checking import QUALITY_JOB, Failing
from beijiang.quality.service.mapping import LIKELY, ColumnView, Mappings
from beijiang.quality.service.profiling import Profiles
from beijiang.quality.service.ruling import Tried
from beijiang.quality.service.running import Runner
from beijiang.quality.service.scoring import Quality, Report, Standing, by_organisation
from beijiang.quality.service.suggesting import Suggester, Suggestion

__all__ = [
    "LIKELY",
    "QUALITY_JOB",
    "ColumnView",
    "Failing",
    "Mappings",
    "Profiles",
    "Quality",
    "Report",
    "Runner",
    "Standing",
    "Suggester",
    "Suggestion",
    "Tried",
    "by_organisation",
]
