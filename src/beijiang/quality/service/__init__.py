"""The verbs of quality."""

from beijiang.quality.service.aging import AGING_JOB
from beijiang.quality.service.checking import QUALITY_JOB
from beijiang.quality.service.failing import Breaking, Failing
from beijiang.quality.service.handing import HandedOut, record_file, tickets_file
from beijiang.quality.service.mapping import LIKELY, ColumnView, Mappings
from beijiang.quality.service.monitoring import MonitorReport, Monitors
from beijiang.quality.service.profiling import Profiles
from beijiang.quality.service.ruling import Tried
from beijiang.quality.service.running import Runner
from beijiang.quality.service.scoring import Quality, Report, Standing, by_organisation
from beijiang.quality.service.suggesting import Suggester, Suggestion
from beijiang.quality.service.tickets import Tickets, TicketView

__all__ = [
    "AGING_JOB",
    "LIKELY",
    "QUALITY_JOB",
    "Breaking",
    "ColumnView",
    "Failing",
    "HandedOut",
    "Mappings",
    "MonitorReport",
    "Monitors",
    "Profiles",
    "Quality",
    "Report",
    "Runner",
    "Standing",
    "Suggester",
    "Suggestion",
    "TicketView",
    "Tickets",
    "Tried",
    "by_organisation",
    "record_file",
    "tickets_file",
]
