"""All SQL on the tables of notices."""

from beijiang.notices.store.notices import NoticeStore

__all__ = ["NoticeStore"]
