"""``beijiang protection release-check`` and what belongs to it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import Text
from beijiang.protection.commands.grades import AS, acting
from beijiang.protection.models.sight import AUDIENCE_NAMES, Audience
from beijiang.terminal import Column, language, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.protection.models.releases import ReleaseReport, Roles
    from beijiang.protection.service import Releases

__all__ = ["add"]

_CHECKS = (
    Column("audience", Text("面向", "for whom")),
    Column("check", Text("检查", "check"), whole=True),
    Column("outcome", Text("结果", "outcome")),
    Column("numbers", Text("数值", "numbers")),
    Column("limit", Text("限值", "limit"), right=True),
    Column("columns", Text("数据项", "columns"), spare=True),
)
_REPORTS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("version", Text("版本", "version"), right=True),
    Column("audience", Text("面向", "for whom")),
    Column("passed", Text("通过", "passed")),
    Column("failed", Text("未通过的检查", "failed checks")),
    Column("at", Text("时间", "at")),
)
_ROLES = (Column("column", Text("数据项", "column"), whole=True), Column("role", Text("角色", "role")))


def add(group: typer.Typer, get: Callable[[], Releases], access: Callable[[], Access]) -> None:
    """Add the commands of the release check to a group."""

    @group.command("release-check")
    def check(table: str = typer.Argument(help="Name of the table."), person: str = AS) -> None:
        """Check what would be opened and shared now; readers move on if all of it passes. Exit status 1 if not."""
        reports = get().check(acting(access, person), table)
        show([row for report in reports for row in _findings(report)], _CHECKS)
        if not all(report.passed for report in reports):
            raise typer.Exit(1)

    @group.command("release-reports")
    def reports(table: str = typer.Argument(help="Name of the table."), person: str = AS) -> None:
        """Show the reports of release checks, newest first."""
        show([_report(one) for one in get().reports(acting(access, person), table)], _REPORTS)

    @group.command("release-report")
    def report(
        table: str = typer.Argument(help="Name of the table."),
        report_id: str = typer.Argument(help="Id of the report."),
        person: str = AS,
    ) -> None:
        """Print one report as JSON, to be kept or sent on."""
        found = get().report(acting(access, person), table, report_id)
        sys.stdout.write(json.dumps(found.to_json(), ensure_ascii=False, indent=2) + "\n")

    @group.command("roles")
    def roles(table: str = typer.Argument(help="Name of the table."), person: str = AS) -> None:
        """Show which columns tell persons apart: as declared, else as proposed."""
        _show_roles(get().roles(acting(access, person), table))

    @group.command("declare")
    def declare(
        table: str = typer.Argument(help="Name of the table."),
        roles: list[str] = typer.Option([], "--role", help="COLUMN=quasi, sensitive, count or plain."),  # noqa: B008
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = AS,
    ) -> None:
        """Declare what each column does to the anonymity of persons; columns not named have no role."""
        given = dict(one.rpartition("=")[::2] for one in roles)
        _show_roles(get().declare(acting(access, person), table, given, reason))


def _show_roles(found: Roles) -> None:
    show([{"column": name, "role": role.text.in_language(language())} for name, role in found.roles.items()], _ROLES)


def _findings(report: ReleaseReport) -> list[dict[str, Any]]:
    return [
        {
            "audience": AUDIENCE_NAMES[Audience(report.audience)].in_language(language()),
            "check": one.name.in_language(language()),
            "outcome": one.outcome.text.in_language(language()),
            "numbers": ", ".join(f"{name}={number}" for name, number in one.numbers.items()),
            "limit": one.limit,
            "columns": "、".join(one.columns),
        }
        for one in report.findings
    ]


def _report(report: ReleaseReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "version": report.version,
        "audience": AUDIENCE_NAMES[Audience(report.audience)].in_language(language()),
        "passed": report.passed,
        "failed": "、".join(one.name.in_language(language()) for one in report.failed),
        "at": report.at,
    }
