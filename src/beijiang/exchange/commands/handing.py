"""``beijiang exchange package`` and ``trace``, and ``beijiang unpack``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from beijiang.exchange.commands.matters import acting
from beijiang.exchange.models import PackageCipher
from beijiang.kit import Invalid, Text
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.service import Packages, Tracing

__all__ = ["add_packages", "add_tracing", "unpack_command"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_CIPHER = typer.Option(PackageCipher.AES, help="aes (zip) or sm4 (opened by beijiang unpack).")
_MANIFEST: Final = "manifest.json"
_PARTS = (
    Column("name", Text("文件", "file")),
    Column("bytes", Text("字节", "bytes")),
    Column("sm3", Text("SM3", "SM3")),
)
_SUSPECTS = (
    Column("receipt", Text("回执", "receipt"), whole=True),
    Column("grant", Text("授权号", "grant"), whole=True),
    Column("org", Text("使用部门", "consumer")),
    Column("by", Text("取得人", "taken by")),
    Column("at", Text("时间", "at")),
    Column("how", Text("依据", "by what")),
    Column("confidence", Text("置信度", "confidence")),
    Column("agreeing", Text("相符行对", "agreeing pairs")),
)


def add_packages(group: typer.Typer, get: Callable[[], Packages], access: Callable[[], Access]) -> None:
    """Add ``package`` to the commands of exchange."""
    who = acting(access)

    @group.command("package")
    def package(
        table: str = typer.Argument(help="Name of the table."),
        out: Path = typer.Argument(help="Package to write."),  # noqa: B008
        form: str = typer.Option("csv", "--format", help="csv, xlsx, json or parquet"),
        encoding: str = typer.Option("utf-8-sig", help="Of a CSV: utf-8, utf-8-sig or gb18030."),
        where: list[str] = typer.Option([], help="Only rows with COLUMN=VALUE or COLUMN__op=VALUE."),  # noqa: B008
        cipher: PackageCipher = _CIPHER,
        purpose: str = typer.Option("", help="Code of the purpose to read for, if grants are for several."),
        person: str = _AS,
    ) -> None:
        """Write what your grant gives as an encrypted package; its password is shown this once and kept nowhere."""
        from beijiang.protection import files, read_where

        order = files.DownloadOrder(
            form=files.parse_format(form),
            encoding=files.parse_encoding(encoding),
            filters=tuple(read_where(text) for text in where),
        )
        made = get().make(who(person), table, order, purpose, cipher)
        with out.open("wb") as file:
            file.writelines(get().fetch(who(person), made.package.id).content)
        show(
            {"file": str(out), "password": made.password, "receipt": made.package.receipt, "sm3": made.package.sm3},
            (
                Column("file", Text("文件", "file")),
                Column("password", Text("口令（只显示这一次）", "password (shown this once)")),
                Column("receipt", Text("回执", "receipt")),
                Column("sm3", Text("SM3", "SM3")),
            ),
        )


def add_tracing(group: typer.Typer, get: Callable[[], Tracing], access: Callable[[], Access]) -> None:
    """Add ``trace`` to the commands of exchange."""
    who = acting(access)

    @group.command("trace")
    def trace(
        file: Path = typer.Argument(help="The file that got out: CSV, Excel, JSON or Parquet.", exists=True),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Say from which grant and receipt a file most likely came, or that it cannot be told."""
        report = get().trace(who(person), file.read_bytes())
        say(report.words)
        rows = [
            {
                "receipt": one.mark.receipt,
                "grant": one.mark.grant_id,
                "org": one.mark.org_id,
                "by": one.mark.by_name,
                "at": one.mark.at.isoformat(timespec="seconds"),
                "how": one.how.text,
                "confidence": f"{one.confidence:.6%}" if one.confidence else "-",
                "agreeing": f"{one.agreeing}/{one.pairs}" if one.pairs else "-",
            }
            for one in report.suspects
        ]
        show(rows, _SUSPECTS)


def unpack_command() -> Callable[..., None]:
    """Return ``beijiang unpack``."""

    def unpack(
        file: Path = typer.Argument(help="The encrypted package.", exists=True, dir_okay=False),  # noqa: B008
        into: Path = typer.Option(Path("unpacked"), help="New or empty folder for what is in it."),  # noqa: B008
        password_file: Path | None = typer.Option(None, help="File with the password; asked for without it."),  # noqa: B008
    ) -> None:
        """Open an encrypted package, offline, on any machine, and check every part against its SM3 digest."""
        from beijiang.crypto import open_package

        words = Text("口令", "Password")
        password = (
            typer.prompt(f"{words.zh} {words.en}", hide_input=True)
            if password_file is None
            else password_file.read_text(encoding="utf-8")
        )
        made = {path.name: path for path in open_package(file, password.strip(), into)}
        try:
            found = _checked(made)
        except BaseException:
            for path in made.values():
                path.unlink(missing_ok=True)
            raise
        show(found, _PARTS)
        say(Text(f"各部分与清单一致，已写入 {into}。", f"Every part agrees with the manifest; written to {into}."))

    return unpack


def _checked(made: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Return the parts with their digests, which are those of the manifest."""
    from beijiang.crypto import sm3_of

    found = []
    try:
        for part in json.loads(made[_MANIFEST].read_text(encoding="utf-8"))["parts"]:
            found.append({"name": part["name"], "bytes": part["bytes"], "sm3": sm3_of(made[part["name"]])})
            if found[-1]["sm3"] != part["sm3"]:
                raise _broken(part["name"])
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(_MANIFEST) from error
    if set(made) - {_MANIFEST} != {part["name"] for part in found}:
        raise _broken(_MANIFEST)
    return found


def _broken(name: str) -> Invalid:
    return Invalid(
        f"包中的“{name}”与清单不一致。请不要使用，并重新取得。",
        f'"{name}" in the package does not agree with its manifest. Do not use it; get the package again.',
        code="package_changed",
        detail={"part": name},
    )
