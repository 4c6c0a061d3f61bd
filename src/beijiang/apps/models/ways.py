"""Where an application written elsewhere runs, under which name the platform relays it, and whether it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from beijiang.kit import Invalid, Text, Word

__all__ = ["DOWN_AFTER", "Health", "HealthState", "HealthTurn", "check_way", "next_health"]

DOWN_AFTER: Final = 2
"""Looks in a row that must fail before an application counts as down; one that succeeds brings it back."""
_LABEL: Final = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
_TAKEN: Final = frozenset({"admin", "api", "console", "mail", "portal", "www"})
_PATH: Final = re.compile(r"/[A-Za-z0-9._~/?=&%-]{0,199}")
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,300}")


_NOTHING: Final = Text("", "")


class HealthState(Word):
    """Whether an application answers."""

    UNKNOWN = "unknown", "尚未检查", "not looked at yet"
    UP = "up", "正常", "answers"
    DOWN = "down", "故障", "does not answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is known of an application's answering."""

    client_id: str
    state: HealthState
    since: datetime
    checked_at: datetime
    failures: int = 0
    """Looks in a row that failed."""
    error: Text = _NOTHING
    """Why the last look that failed did."""
    millis: int = 0
    """How long the last answer took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthTurn:
    """One turn of an application from answering to not, or back."""

    id: str
    client_id: str
    at: datetime
    state: HealthState
    error: Text
    lasted: timedelta
    """How long the state before had lasted."""


def next_health(
    before: Health | None, client_id: str, at: datetime, failure: Text | None, millis: int
) -> tuple[Health, bool]:
    """Return what is known after one more look, and whether the application went down or came back with it."""
    known = before or Health(client_id=client_id, state=HealthState.UNKNOWN, since=at, checked_at=at)
    failures = 0 if failure is None else known.failures + 1
    state = HealthState.UP if failure is None else HealthState.DOWN if failures >= DOWN_AFTER else known.state
    made = Health(
        client_id=client_id,
        state=state,
        since=known.since if state is known.state else at,
        checked_at=at,
        failures=failures,
        error=known.error if failure is None else failure,
        millis=millis,
    )
    turned = state is not known.state and (state is HealthState.DOWN or known.state is HealthState.DOWN)
    return made, turned


def check_way(upstream: str, label: str, health_path: str) -> None:
    """Refuse an address or a name that cannot be relayed to.

    Raises:
        Invalid: ``client_draft``.

    """
    try:
        parts = urlsplit(upstream)
        plain = bool(parts.hostname) and parts.port != 0 and f"{parts.scheme}://{parts.netloc}" == upstream
    except ValueError:
        plain = False
    if not plain or not _ORIGIN.fullmatch(upstream):
        raise _wrong(
            "upstream",
            "上游地址写成 https://主机 或 https://主机:端口，不含路径和账号",
            "write the upstream as https://HOST or https://HOST:PORT, without path and account",
        )
    if not _LABEL.fullmatch(label) or label in _TAKEN:
        raise _wrong(
            "label",
            "访问名为 3 到 40 个小写字母、数字、连字符，字母开头，不能是 www、console 等保留名",
            "the name is 3 to 40 lower-case letters, digits and hyphens, begins with a letter, and is none that is kept (www, console)",
        )
    if not _PATH.fullmatch(health_path) or "//" in health_path or ".." in health_path:
        raise _wrong("health_path", "检查路径以 / 开头", "the path of the check begins with /")


def _wrong(name: str, zh: str, en: str) -> Invalid:
    return Invalid(
        f"登记信息不合规：{zh}。", f"The registration will not do: {en}.", code="client_draft", detail={"field": name}
    )
