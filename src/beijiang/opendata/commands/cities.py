"""``beijiang portal cities``: portals of cities and counties."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Text
from beijiang.opendata.cities import Portal, PortalDraft
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.opendata.portals import Portals

__all__ = ["cities"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_CODE = typer.Argument(help="Code of the portal.")
_ROWS = (
    Column("code", Text("代码", "code"), whole=True),
    Column("name", Text("名称", "name")),
    Column("region", Text("区划", "region")),
    Column("path", Text("路径", "path")),
    Column("host", Text("域名", "host")),
    Column("colour", Text("颜色", "colour")),
)


def cities(get: Callable[[], Portals], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Portals of cities and counties: list, set, logo, remove.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """List the portals."""
        show([_row(one) for one in get().portals(who(person))], _ROWS)

    @group.command("set")
    def set_(
        code: str = _CODE,
        *,
        name_zh: str = typer.Option(..., help="Name in Chinese."),
        name_en: str = typer.Option(..., help="Name in English."),
        region: str = typer.Option(..., help="Code of its region."),
        header_mn: str = typer.Option("", help="Its head in traditional Mongolian."),
        colour: str = typer.Option("#155e75", help="Its colour; dark enough for words."),
        host: str = typer.Option("", help="A host name that leads to it."),
        theme: list[str] = typer.Option([], help="Theme that stands first; repeat it."),  # noqa: B008
        contact: str = typer.Option("", help="Whom to ask."),
        person: str = _AS,
    ) -> None:
        """Set a portal up, or change it."""
        draft = PortalDraft(
            code=code,
            name_zh=name_zh,
            name_en=name_en,
            region_code=region,
            header_mn=header_mn,
            colour=colour,
            host=host,
            themes=tuple(theme),
            contact=contact,
        )
        show([_row(get().put(who(person), draft))], _ROWS)

    @group.command("logo")
    def logo(
        code: str = _CODE,
        picture: Path | None = typer.Argument(None, help="PNG, JPEG or WebP; nothing takes it away."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Give a portal a picture."""
        show([_row(get().put_logo(who(person), code, picture.read_bytes() if picture else b""))], _ROWS)

    @group.command("remove")
    def remove(code: str = _CODE, person: str = _AS) -> None:
        """Take a portal away; what it showed stays where it is."""
        get().remove(who(person), code)
        say(Text(f"分门户 {code} 已撤下。", f"The portal {code} is taken away."))

    return group


def _row(one: Portal) -> dict[str, Any]:
    return {
        "code": one.code,
        "name": one.name,
        "region": one.region_code,
        "path": one.path,
        "host": one.host or "-",
        "colour": one.colour,
    }
