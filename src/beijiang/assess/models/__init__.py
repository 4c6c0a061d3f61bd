"""The vocabulary of assessment, statistical indicators and the work plan."""

from beijiang.assess.models.appeals import Appeal, AppealState, AppealView
from beijiang.assess.models.asked import Closed, Due, ExchangeFacts, Met
from beijiang.assess.models.indicators import (
    Book,
    BookState,
    Direction,
    Indicator,
    Kind,
    check_weights,
    indicators,
    packaged,
    shipped,
)
from beijiang.assess.models.marks import (
    FEW,
    Fact,
    Mark,
    MarkState,
    Place,
    Ranking,
    Sheet,
    Standing,
    Subject,
    marked,
    ranked,
)
from beijiang.assess.models.periods import Period, PeriodKind

__all__ = [
    "FEW",
    "Appeal",
    "AppealState",
    "AppealView",
    "Book",
    "BookState",
    "Closed",
    "Direction",
    "Due",
    "ExchangeFacts",
    "Fact",
    "Indicator",
    "Kind",
    "Mark",
    "MarkState",
    "Met",
    "Period",
    "PeriodKind",
    "Place",
    "Ranking",
    "Sheet",
    "Standing",
    "Subject",
    "check_weights",
    "indicators",
    "marked",
    "packaged",
    "ranked",
    "shipped",
]
