"""One question to one server: opened when a command needs it, its refusals in the terminal's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from beijiang.client import ELSEWHERE, ApiError, Client, NotSignedIn, Options, Unreachable
from beijiang.kit import BeijiangError, Unauthenticated, Unavailable
from beijiang.remote.servers import Server, Servers
from beijiang.terminal import as_json, language

__all__ = ["Line", "who_asks"]


class Line:
    """The server that the commands of one process speak to."""

    def __init__(self, servers: Servers | None = None) -> None:
        self.servers = servers or Servers()
        self.named = ""

    @contextmanager
    def open(self, server: Server | None = None) -> Iterator[Client]:
        """Speak to the chosen server.

        Raises:
            BeijiangError: what the server refused, with its code and its words; or that it cannot be reached.

        """
        found = server or self.servers.find(self.named)
        with Client(found.url, found.key or None, Options(language=language().value)) as client:
            try:
                yield client
            except NotSignedIn as error:
                raise _signed_out(found, error) from error
            except ApiError as error:
                raise (_refused(error) if error.is_ours else _strange(found, error)) from error
            except Unreachable as error:
                host = urlsplit(found.url).netloc
                raise Unavailable(
                    f"连不上 {host}（{error}）。请检查网络和地址，稍后再试；不知道服务器是否已处理。",
                    f"{host} cannot be reached ({error}). Check the network and the address, then try again; "
                    "whether the server did anything is not known.",
                    code="server_unreachable",
                ) from error


def who_asks(client: Client) -> Mapping[str, Any]:
    """Return whom the server takes the key for.

    Raises:
        ApiError: what answers is another program.

    """
    found = client.call("GET", "/api/v1/session")
    who = found.get("actor") if isinstance(found, dict) else None
    if not isinstance(who, dict):
        raise ApiError(200, ELSEWHERE, "", {}, "")
    return who


def _strange(server: Server, error: ApiError) -> BeijiangError:
    """Say that what answered is not the platform: a redirect, a page, a gateway before it."""
    host, status = urlsplit(server.url).netloc, error.status
    return Unavailable(
        f"{host} 的应答不是本平台的（HTTP {status}）。请检查地址是否写对、中间的网关或登录页，稍后再试。",
        f"What answers at {host} is not the platform (HTTP {status}). Check the address and any gateway or sign-in page before it, "
        "then try again.",
        code=error.code,
        detail={"status": status},
    )


def _refused(error: ApiError) -> BeijiangError:
    """Return the server's own words, which say what to do, with its code; a person sees which fields are meant, too."""
    words = error.message
    if not as_json():
        told = error.detail.get("fields", ())
        lines = [f"\n  {one['field']}: {one['problem']}" for one in told if isinstance(one, dict)]
        words += f" [{error.code}, HTTP {error.status}{_asked(error)}]{''.join(lines)}"
    facts: dict[str, Any] = {**error.detail, "status": error.status, "request_id": error.request_id}
    return BeijiangError(words, words, code=error.code, detail=facts)


def _asked(error: ApiError) -> str:
    return f", {error.request_id}" if error.request_id else ""


def _signed_out(server: Server, error: NotSignedIn) -> BeijiangError:
    return Unauthenticated(
        f"{error.message} 请在该服务器的控制台签发密钥，再运行 beijiang remote login {server.url}。",
        f"{error.message} Issue a key in that server's console, then run beijiang remote login {server.url}.",
        code=error.code,
        detail={"status": error.status, "request_id": error.request_id},
    )
