"""Closed lists of words: states of a version, to whom it is released, types of parameters, kinds of blocks."""

from __future__ import annotations

from beijiang.kit import Word

__all__ = ["AudienceKind", "BlockKind", "CardState", "ParamType", "Schedule", "VersionState"]


class VersionState(Word):
    """Where a version of an application stands."""

    SUBMITTED = "submitted", "待审核", "waiting for review"
    RETURNED = "returned", "已退回", "sent back"
    APPROVED = "approved", "审核通过，待发布", "approved, to be released"
    RELEASED = "released", "已发布", "released"


class AudienceKind(Word):
    """To whom an application is released."""

    PEOPLE = "people", "指定人员", "people"
    DEPARTMENTS = "departments", "指定部门", "departments"
    PUBLIC = "public", "社会公众", "the public"


class ParamType(Word):
    """What a parameter of a page takes."""

    INTEGER = "integer", "整数", "whole number"
    NUMBER = "number", "数值", "number"
    TEXT = "text", "文本", "text"
    DATE = "date", "日期", "date"


class Schedule(Word):
    """How often the data behind an application are to be renewed; older ones are marked as old."""

    NONE = "none", "不定期", "now and then"
    DAILY = "daily", "每日", "daily"
    WEEKLY = "weekly", "每周", "weekly"
    MONTHLY = "monthly", "每月", "monthly"
    QUARTERLY = "quarterly", "每季度", "quarterly"
    YEARLY = "yearly", "每年", "yearly"

    @property
    def days(self) -> int | None:
        """Return after how many days data are old, with some days of grace; None for never."""
        return {"daily": 2, "weekly": 9, "monthly": 40, "quarterly": 110, "yearly": 400}.get(self.value)


class BlockKind(Word):
    """What a fenced block of a page is."""

    NUMBER = "number", "数字", "number"
    TABLE = "table", "表格", "table"
    CHART = "chart", "图表", "chart"
    MAP = "map", "地图", "map"
    TIMELINE = "timeline", "时间线", "timeline"
    NETWORK = "network", "关系图", "graph of relations"
    FILTER = "filter", "筛选", "filter"
    LINK = "link", "下钻链接", "drill-down link"
    TEXT = "text", "按规则的文字", "text by rule"


class CardState(Word):
    """What a reader gets of a card."""

    READY = "ready", "就绪", "ready"
    LOADING = "loading", "加载中", "loading"
    DENIED = "denied", "无权查看", "not allowed"
    FAILED = "failed", "暂不可用", "not available"
