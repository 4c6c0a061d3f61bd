"""The servers that a person has a key of, in a file that only he can read."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from beijiang.kit import Invalid, NotFound

__all__ = ["Server", "Servers"]

FILE: Final = "BEIJIANG_REMOTE_FILE"
"""Names the file of the servers; without it, it lies where this system keeps settings of programs."""
URL: Final = "BEIJIANG_REMOTE_URL"
KEY: Final = "BEIJIANG_REMOTE_KEY"
"""Address and key for programs (CI) that have no file; they weigh more than the file's choice."""
NEAR: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Server:
    """A platform somewhere, and the key that is shown to it; without one it is asked as a visitor asks."""

    name: str
    url: str
    key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no address, and to send a key where others can read along.

        Raises:
            Invalid: no address of a server (``remote_address``), or a key over plain HTTP (``remote_plain``).

        """
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
            raise Invalid(
                "服务器地址应写成 https://主机，且不含账号口令。",
                "The address of a server is https://HOST, without a login in it.",
                code="remote_address",
            )
        if self.key and parts.scheme == "http" and parts.hostname not in NEAR:
            raise Invalid(
                f"{self.url} 没有加密，密钥会被旁人读到，因此不发送。请改用 https:// 地址。",
                f"{self.url} is not encrypted; others could read the key, so it is not sent. Use an https:// address.",
                code="remote_plain",
            )


class Servers:
    """Keep and find servers. The file is made for its owner alone and replaced as a whole."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        base = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        self.path = Path(environment.get(FILE) or Path(base) / "beijiang" / "servers.json")

    def all(self) -> tuple[tuple[Server, ...], str]:
        """Return the kept servers by name, and the name of the one that is asked unless another is named."""
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
            return tuple(Server(**one) for one in told["servers"]), str(told["chosen"])
        except FileNotFoundError:
            return (), ""
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid(
                f"{self.path} 读不懂。请删除它，再运行 beijiang remote login 地址。",
                f"{self.path} cannot be read. Delete it, then run beijiang remote login URL.",
                code="remote_file",
            ) from error

    def find(self, named: str = "") -> Server:
        """Return the server of a name or an address; without either that of the environment, or the chosen one.

        Raises:
            NotFound: no such server is kept, or none at all (``no_server``).

        """
        address, key = self._environment.get(URL, ""), self._environment.get(KEY, "")
        if not named and address:
            return Server(address, address, key)
        kept, chosen = self.all()
        if (found := _among(kept, named or chosen)) is not None:
            return found
        if "://" in named:
            return Server(named, named, key if named.rstrip("/") == address.rstrip("/") else "")
        raise _unknown(named or chosen)

    def kept(self, named: str = "") -> Server:
        """Return a kept server by name or address; the chosen one without either.

        Raises:
            NotFound: it is not kept here (``no_server``).

        """
        kept, chosen = self.all()
        if (found := _among(kept, named or chosen)) is None:
            raise _unknown(named or chosen)
        return found

    def keep(self, server: Server) -> None:
        """Keep a server in place of the one of that name, and ask it from now on."""
        with self._turn():
            kept, _ = self.all()
            self._write((*(one for one in kept if one.name != server.name), server), server.name)

    def choose(self, name: str) -> Server:
        """Ask this kept server from now on."""
        with self._turn():
            found = self.kept(name)
            self._write(self.all()[0], found.name)
        return found

    def forget(self, name: str = "") -> Server:
        """Forget a kept server and its key."""
        with self._turn():
            found = self.kept(name)
            kept, chosen = self.all()
            left = tuple(one for one in kept if one.name != found.name)
            self._write(left, "" if chosen == found.name else chosen)
        return found

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let one process at a time read, change and write the file: two logins at once keep both keys."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)

    def _write(self, servers: tuple[Server, ...], chosen: str) -> None:
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"chosen": chosen, "servers": [asdict(one) for one in servers]}, file, ensure_ascii=False)
            part.replace(self.path)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()


def _among(kept: Sequence[Server], wanted: str) -> Server | None:
    """Return the kept server of a name or an address, with or without the slash at its end."""
    return next((one for one in kept if wanted == one.name or wanted.rstrip("/") == one.url.rstrip("/")), None)


def _unknown(wanted: str) -> NotFound:
    zh = f"这里没有保存服务器“{wanted}”" if wanted else "还没有选择服务器"
    en = f"No server “{wanted}” is kept here" if wanted else "No server is chosen"
    return NotFound(
        f"{zh}。用 beijiang remote servers 查看，用 beijiang remote login 地址 登录，或设置 {URL} 与 {KEY}。",
        f"{en}. See beijiang remote servers; run beijiang remote login URL, or set {URL} and {KEY}.",
        code="no_server",
    )
