"""Jobs of a bundle: a query at set times, whose rows are kept in a table, or of which people of a role are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.apps.models.faults import Faults, line_of
from beijiang.kit import Text

if TYPE_CHECKING:
    from beijiang.apps.models.manifest import Manifest

__all__ = ["JobSpec", "check_jobs", "read_job"]

TEXT_MOST: Final = 200
TABLE: Final = re.compile(r"[\w-]{1,60}")
ROLES: Final = ("analyst", "org_reviewer", "steward")
"""Roles that people of a department hold."""
EVERY: Final = re.compile(r"every ([1-9]\d{0,2})([mhd])")
AT: Final = re.compile(r"(daily|working-days) ([01]\d|2[0-3]):([0-5]\d)")
WEEKLY: Final = re.compile(r"weekly ([1-7]) ([01]\d|2[0-3]):([0-5]\d)")
MONTHLY: Final = re.compile(r"monthly (-1|[1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):([0-5]\d)")
SCHEDULES: Final = (EVERY, AT, WEEKLY, MONTHLY)
_KEYS: Final = frozenset({"query", "schedule", "parameters", "table", "condition", "text", "to"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """One job: it either writes a table or raises an alert."""

    name: str
    query: str
    """What is asked; of an alert the rows that it is about."""
    schedule: str
    """``every 30m``, ``every 2h``, ``every 1d``, ``daily 06:30``, ``working-days 06:30``, ``weekly 1 06:30``, ``monthly -1 06:30``."""
    parameters: Mapping[str, str]
    table: str = ""
    """The table that the rows become, in the department of the application; empty for an alert."""
    condition: str = ""
    """The query whose rows raise the alert; it is the ``query`` itself where none is named."""
    text: Text | None = None
    to: str = ""
    """The role of those in the department who are told."""

    @property
    def is_alert(self) -> bool:
        """Tell whether it raises alerts."""
        return not self.table

    @property
    def file(self) -> str:
        """Return the file that it stands in."""
        return f"jobs/{self.name}.toml"

    @property
    def asks(self) -> str:
        """Return the query that is run."""
        return self.condition or self.query


def read_job(name: str, facts: Mapping[str, Any] | None, text: str, faults: Faults) -> JobSpec | None:
    """Read one job; what is wrong is added to the faults."""
    if facts is None:
        return None
    before, file = len(faults), f"jobs/{name}.toml"

    def say(key: str, zh: str, en: str) -> None:
        faults.say(file, line_of(text, key), (f"{key} 缺少或不能用", f"{key} is missing or cannot be used"), (zh, en))

    for key in (one for one in facts if one not in _KEYS):
        say(key, f"可用：{', '.join(sorted(_KEYS))}", f"use one of: {', '.join(sorted(_KEYS))}")
    _check_common(facts, say)
    if "table" in facts:
        _check_table(facts, say)
    else:
        _check_alert(facts, say)
    if len(faults) != before:
        return None
    words = facts.get("text")
    return JobSpec(
        name=name,
        query=facts["query"],
        schedule=facts["schedule"],
        parameters={key: str(value) for key, value in facts.get("parameters", {}).items()},
        table=facts.get("table", ""),
        condition=facts.get("condition", ""),
        text=None if words is None else Text(words["zh"], words["en"]),
        to=facts.get("to", ""),
    )


def _check_common(facts: Mapping[str, Any], say: Callable[[str, str, str], None]) -> None:
    if not isinstance(facts.get("query"), str):
        say("query", '写成 query = "查询名"', 'write query = "name"')
    schedule = facts.get("schedule")
    if not isinstance(schedule, str) or not any(one.fullmatch(schedule) for one in SCHEDULES):
        say(
            "schedule",
            "写成 every 30m、every 2h、every 1d、daily 06:30、working-days 06:30、weekly 1 06:30 或 monthly -1 06:30",
            "write every 30m, every 2h, every 1d, daily 06:30, working-days 06:30, weekly 1 06:30 or monthly -1 06:30",
        )
    if not isinstance(facts.get("parameters", {}), dict):
        say("parameters", '写成 { 参数 = "值" }', 'write { parameter = "value" }')


def _check_table(facts: Mapping[str, Any], say: Callable[[str, str, str], None]) -> None:
    if not isinstance(facts["table"], str) or not TABLE.fullmatch(facts["table"]):
        say("table", "表名用文字、数字、_ 或 -，至多 60 字", "a table is named by letters, digits, _ or -, at most 60")
    for key in (one for one in ("condition", "text", "to") if one in facts):
        say(key, "写 table 的作业不发提醒，去掉这一行", "a job with a table raises no alert; leave the line out")


def _check_alert(facts: Mapping[str, Any], say: Callable[[str, str, str], None]) -> None:
    words = facts.get("text")
    if not (
        isinstance(words, dict)
        and set(words) == {"zh", "en"}
        and all(isinstance(one, str) and 0 < len(one.strip()) <= TEXT_MOST for one in words.values())
    ):
        say(
            "text",
            f'写成 text = {{ zh = "…", en = "…" }}，各至多 {TEXT_MOST} 字；要写表的作业写 table',
            f'write text = {{ zh = "…", en = "…" }} of at most {TEXT_MOST} characters; a job that keeps its rows has a table',
        )
    if facts.get("to") not in ROLES:
        say("to", f"写一个角色：{'、'.join(ROLES)}", f"write a role: {', '.join(ROLES)}")
    if not isinstance(facts.get("condition", ""), str):
        say("condition", '写成 condition = "查询名"', 'write condition = "name of a query"')


def check_jobs(
    jobs: Mapping[str, JobSpec],
    queries: Mapping[str, Any],
    manifest: Manifest,
    files: Mapping[str, str],
    faults: Faults,
) -> None:
    """Look whether the queries and parameters that jobs name are there, and no two write one table."""
    known = {one.name for one in manifest.parameters}
    written: dict[str, str] = {}
    for job in jobs.values():
        text = files[job.file]
        for key, name in (("query", job.query), ("condition", job.condition)):
            if name and name not in queries:
                faults.say(
                    job.file,
                    line_of(text, key),
                    (f"没有名为 {name[:60]} 的查询", f"there is no query {name[:60]}"),
                    ("改名或补上", "mend the name or add it"),
                )
        for name in (one for one in job.parameters if one not in known):
            faults.say(
                job.file,
                line_of(text, "parameters"),
                (f"没有名为 {name[:60]} 的参数", f"there is no parameter {name[:60]}"),
                ("改名或在 app.toml 里补上", "mend the name or add it to app.toml"),
            )
        if job.table and written.setdefault(job.table, job.name) != job.name:
            faults.say(
                job.file,
                line_of(text, "table"),
                (f"作业 {written[job.table]} 也写这张表", f"the job {written[job.table]} writes this table too"),
                ("换一个表名", "name another table"),
            )
