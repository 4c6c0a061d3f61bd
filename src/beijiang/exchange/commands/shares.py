"""``beijiang exchange profile``: the file by which a client of Delta Sharing connects."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import typer

from beijiang.kit import SYSTEM, Text
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.service import Shares

__all__ = ["add_shares"]

_AS = typer.Option("", "--as", help="Login of the person whose keys they are.")
_KEYS = (
    Column("id", Text("密钥号", "key"), whole=True),
    Column("name", Text("名称", "name")),
    Column("issued", Text("已签发", "issued")),
)


def add_shares(group: typer.Typer, get: Callable[[], Shares], access: Callable[[], Access]) -> None:
    """Add the command of profiles."""

    @group.command("profile")
    def profile(
        key: str = typer.Argument("", help="Id of the API key; left out, the keys that may have one are listed."),
        out: Path | None = typer.Argument(None, help="File to write; KEY.share when left out."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Issue the Delta Sharing profile of an API key, once, into a file that only you can read."""
        actor = access().actor_for_person(person) if person else SYSTEM
        if not key:
            found = get().profiles(actor)
            show([{"id": one, "name": name, "issued": issued} for one, (name, issued) in found.items()], _KEYS)
            return
        target = out or Path(f"{key}.share")
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            try:
                file.write(orjson.dumps(get().issue_profile(actor, key).to_json()))
            except BaseException:
                target.unlink()
                raise
        say(Text(f"已写入 {target}；令牌只在此文件中。", f"Written to {target}; the token stands nowhere else."))
