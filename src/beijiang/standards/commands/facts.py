"""``beijiang standards``: look up regions, categories, cycles, rules and codes, and check identifiers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SystemClock, Text
from beijiang.standards import checks
from beijiang.standards.service import Standards
from beijiang.terminal import Column, language, show

if TYPE_CHECKING:
    from beijiang.standards.models import CodeNode

__all__ = ["commands"]

_CODE = Column("code", Text("代码", "Code"), whole=True)
_NAME = Column("name", Text("名称", "Name"))
_STOOD = (
    _CODE,
    _NAME,
    Column("tier", Text("层级", "Tier"), right=True),
    Column("valid_from", Text("生效", "From")),
    Column("valid_to", Text("失效", "Ended")),
    Column("replaced_by", Text("后继", "Replaced by")),
)
_CHECKS: dict[str, Callable[[str], checks.CheckResult]] = {
    "citizen-id": lambda value: checks.check_citizen_id(value, today=SystemClock().now().date()),
    "uscc": lambda value: checks.check_uscc(value, inner=True),
    "org-code": checks.check_org_code,
    "luhn": checks.check_luhn,
}


def commands(get: Callable[[], Standards]) -> typer.Typer:
    """Return the command group."""
    app = typer.Typer(help="What the standards say; the registry of data elements and code sets.", no_args_is_help=True)
    _add_regions(app, get)

    @app.command()
    def categories() -> None:
        """List the catalog categories."""
        rows = [
            {"code": c.code, "name": c.name.in_language(language()), "tier": c.tier, "verified": c.verified}
            for c in get().categories()
        ]
        show(rows, [_CODE, _NAME, Column("tier", Text("层级", "Tier")), Column("verified", Text("已核实", "Verified"))])

    @app.command()
    def cycles() -> None:
        """List the update cycles."""
        show([{"code": c.code, "name": c.name.in_language(language())} for c in get().update_cycles()], [_CODE, _NAME])

    @app.command()
    def codes(code_set: str = typer.Argument("", help="Id of the code set; empty lists the sets.")) -> None:
        """List code sets, or the values of one."""
        if not code_set:
            found = get().code_sets()
            show(
                [{"code": s.id, "name": f"{s.name.in_language(language())} ({s.standard})"} for s in found],
                [_CODE, _NAME],
            )
            return
        values = get().code_set(code_set).values
        show([{"code": v.code, "name": v.name.in_language(language())} for v in values], [_CODE, _NAME])

    @app.command()
    def rules() -> None:
        """List time limits, retention clocks and thresholds with their basis."""
        rows = [
            {
                "code": r.id,
                "name": r.topic.in_language(language()),
                "value": f"{r.value} {r.unit}",
                "basis": r.basis,
                "verified": r.verified,
                "active": r.active,
            }
            for r in get().rules()
        ]
        columns = [
            _CODE,
            _NAME,
            Column("value", Text("数值", "Value")),
            Column("basis", Text("依据", "Basis")),
            Column("verified", Text("已核实", "Verified")),
            Column("active", Text("启用", "Active")),
        ]
        show(rows, columns)

    @app.command()
    def check(
        kind: str = typer.Argument(help="citizen-id, uscc, org-code or luhn."),
        value: str = typer.Argument(help="The number to check."),
    ) -> None:
        """Check one identifier; exit status 1 when it is wrong."""
        if kind not in _CHECKS:
            raise typer.BadParameter("citizen-id, uscc, org-code, luhn")
        result = _CHECKS[kind](value)
        message = result.message.in_language(language()) if result.message else ""
        show({"value": result.value, "verdict": result.verdict.value, "message": message})
        if not result.passes:
            raise typer.Exit(1)

    return app


def _add_regions(app: typer.Typer, get: Callable[[], Standards]) -> None:
    @app.command()
    def regions(
        parent: str = typer.Argument("150000", help="Code of the region above."),
        on: datetime | None = typer.Option(None, formats=["%Y-%m-%d"], help="As they stood on this day."),  # noqa: B008
        deep: bool = typer.Option(False, "--deep", help="With all regions below them; needs --on."),
    ) -> None:
        """List the regions directly below one, as they are or as they stood on a day."""
        if on is not None:
            node = get().region_on(parent, on.date())
            below = [one for child in node.children for one in (child.walk() if deep else [child])]
            show([_stood(one) for one in below], _STOOD)
            return
        show(
            [{"code": r.code, "name": r.name, "name_en": r.name_en, "kind": r.kind} for r in get().children(parent)],
            [_CODE, _NAME, Column("name_en", Text("英文名", "English name")), Column("kind", Text("类型", "Kind"))],
        )


def _stood(node: CodeNode) -> dict[str, Any]:
    value = node.value
    return {
        "code": value.code,
        "name": value.name.in_language(language()),
        "tier": node.tier,
        "valid_from": value.valid_from,
        "valid_to": value.valid_to,
        "replaced_by": "、".join(value.replaced_by),
    }
