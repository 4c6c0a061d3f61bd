"""A channel to a service behind SSH: OpenSSH's own client, held to one checked address and one known host key.

The program does what is hard (key exchange, ciphers, signing in) and is kept by its makers and the system's updates. It is
told everything here: no configuration, agent, forwarding or known hosts of the account that runs the platform.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import select
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from beijiang.kit import BeijiangError, Invalid, Unavailable

if TYPE_CHECKING:
    from beijiang.outbound.addresses import Outbound

__all__ = ["Channel", "SshLogin", "host_keys", "ssh_channel"]

_SECONDS: Final = 20
_IDLE: Final = 90
"""Seconds without a single byte."""
_PIECE: Final = 262_144
_KEY: Final = re.compile(r"(ssh-[a-z0-9]+|ecdsa-sha2-[a-z0-9-]+)\s+([A-Za-z0-9+/]+=*)")
_ASK: Final = '#!/bin/sh\nexec cat "$0.word"\n'
_OPTIONS: Final = {
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    "UpdateHostKeys": "no",
    "CheckHostIP": "no",
    "VerifyHostKeyDNS": "no",
    "IdentityAgent": "none",
    "IdentitiesOnly": "yes",
    "ForwardAgent": "no",
    "ClearAllForwardings": "yes",
    "GSSAPIAuthentication": "no",
    "HostbasedAuthentication": "no",
    "PermitLocalCommand": "no",
    "ControlMaster": "no",
    "ControlPath": "none",
    "NumberOfPasswordPrompts": "1",
    "ConnectTimeout": str(_SECONDS),
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "3",
    "LogLevel": "ERROR",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SshLogin:
    """Where, as whom, and what proves it. ``host_key`` is the server's public key, or its SHA-256 fingerprint."""

    host: str
    port: int
    user: str
    host_key: str
    password: str = field(default="", repr=False)
    """Of the account, or of the private key where there is one."""
    private_key: str = field(default="", repr=False)


class Channel:
    """Both directions of a channel; a server that says nothing for too long has broken off."""

    def __init__(self, sink: IO[bytes], source: IO[bytes]) -> None:
        self._sink = sink
        self._source = source.fileno()

    def write(self, body: bytes) -> None:
        """Send all of ``body``; raise ``EOFError`` where nobody takes it."""
        try:
            left = memoryview(body)
            while left:  # an unbuffered write may take a part only
                left = left[self._sink.write(left) :]
        except BrokenPipeError as error:
            raise EOFError from error

    def read(self, size: int) -> bytes:
        """Return exactly ``size`` bytes, or raise ``EOFError``."""
        pieces, left = [], size
        while left:
            ready, _, _ = select.select([self._source], [], [], _IDLE)
            piece = os.read(self._source, min(left, _PIECE)) if ready else b""
            if not piece:
                raise EOFError
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)


def host_keys(outbound: Outbound, host: str, port: int) -> dict[str, str]:
    """Ask a server for its public keys; return them by fingerprint. Nothing vouches for them but the network.

    Raises:
        Unavailable: it does not answer.

    """
    address = outbound.addresses(host, port)[0]
    command = [_program("ssh-keyscan"), "-T", str(_SECONDS), "-p", str(port), "--", address.ip]
    try:
        done = subprocess.run(command, capture_output=True, timeout=3 * _SECONDS, check=False, env={})  # noqa: S603 - no shell, a checked address
    except subprocess.TimeoutExpired as error:
        raise _silent() from error
    found = {}
    for line in done.stdout.decode("ascii", "replace").splitlines():
        key = _KEY.search(line)
        if key is not None and not line.startswith("#"):
            found[fingerprint(key[0])] = f"{key[1]} {key[2]}"
    if not found:
        raise _silent()
    return found


def fingerprint(key: str) -> str:
    """Return the SHA-256 fingerprint of a public key, as OpenSSH writes it."""
    body = base64.b64decode(key.split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(body).digest()).decode().rstrip("=")


@contextmanager
def ssh_channel(outbound: Outbound, login: SshLogin, subsystem: str) -> Iterator[Channel]:
    """Open a subsystem of a server whose key is the expected one.

    Raises:
        Invalid: ``ssh_host_key_changed``, ``ssh_login_failed``, ``ssh_bad_key``.
        Unavailable: the server does not answer, or broke off.

    """
    address = outbound.addresses(login.host, login.port)[0]
    key = _expected(outbound, login)
    with tempfile.TemporaryDirectory(prefix="beijiang-ssh-") as folder:
        command, environment = _prepared(Path(folder), login, key)
        command += ["-p", str(login.port), "-l", login.user, "-s", "--", address.ip, subsystem]
        with subprocess.Popen(  # noqa: S603 - no shell, a checked address, every option said
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
            start_new_session=True,
        ) as process:
            outbound.opened(process)
            assert process.stdin is not None  # noqa: S101 - three pipes were asked for
            assert process.stdout is not None  # noqa: S101
            said: list[bytes] = []
            listener = threading.Thread(target=_listen, args=(process.stderr, said), daemon=True)
            listener.start()
            try:
                yield Channel(process.stdin, process.stdout)
            except EOFError as error:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(2)
                listener.join(2)
                raise _why(b"".join(said).decode("utf-8", "replace")) from error
            finally:
                process.kill()
                process.wait()
                listener.join(2)
                with suppress(BrokenPipeError):
                    process.stdin.close()


