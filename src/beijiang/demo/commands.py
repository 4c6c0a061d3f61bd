"""``beijiang demo``: a region's platform with one command."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from beijiang.access import Role
from beijiang.kit import Text
from beijiang.settings import TOML_NAME
from beijiang.terminal import Column, as_json, language, progress, say, show

if TYPE_CHECKING:
    from beijiang.build import Platform
    from beijiang.demo.tour import Tour
    from beijiang.settings import Settings

_COLUMNS = (
    Column("login", Text("账号", "login"), whole=True),
    Column("password", Text("口令", "password"), whole=True),
    Column("role", Text("角色", "role")),
)


def demo_command(
    settings: Callable[[], Settings],
    platform: Callable[[], Platform],
    reserve: Callable[[], Callable[[Platform], None]],
) -> Callable[..., None]:
    """Return the command; ``reserve`` takes the address and returns what serves a built platform there."""

    def demo(
        scale: float = typer.Option(1.0, min=0.005, max=2.0, help="Size of the region: 1.0 is 400,000 rows."),
        build_only: bool = typer.Option(False, "--build-only", help="Build the region and leave without serving it."),
    ) -> None:
        """Build the demo region (once) and serve it: departments' messy files in, open data out."""
        from beijiang.demo.tour import Tour

        os.environ.setdefault("BEIJIANG_DEMO", "true")  # read with the other settings, below
        _mark(settings().home)
        serve = None if build_only else reserve()
        built = platform()
        tour = Tour(built, scale=scale)
        with built.lock.held("demo"):
            built.start()
            try:
                with tour.far_side:
                    try:
                        _build(tour)
                        _introduce(tour, settings())
                        if serve is not None:
                            tour.settle()
                            serve(built)
                    finally:
                        tour.part()
            finally:
                built.stop()

    return demo


def _mark(home: Path) -> None:
    """Leave word in the home's settings that it is a demonstration, for whoever serves it later."""
    if not (home / TOML_NAME).exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / TOML_NAME).write_text("demo = true\n", encoding="utf-8")


def _build(tour: Tour) -> None:
    if tour.ready:
        return
    say(
        Text(
            "正在建立演示地区（几分钟，可随时中断，下次接着做）……",
            "Building the demo region (a few minutes; it resumes if interrupted)…",
        )
    )
    with progress(Text("演示地区", "demo region")) as bar:
        tour.build(lambda step: bar.update(step.done, step.total, step.words.in_language(language())))


def _introduce(tour: Tour, settings: Settings) -> None:
    from beijiang.demo.tour import first_login_file

    say(
        Text(
            f"首次登录账号（也保存在 {first_login_file(settings.home)}）：",
            f"Accounts for the first sign-in (also in {first_login_file(settings.home)}):",
        )
    )
    people = [
        {"login": a.login, "password": a.password, "role": a.role, "organisation": a.org_id}
        for a in tour.people.accounts
    ]
    if as_json():
        show(people)
        return
    for row in people:
        row["role"] = Role(row["role"]).text.in_language(language())
    show(people, _COLUMNS)
