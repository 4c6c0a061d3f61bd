"""The words that an entry may use: sharing, opening, grades, kinds of match."""

from __future__ import annotations

from enum import StrEnum

from beijiang.kit import Word


class ShareType(Word):
    """Whether another department needs approval (国发〔2016〕51号)."""

    UNCONDITIONAL = "unconditional", "无条件共享", "shared unconditionally"
    CONDITIONAL = "conditional", "有条件共享", "shared on conditions"
    NOT_SHARED = "not_shared", "不予共享", "not shared"


class ShareMethod(Word):
    """How shared data reach another department."""

    DATABASE = "database", "数据库", "database"
    FILE = "file", "文件", "file"
    SERVICE = "service", "服务接口", "service interface"


class OpenType(Word):
    """Who outside government may have it."""

    UNCONDITIONAL = "unconditional_open", "无条件开放", "open to all"
    CONDITIONAL = "conditional_open", "有条件开放", "open on conditions"
    NOT_OPEN = "not_open", "不予开放", "not open"


class Level(StrEnum):
    """Grade of a data item; higher wins."""

    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"


class Personal(StrEnum):
    """Whether an item tells about a person: N no, P personal, S sensitive personal."""

    NONE = "N"
    PERSONAL = "P"
    SENSITIVE = "S"


__all__ = ["Level", "OpenType", "Personal", "ShareMethod", "ShareType"]
