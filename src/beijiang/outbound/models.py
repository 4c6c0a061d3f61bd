"""What may be reached besides the public internet, and where a name leads."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from beijiang.kit import Invalid, Word

__all__ = ["MAX_PORT", "Address", "Ip", "Target", "Use"]

Ip: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
MAX_PORT = 65_535


class Use(Word):
    """What a connection is for."""

    READ = "read", "读取数据", "reading what is there"
    PUSH = "push", "推送数据", "pushing rows there"
    CALL = "call", "调用服务", "calling a service"
    TELL = "tell", "通知订阅者", "telling subscribers"


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address; connect to ``ip``, and check the certificate against the name that was asked for."""

    ip: str
    port: int


@dataclass(frozen=True, slots=True)
class Target:
    """One machine and port of a private network, or one folder of this machine, that may be reached: for what, and by whom."""

    host: str = ""
    port: int = 0
    network: str = ""
    """The addresses that the host's name may lead to, such as ``10.6.0.0/16``."""
    folder: str = ""
    uses: frozenset[Use] = field(default=frozenset({Use.READ}))
    org_id: str = ""
    """The department that it is open to; empty: all, and the platform itself."""
    plain_http: bool = False
    """Whether rows may be brought there over http, which everybody on the way can read."""

    def __post_init__(self) -> None:
        if not self.uses:
            raise Invalid(
                "请选择用途：读取、推送、调用或通知。", "Say what for: read, push, call or tell.", code="bad_target"
            )
        if bool(self.folder) == bool(self.host):
            raise Invalid("请填写主机，或填写目录，二者选一。", "Name either a host or a folder.", code="bad_target")
        if self.folder and not Path(self.folder).is_absolute():
            raise Invalid("目录应为绝对路径。", "The folder must be an absolute path.", code="bad_target")
        if self.host and not 0 < self.port <= MAX_PORT:
            raise Invalid("端口应为 1 至 65535。", "The port must be 1 to 65535.", code="bad_target")
        if self.host:
            self._parsed()

    def admits(self, host: str, port: int, ip: Ip) -> bool:
        """Tell whether a connection asked for by name and port may go to ``ip``."""
        return (
            bool(self.host) and self.host.casefold() == host.casefold() and self.port == port and ip in self._parsed()
        )

    def serves(self, use: Use, org_id: str | None) -> bool:
        """Tell whether it is open for this use and this department."""
        return use in self.uses and self.org_id in {"", org_id}

    def holds(self, path: Path) -> bool:
        """Tell whether a path, its links followed, lies in the folder."""
        return bool(self.folder) and path.is_relative_to(Path(self.folder).resolve())

    def _parsed(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        try:
            return ipaddress.ip_network(self.network)
        except ValueError as error:
            raise Invalid(
                f"“{self.network}”不是网段。写法如 10.6.1.20/32 或 10.6.0.0/16。",
                f'"{self.network}" is no network. Write 10.6.1.20/32 or 10.6.0.0/16.',
                code="bad_target",
            ) from error
