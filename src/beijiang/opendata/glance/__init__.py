"""What the page of a data set answers at a glance: how good, how fresh, what changed, and why something is missing."""

from beijiang.opendata.glance.arrivals import Arrival, Calendar, CalendarDay, calendar
from beijiang.opendata.glance.gaps import Gap, GapCode
from beijiang.opendata.glance.goodness import Goodness, GoodnessPart, Reason
from beijiang.opendata.glance.models import Changes, ColumnChange, ColumnChangeKind, Glimpse, SampleRow

__all__ = [
    "Arrival",
    "Calendar",
    "CalendarDay",
    "Changes",
    "ColumnChange",
    "ColumnChangeKind",
    "Gap",
    "GapCode",
    "Glimpse",
    "Goodness",
    "GoodnessPart",
    "Reason",
    "SampleRow",
    "calendar",
]
