"""The inventory of government systems (系统清单), and the negative list (负面清单): what is not shared, with its basis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from beijiang.kit import Invalid, Text, Word

__all__ = [
    "SYSTEM_COLUMNS",
    "Coverage",
    "GovernmentSystem",
    "Network",
    "NotShared",
    "SystemDraft",
    "SystemQuery",
    "SystemState",
]

NAME_LONGEST: Final = 200
TEXT_LONGEST: Final = 1000
WORD_LONGEST: Final = 200


class SystemState(Word):
    """Whether a system is used."""

    IN_USE = "in_use", "在用", "in use"
    BUILDING = "building", "在建", "being built"
    RETIRED = "retired", "停用", "out of use"


class Network(Word):
    """The network that a system runs in."""

    EXTRANET = "extranet", "政务外网", "government extranet"
    INTERNET = "internet", "互联网", "internet"
    PRIVATE = "private", "业务专网", "private network"
    STANDALONE = "standalone", "单机", "one machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemDraft:
    """What a department says of one of its systems."""

    name: str
    purpose: str = ""
    state: SystemState = SystemState.IN_USE
    network: Network = Network.EXTRANET
    database: str = ""
    """The kind of database or file that its data are in, in words."""
    since: date | None = None
    contact: str = ""

    def checked(self) -> SystemDraft:
        """Return the draft, tidied.

        Raises:
            Invalid: no name, or a text that is too long.

        """
        tidy = SystemDraft(
            name=" ".join(self.name.split()),
            purpose=self.purpose.strip(),
            state=self.state,
            network=self.network,
            database=self.database.strip(),
            since=self.since,
            contact=self.contact.strip(),
        )
        if not tidy.name:
            raise Invalid("请填写系统名称。", "Give the system a name.", code="no_name", detail={"field": "name"})
        limits = (
            ("name", NAME_LONGEST),
            ("purpose", TEXT_LONGEST),
            ("database", WORD_LONGEST),
            ("contact", WORD_LONGEST),
        )
        for key, longest in limits:
            if len(getattr(tidy, key)) > longest:
                word = SYSTEM_COLUMNS[key]
                raise Invalid(
                    f"“{word.zh}”超过 {longest} 个字，请缩短。",
                    f"“{word.en}” is over {longest} characters; shorten it.",
                    code="too_long",
                    detail={"field": key, "limit": longest},
                )
        return tidy


@dataclass(frozen=True, slots=True, kw_only=True)
class GovernmentSystem:
    """One system of a department, with the catalog entries that describe its data."""

    id: str
    org_id: str
    draft: SystemDraft
    entries: tuple[str, ...] = ()
    """Ids of catalog entries, in the order in which they were named."""
    changed_at: datetime

    @property
    def counts(self) -> bool:
        """Whether the law wants its data in the catalog: it is in use."""
        return self.draft.state is SystemState.IN_USE


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemQuery:
    """Which systems of the inventory."""

    words: str = ""
    org_id: str | None = None
    state: SystemState | None = None
    bare: bool = False
    """Only those without any entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How many of a department's systems in use have at least one entry."""

    org_id: str
    covered: int
    in_use: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotShared:
    """One line of the negative list: an entry, or one of its items, that is not shared, and why."""

    org_id: str
    resource_id: str
    name: str
    item: str
    """Empty: the whole entry."""
    basis: str
    """Empty: none was given, and the law wants one."""
    published_at: datetime | None


SYSTEM_COLUMNS: Final[Mapping[str, Text]] = {
    "org": Text("主管部门", "Department"),
    "name": Text("系统名称", "System"),
    "purpose": Text("用途", "Purpose"),
    "state": Text("状态", "State"),
    "network": Text("所在网络", "Network"),
    "database": Text("数据库", "Database"),
    "since": Text("启用日期", "In use since"),
    "contact": Text("联系方式", "Contact"),
    "entries": Text("目录", "Entries"),
}
"""The columns of the inventory as a spreadsheet, in order; the first and the last are not read back."""
