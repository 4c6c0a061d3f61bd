"""Signing on to servers, and the one door to everything else of the API."""

# ruff: noqa: B008 - Typer reads options from defaults
from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import typer

from beijiang.kit import Invalid, Text, Unauthenticated
from beijiang.remote.servers import Server
from beijiang.remote.speaking import Line, who_asks
from beijiang.terminal import Column, as_json, json_of, language, say, show

__all__ = ["add_keeping"]

_SERVERS = (
    Column("name", Text("名称", "name"), whole=True),
    Column("url", Text("地址", "address"), whole=True),
    Column("key", Text("有密钥", "key")),
    Column("chosen", Text("当前", "chosen")),
)
_WHO = (
    Column("name", Text("谁", "who")),
    Column("org_id", Text("机构", "organisation")),
    Column("roles", Text("角色", "roles")),
    Column("scopes", Text("密钥范围", "scopes of the key")),
)


class Method(StrEnum):
    """What is done with an address."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


def add_keeping(group: typer.Typer, line: Line) -> None:
    """Add the commands."""

    @group.command("login")
    def login(
        url: str = typer.Argument(help="Address of the server, https://HOST."),
        name: str = typer.Option("", help="What to call it; its host if left out."),
        key_file: Path | None = typer.Option(None, help="File that holds the key; - reads it from standard input."),
    ) -> None:
        """Try an API key on a server and keep both for later commands, readable by you alone. The key is asked for."""
        server = Server(name or urlsplit(url).netloc, url.rstrip("/"), _key(key_file))
        with line.open(server) as client:
            who = who_asks(client)
        if who["kind"] == "anonymous":
            raise Unauthenticated("服务器不认识这个密钥。", "The server does not know this key.", code="key_unknown")
        line.servers.keep(server)
        show({one.key: who[one.key] for one in _WHO}, _WHO)
        say(Text(f"已保存到 {line.servers.path}。", f"Kept in {line.servers.path}."))

    @group.command("logout")
    def logout(name: str = typer.Argument("", help="Name or address; the chosen one if left out.")) -> None:
        """Forget a server and its key on this machine. To end the key itself, revoke it in the console."""
        found = line.servers.forget(name or line.named)
        say(
            Text(
                f"已忘记 {found.name}。密钥仍然有效，如需作废请在控制台撤销。",
                f"Forgot {found.name}. The key is still good; revoke it in the console to end it.",
            )
        )

    @group.command("servers")
    def servers() -> None:
        """List the servers that are kept on this machine."""
        kept, chosen = line.servers.all()
        rows = [{"name": s.name, "url": s.url, "key": bool(s.key), "chosen": s.name == chosen} for s in kept]
        show(rows, _SERVERS)

    @group.command("use")
    def use(name: str = typer.Argument(help="Name or address of a kept server.")) -> None:
        """Ask this server from now on."""
        found = line.servers.choose(name)
        say(Text(f"以后使用 {found.name}（{found.url}）。", f"{found.name} ({found.url}) is asked from now on."))

    @group.command("whoami")
    def whoami() -> None:
        """Show who the server takes you for, and what the key may."""
        with line.open() as client:
            who = who_asks(client)
        show(who if as_json() else {one.key: who[one.key] for one in _WHO}, _WHO)

    @group.command("api")
    def api(
        method: Method = typer.Argument(help="GET, POST, PUT, PATCH or DELETE.", case_sensitive=False),
        path: str = typer.Argument(help="Address below /api/v1, e.g. exchange/grants?limit=5; see /api."),
        data: Path | None = typer.Option(None, help="File with the JSON of the body; - reads standard input."),
    ) -> None:
        """Ask anything else of the server's API and print the JSON that comes."""
        parts = urlsplit(path)
        if parts.scheme or parts.netloc:
            raise Invalid("只写路径，不写主机。", "Give the path alone, without a host.", code="usage")
        where = f"/api/v1/{parts.path.removeprefix('/').removeprefix('api/v1/')}"
        with line.open() as client:
            found = client.call(
                method.value, where, query=parse_qsl(parts.query, keep_blank_values=True), body=_body(data)
            )
        if found is not None:
            sys.stdout.write(json_of(found, indent=None if as_json() else 2) + "\n")


def _body(data: Path | None) -> dict[str, object] | None:
    if data is None:
        return None
    try:
        found = json.loads(sys.stdin.read() if str(data) == "-" else data.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Invalid(f"{data} 不是 JSON：{error}。", f"{data} is no JSON: {error}.", code="bad_json") from error
    if not isinstance(found, dict):
        raise Invalid(f"{data} 应是一个 JSON 对象。", f"{data} has to be a JSON object.", code="bad_json")
    return found


def _key(file: Path | None) -> str:
    """Return the key from a file, standard input or the keyboard; never from the command line, which others can list."""
    if file is None:
        words = Text("API 密钥（不回显）", "API key (not shown)").in_language(language())
        found = str(typer.prompt(words, hide_input=True, err=True))
    else:
        found = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    found = found.strip()
    if not found or not found.isascii() or any(one.isspace() for one in found):
        raise Invalid("这不是一个密钥。", "This is no key.", code="key_unreadable")
    return found
