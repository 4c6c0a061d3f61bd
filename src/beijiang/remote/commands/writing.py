"""The directory as a file, and applications: check, hand in, release."""

# ruff: noqa: B008 - Typer reads options from defaults
from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import quote

import typer

from beijiang.kit import Text
from beijiang.remote.commands.shown import Shown
from beijiang.remote.speaking import Line
from beijiang.terminal import as_json, language, say, show

__all__ = ["add_writing"]

_DIRECTORY: Final = "/api/v1/catalog/directory"
_APPS: Final = "/api/v1/apps"
_FOLDER = typer.Argument(help="Folder of the application.", exists=True, file_okay=False)
_APP = typer.Argument(help="Id of the application.")
_NUMBER = typer.Argument(help="Number of the version.")


def add_writing(group: typer.Typer, line: Line, shown: Shown) -> None:
    """Add the commands."""
    catalog = typer.Typer(help="The server's directory as a file, out and in.", no_args_is_help=True)
    apps = typer.Typer(help="Applications on the server: check, submit, show, review, release.", no_args_is_help=True)
    group.add_typer(catalog, name="catalog")
    group.add_typer(apps, name="app")
    _add_directory(catalog, line, shown)
    _add_applications(apps, line, shown)
    _add_decisions(apps, line)


def _add_directory(group: typer.Typer, line: Line, shown: Shown) -> None:
    @group.command("export")
    def export(
        path: Path = typer.Argument(help="File to write: .xlsx, .csv or .pdf.", dir_okay=False),
        state: list[str] = typer.Option([], help="Only in this state; may be given more than once."),
        org: str = typer.Option("", help="Only of this organisation."),
    ) -> None:
        """Write the directory as a spreadsheet in the national layout."""
        query = [("language", language().value), *(("state", one) for one in state), *([("org", org)] if org else [])]
        form = quote(path.suffix.lower().lstrip(".") or "xlsx", safe="")
        with line.open() as client:
            client.save(f"{_DIRECTORY}.{form}", path, query=query)
        say(Text(f"已写入 {path}", f"Wrote {path}"))

    @group.command("import")
    def take(
        path: Path = typer.Argument(help="Spreadsheet or CSV file (UTF-8 or GBK).", exists=True, dir_okay=False),
        check: bool = typer.Option(False, help="Only say what it would do."),
    ) -> None:
        """Register and change entries as a spreadsheet says, all of them or none; exit status 1 where anything is wrong."""
        query = [("check", "true" if check else "false")]
        with line.open() as client:
            found = client.hand_in(_DIRECTORY, path.name, path.read_bytes(), query=query)
        shown.taken(found)


def _add_applications(group: typer.Typer, line: Line, shown: Shown) -> None:
    @group.command("check")
    def check(folder: Path = _FOLDER) -> None:
        """Run every automatic check that a submission has to pass; the server keeps nothing."""
        with line.open() as client:
            found = client.hand_in(f"{_APPS}/check", f"{folder.resolve().name}.zip", shown.bundle(folder))
        shown.checks(found["checks"], found["faults"])
        if not found["good"]:
            raise typer.Exit(1)

    @group.command("submit")
    def submit(folder: Path = _FOLDER) -> None:
        """Check an application and hand it in for review as a new version."""
        with line.open() as client:
            found = client.hand_in(_APPS, f"{folder.resolve().name}.zip", shown.bundle(folder))
        app, number = found["app"], found["version"]["number"]
        if as_json():
            show(found)
        say(
            Text(
                f"已提交 {app} 第 {number} 版，等待数据局审核。",
                f"Submitted version {number} of {app}; it waits for review.",
            )
        )

    @group.command("list")
    def list_() -> None:
        """Show the applications that one has to do with."""
        with line.open() as client:
            shown.apps.show(client.call("GET", _APPS)["apps"])

    @group.command("show")
    def show_(app: str = _APP) -> None:
        """Show the versions of an application and what was decided on them."""
        with line.open() as client:
            shown.versions.show(client.call("GET", _one(app))["versions"])


def _add_decisions(group: typer.Typer, line: Line) -> None:
    @group.command("review")
    def review(
        app: str = _APP,
        number: int = _NUMBER,
        approve: bool = typer.Option(..., "--approve/--return", help="Approve it, or send it back."),
        note: str = typer.Option(..., help="Why; the department reads it."),
        own_grants: bool = typer.Option(False, "--own-grants", help="Allow it to read under grants of its department."),
    ) -> None:
        """Approve a version or send it back; nobody reviews his own."""
        order = {"approve": approve, "note": note, "own_grants": own_grants}
        with line.open() as client:
            found = client.call("POST", f"{_one(app)}/versions/{number}/review", body=order)
        if as_json():
            show(found)
        say(
            Text(
                f"第 {number} 版{'已通过' if approve else '已退回'}。",
                f"Version {number} is {'approved' if approve else 'sent back'}.",
            )
        )

    @group.command("release")
    def release(
        app: str = _APP,
        number: int = _NUMBER,
        to: str = typer.Option(..., help="people, departments or public."),
        names: list[str] = typer.Option([], "--name", help="A department's id or a person's login."),
    ) -> None:
        """Give readers an approved version."""
        with line.open() as client:
            found = client.call("POST", f"{_one(app)}/versions/{number}/release", body={"to": to, "names": names})
        if as_json():
            show(found)
        say(Text(f"{app} 第 {number} 版已发布。", f"Version {number} of {app} is released."))


def _one(app: str) -> str:
    return f"{_APPS}/{quote(app, safe='')}"
