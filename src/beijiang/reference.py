"""Write the reference pages of the documentation from the program itself, so that they cannot be wrong.

``python -m beijiang.reference docs/reference`` writes them; a test compares what is committed with what would be written.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import SecretStr

import beijiang
from beijiang.kit import Event
from beijiang.settings import Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

HEAD = "<!-- Written by `make docs`; do not edit. -->\n"


def settings_page() -> str:
    """List every setting with its variable, type, default and help."""
    rows = [
        f"| `{name}` | `BEIJIANG_{name.upper()}` | {_type(field)} | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    head = (
        "# Settings\n\nRead from defaults, then `beijiang.toml` in the home folder, then variables, then arguments.\n\n"
        "| setting | variable | type | default | meaning |\n|---|---|---|---|---|\n"
    )
    return HEAD + head + "\n".join(rows) + "\n"


def permissions_page() -> str:
    """List every permission in both languages."""
    from beijiang.access import Permission

    rows = [f"| `{p.value}` | {p.text.zh} | {p.text.en} |" for p in Permission]
    return HEAD + "# Permissions\n\n| permission | 中文 | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def reasons_page() -> str:
    """List why something can be missing on the page of a data set, and the next step."""
    from beijiang.opendata import Gap, GapCode

    rows = [
        f"| `{code.value}` | {code.text.zh} | {code.text.en} | {step.zh} · {step.en} |"
        for code in GapCode
        for step in (Gap.of(code, "").step,)
    ]
    head = (
        "# Why something is missing\n\nReason codes on the page of a data set, in `GET /api/v1/datasets/{id}/quality` and in "
        "`beijiang data quality`.\n\n| code | 为什么 | why | 下一步 · next step |\n|---|---|---|---|\n"
    )
    return HEAD + head + "\n".join(rows) + "\n"


def events_page() -> str:
    """List every event with its fields."""
    for module in pkgutil.walk_packages(beijiang.__path__, "beijiang."):
        if module.name.endswith(".events"):
            importlib.import_module(module.name)
    kinds = sorted(_below(Event), key=lambda kind: kind.__name__)
    parts = []
    for kind in kinds:
        doc = (kind.__doc__ or "").strip().splitlines()[0]
        names = ", ".join(f"`{f.name}`" for f in fields(kind))
        parts.append(f"## {kind.__name__}\n\n{doc} From `{kind.__module__.rsplit('.', 1)[0]}`. Fields: {names}.\n")
    return HEAD + "# Events\n\nFacts that a domain publishes after a committed change.\n\n" + "\n".join(parts)


def commands_page() -> str:
    """List every command with its help and options."""
    import typer.main

    from beijiang.cli import terminal_app

    lines = [
        "# Commands\n",
        (
            "Everywhere: `--home DIR` (or `BEIJIANG_HOME`), `--json`, `--lang zh-CN|en`; `beijiang --version`. Exit status: "
            "0 done, 1 failed, 2 used wrongly, 130 interrupted. With `--json` an error is one line on standard output too: "
            '`{"error": {"code", "message", "detail", "request_id"}}`.\n'
        ),
    ]
    _command(typer.main.get_command(terminal_app), "beijiang", lines)
    return HEAD + "\n".join(lines) + "\n"


def http_page() -> str:
    """List every endpoint of the HTTP API."""
    rows = []
    for path, methods in sorted(openapi()["paths"].items()):
        rows += [f"| `{m.upper()} {path}` | {op.get('summary', '')} |" for m, op in sorted(methods.items())]
    head = "# HTTP API\n\nThe full description is served at `/openapi.json` and readable at `/api`.\n\n| endpoint | does |\n|---|---|\n"
    return HEAD + head + "\n".join(rows) + "\n"


def openapi_page() -> str:
    """Write the OpenAPI description out, in an order that does not change by itself."""
    return json.dumps(openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


@cache
def openapi() -> dict[str, Any]:
    """Return the OpenAPI description of the whole platform."""
    import tempfile

    from beijiang.app import create_app
    from beijiang.build import build

    with tempfile.TemporaryDirectory() as folder:
        platform = build(Settings.for_tests(Path(folder)))
        try:
            return create_app(platform).openapi()
        finally:
            platform.close()


def _command(command: Any, name: str, lines: list[str]) -> None:
    lines.append(f"## `{name}`\n\n{(command.help or '').strip()}\n")
    for parameter in command.params:
        shown = (
            ", ".join(f"`{o}`" for o in parameter.opts)
            if parameter.param_type_name == "option"
            else f"`{parameter.name}`"
        )
        lines.append(f"- {shown}: {getattr(parameter, 'help', None) or ''}".rstrip(": "))
    if command.params:
        lines.append("")
    for child_name, child in sorted(getattr(command, "commands", {}).items()):
        _command(child, f"{name} {child_name}", lines)


def _below(kind: type[Event]) -> set[type[Event]]:
    # with slots=True a dataclass is made twice, and the first one lives on; its module knows the second
    found = {
        child
        for child in kind.__subclasses__()
        if child.__module__.startswith("beijiang.") and getattr(sys.modules[child.__module__], child.__name__) is child
    }
    return found.union(*(_below(child) for child in found)) if found else found


_TYPES = {Path: "folder", SecretStr: "text, kept secret", str: "text", int: "whole number", float: "number"}
_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


def _type(field: FieldInfo) -> str:
    """Name the type of a setting, its choices and its bounds, in words."""
    kind: Any = next((part for part in get_args(field.annotation) if part is not type(None)), field.annotation)
    if issubclass(kind, Enum):
        return " or ".join(f"`{member.value}`" for member in kind)
    named = "true or false" if kind is bool else _TYPES[kind]
    bounds = [
        f"{word} {value:g}"
        for rule in field.metadata
        for name, word in _BOUNDS.items()
        if (value := getattr(rule, name, None)) is not None
    ]
    return ", ".join((named, *bounds))


def _default(value: Any) -> str:
    return "none" if value is None else f"`{getattr(value, 'value', value)}`"


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "permissions.md": permissions_page,
    "events.md": events_page,
    "reasons.md": reasons_page,
    "commands.md": commands_page,
    "http-api.md": http_page,
    "openapi.json": openapi_page,
}
"""Every generated page: file name, and what writes its content."""


def main(folder: str) -> None:
    """Write all pages into ``folder``."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (target / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
