"""All SQL on the tables of notices."""

from beijiang.notices.store.mail import MailStore
from beijiang.notices.store.notices import NoticeStore

__all__ = ["MailStore", "NoticeStore"]