def _expected(outbound: Outbound, login: SshLogin) -> str:
    if not login.host_key.startswith("SHA256:"):
        found = _KEY.match(login.host_key.strip())  # a comment may follow
        if found is None:
            raise _bad_key()
        return f"{found[1]} {found[2]}"
    offered = host_keys(outbound, login.host, login.port)
    key = offered.get(login.host_key.rstrip("="))
    if key is None:
        raise _changed()
    return key


def _prepared(folder: Path, login: SshLogin, key: str) -> tuple[list[str], dict[str, str]]:
    """Write what the program has to know into a folder that nobody else may open; it goes when the channel does."""
    hosts = folder / "hosts"
    hosts.write_text(f"server {key}\n", "ascii")
    options = {**_OPTIONS, "UserKnownHostsFile": str(hosts), "HostKeyAlias": "server"}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    if login.private_key:
        identity = folder / "identity"
        identity.touch(mode=0o600)
        identity.write_text(login.private_key.replace("\r", "").strip() + "\n", "utf-8")
        options |= {"IdentityFile": str(identity), "PreferredAuthentications": "publickey"}
    else:
        options |= {"IdentityFile": "none", "PreferredAuthentications": "password,keyboard-interactive"}
    ask = folder / "ask"
    ask.write_text(_ASK, "ascii")
    ask.chmod(0o700)
    word = folder / "ask.word"
    word.touch(mode=0o600)
    word.write_text(login.password + "\n", "utf-8")
    environment |= {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"}
    command = [_program("ssh"), "-F", "none", "-T", "-x"]
    for name, value in options.items():
        command += ["-o", f"{name}={value}"]
    return command, environment


def _listen(stream: IO[bytes] | None, said: list[bytes]) -> None:
    """Keep the beginning of what the program complains of, and let the rest go, so that it never waits for us."""
    while stream is not None and (piece := stream.read(4096)):
        if len(said) < 8:  # noqa: PLR2004 - the first lines tell
            said.append(piece)


def _why(said: str) -> BeijiangError:
    """Tell from the program's words what is wrong; they are not shown, as they may name keys and accounts."""
    if "Host key verification failed" in said or "IDENTIFICATION HAS CHANGED" in said:
        return _changed()
    if "Permission denied" in said or "Too many authentication failures" in said:
        return Invalid(
            "服务器拒绝登录：账号、口令或私钥不对。请更正。",
            "The server refuses the sign-in: account, password or private key is wrong. Correct it.",
            code="ssh_login_failed",
        )
    if "invalid format" in said or "error in libcrypto" in said:
        return Invalid(
            "私钥无法使用：应为 OpenSSH 或 PEM 格式，口令须正确。",
            "The private key cannot be used: it is in OpenSSH or PEM format, and its password has to be right.",
            code="ssh_bad_key",
        )
    return _silent()


def _changed() -> Invalid:
    return Invalid(
        "服务器的主机密钥与登记的不同，未发送任何口令。若服务器确已更换，请与其管理员核对新指纹后更新 host_key。",
        "The server's host key is not the one that was registered; no password was sent. If the server was replaced, compare the new fingerprint with its administrator and change host_key.",
        code="ssh_host_key_changed",
    )


def _bad_key() -> Invalid:
    return Invalid(
        "主机密钥应为 SHA256: 开头的指纹，或“ssh-ed25519 AAAA…”形式的公钥。",
        "A host key is a fingerprint that begins with SHA256:, or a public key such as ssh-ed25519 AAAA... .",
        code="ssh_bad_host_key",
    )


def _silent() -> Unavailable:
    return Unavailable(
        "SSH 服务器没有应答或中途断开。请检查其是否运行、网络和端口是否可达，稍后重试。",
        "The SSH server does not answer or broke off. Check that it runs and that network and port are open, then try again.",
        code="ssh_unreachable",
    )


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/bin:/usr/local/bin:/bin")
    if found is None:
        raise Invalid(
            f"本机没有 {name}。请安装 OpenSSH 客户端（openssh-client）。",
            f"This machine has no {name}. Install OpenSSH's client (openssh-client).",
            code="ssh_missing",
        )
    return found
