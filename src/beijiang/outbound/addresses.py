"""Turn a host's name into addresses that may be connected to, or refuse."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from beijiang.kit import Refused, Unavailable
from beijiang.outbound.models import Address, Ip, Target, Use

__all__ = ["Outbound"]

Line: TypeAlias = "socket.socket | subprocess.Popen[bytes]"

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")


class Outbound:
    """Check where a connection would go; asked at the moment of connecting, never earlier.

    Args:
        allowed: gives what the security administrator allows now.
        look_up: gives the addresses of a host's name.

    """

    def __init__(
        self, allowed: Callable[[], Sequence[Target]], look_up: Callable[[str, int], Sequence[str]] | None = None
    ) -> None:
        self._allowed = allowed
        self._look_up = look_up or _look_up
        self._use, self._org_id = Use.READ, ""
        self._lines: weakref.WeakSet[Line] = weakref.WeakSet()

    def bound(self, use: Use, org_id: str) -> Outbound:
        """Return the way out for one piece of work of a department; its lines can be cut without those of others.

        What nobody bound reads, for the platform itself.
        """
        made = Outbound(self._allowed, self._look_up)
        made._use, made._org_id = use, org_id
        return made

    def opened(self, line: Line) -> None:
        """Keep a connection, or the program that holds one, for as long as it lives, so that it can be cut."""
        self._lines.add(line)

    def cut(self) -> None:
        """Break off whatever goes on, from another thread; who waits for it there meets a broken connection."""
        for line in [*self._lines]:
            with suppress(OSError):
                if isinstance(line, socket.socket):
                    socket.socket.shutdown(line, socket.SHUT_RDWR)  # below TLS, whose state is another thread's
                else:
                    line.kill()

    def addresses(self, host: str, port: int) -> tuple[Address, ...]:
        """Return the addresses of ``host``; connect to one of these and to nothing else.

        Raises:
            Refused: one of them may not be reached (``target_not_allowed``); a name that leads to a good and a bad one is bad.
            Unavailable: the name leads nowhere (``host_not_found``).

        """
        found = tuple(dict.fromkeys(self._look_up(host, port)))
        if not found:
            raise _no_host(host)
        targets = self._open_to_it()
        for text in found:
            ip = ipaddress.ip_address(text.partition("%")[0])
            if not _is_public(ip) and not any(t.admits(host, port, ip) for t in targets):
                raise Refused(
                    f"{host}:{port} 指向内部地址，未对本部门放行这一用途（{self._use.text.zh}）。请安全管理员登记该主机、端口、网段和用途（beijiang sources allow，或控制台“访问目标”）。",
                    f"{host}:{port} leads to an internal address that is not open to this department for {self._use.text.en}. Ask the security administrator to add host, port, network and use (beijiang sources allow, or the console).",
                    code="target_not_allowed",
                    detail={"host": host, "port": port, "use": self._use.value},
                )
        return tuple(Address(text, port) for text in found)

    def require_plain(self, host: str, port: int) -> None:
        """Return if rows may go to ``host`` over plain http, wherever in the world it is.

        Raises:
            Refused: nobody allowed that (``plain_http``), or the address may not be reached at all.

        """
        targets = [one for one in self._open_to_it() if one.plain_http]
        for address in self.addresses(host, port):
            ip = ipaddress.ip_address(address.ip.partition("%")[0])
            if not any(target.admits(host, port, ip) for target in targets):
                raise Refused(
                    f"{host}:{port} 使用 http 明文，途中任何人都能读到数据，未发送。请改用 https；确有需要时，请安全管理员放行该目标并勾选“允许明文 http”（beijiang sources allow --plain-http）。",
                    f"{host}:{port} is reached over plain http, which everybody on the way can read; nothing was sent. Use https, or have the security administrator allow this target with plain http (beijiang sources allow --plain-http).",
                    code="plain_http",
                    detail={"host": host, "port": port},
                )

    def _open_to_it(self) -> list[Target]:
        return [one for one in self._allowed() if one.serves(self._use, self._org_id)]

    def path(self, path: str) -> Path:
        """Return a path of this machine with its links followed.

        Raises:
            Refused: it lies in no folder that is allowed (``folder_not_allowed``), whether it exists or not.

        """
        real = Path(path).resolve()
        if not any(target.holds(real) for target in self._open_to_it()):
            raise Refused(
                "这个路径不在对本部门、本用途放行的目录之内。请安全管理员登记该目录（beijiang sources allow --folder，或控制台“访问目标”）。",
                "This path lies in no folder that is open to this department and use. Ask the security administrator to add the folder (beijiang sources allow --folder, or the console).",
                code="folder_not_allowed",
            )
        return real


def _look_up(host: str, port: int) -> list[str]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise _no_host(host) from error
    return [str(answer[4][0]) for answer in answers]


def _is_public(ip: Ip) -> bool:
    """Tell whether an address belongs to the public internet, also where it hides in another."""
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if ip in _NAT64_LOCAL:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _no_host(host: str) -> Unavailable:
    return Unavailable(
        f"找不到主机“{host}”。请检查主机名拼写和本机的域名解析。",
        f'No host "{host}" was found. Check its spelling and the name resolution of this machine.',
        code="host_not_found",
        detail={"host": host},
    )
