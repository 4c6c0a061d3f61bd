"""The verbs of notices."""

from beijiang.notices.service.live import Line, Live, State
from beijiang.notices.service.mail import Mail
from beijiang.notices.service.notices import Notices

__all__ = ["Line", "Live", "Mail", "Notices", "State"]
