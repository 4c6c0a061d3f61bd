"""``beijiang clients sandbox``: an API on synthetic data, and what a program needs to ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.kit import ANONYMOUS, Invalid, Text
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.apps.service import Sandbox

__all__ = ["add_sandbox"]

_AS = typer.Option("", "--as", help="Login of the developer; without it you are a visitor.")


def add_sandbox(
    group: typer.Typer, get: Callable[[], Sandbox], access: Callable[[], Access], base: Callable[[], str]
) -> None:
    """Add the command to the group of applications written elsewhere."""

    @group.command("sandbox")
    def sandbox(
        api: str = typer.Argument(help="rows:DATASET, table:TABLE, service:SERVICE or app:APPLICATION/END-POINT."),
        given: list[str] = typer.Option([], "--parameter", "-p", help="A parameter as NAME=VALUE; may be repeated."),  # noqa: B008
        code: str = typer.Option("", help="Print a sample instead of rows: curl or python."),
        person: str = _AS,
    ) -> None:
        """Try an API on synthetic data of its shape, without a grant; print rows, or a sample for a program."""
        who = access().actor_for_person(person) if person else ANONYMOUS
        found = get().answer(who, api, dict(_pair(one) for one in given))
        if code:
            typer.echo(_sample(code, found.curl(base()), found.python(base())))
            return
        show([{**one} for one in found.body["rows"]], [Column(name, Text(name, name)) for name in found.columns])
        say(Text(str(found.body["synthetic"]["zh"]), str(found.body["synthetic"]["en"])))


def _sample(code: str, curl: str, python: str) -> str:
    samples = {"curl": curl, "python": python}
    if code not in samples:
        raise Invalid("--code 写 curl 或 python。", "Write --code curl or --code python.", code="sandbox_code")
    return samples[code]


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise Invalid(
            f"参数写成 名称=值，不是“{text[:60]}”。",
            f'Write a parameter as NAME=VALUE, not "{text[:60]}".',
            code="sandbox_parameter",
        )
    return name, value
