"""The verbs of notices."""

from beijiang.notices.service.notices import Notices

__all__ = ["Notices"]
