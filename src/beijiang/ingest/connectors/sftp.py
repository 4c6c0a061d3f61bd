"""Files on an SFTP server whose host key is known: listed without following links, read block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

from pydantic import SecretStr

from beijiang.ingest.connectors.contract import ConnectorOptions, Feed, option
from beijiang.ingest.connectors.files import ROOT, FileConnector, Shelf, file_changed, file_forbidden, safe_folder
from beijiang.ingest.connectors.sftp_wire import Entry, Session, Status, WritingSession
from beijiang.ingest.connectors.troubles import feed_missing, source_refuses, source_unreachable
from beijiang.ingest.models import Found
from beijiang.kit import Conflict, Text
from beijiang.outbound import SshLogin, host_keys, ssh_channel

__all__ = ["Sftp", "SftpOptions"]

_MISSING: Final = 2
_NOT_ALLOWED: Final = 3
_FOLDERS: Final = 500
_DEPTH: Final = 20


class SftpOptions(ConnectorOptions):
    """How an SFTP server is reached."""

    host: str = option(Text("主机", "Host"), Text("主机名或地址。", "Name or address."))
    port: int = option(Text("端口", "Port"), Text("通常为 22。", "Usually 22."), default=22, ge=1, le=65535)
    user: str = option(
        Text("账号", "Account"),
        Text("只读账号即可。", "An account that may only read is enough."),
        pattern=r"^[^-\s][^\s]*$",
    )
    password: SecretStr = option(
        Text("口令", "Password"),
        Text("账号的口令；用私钥时为私钥的口令。", "Of the account; of the private key where there is one."),
        default=SecretStr(""),
    )
    private_key: SecretStr = option(
        Text("私钥", "Private key"),
        Text("OpenSSH 或 PEM 格式；填了就不用口令登录。", "In OpenSSH or PEM format; where given, it signs in."),
        default=SecretStr(""),
    )
    host_key: str = option(
        Text("主机密钥", "Host key"),
        Text(
            "服务器的指纹（SHA256:…）或公钥。留空时，首次测试会显示指纹供核对。",
            "The server's fingerprint (SHA256:...) or public key. Left empty, the first test shows it to be compared.",
        ),
        default="",
    )
    path: str = option(
        Text("目录", "Folder"),
        Text("服务器上的目录；留空为登录目录。", "Folder of the server; empty: where one signs in."),
        default="",
    )


class Sftp(FileConnector):
    """Take files from an SFTP server."""

    text: ClassVar[Text] = Text("SFTP 服务器", "SFTP server")
    options_model: ClassVar[type[ConnectorOptions]] = SftpOptions
    options: SftpOptions

    def discover(self) -> list[Feed]:
        with self._session() as session:
            names = sorted(e.name for e in _within(session, self.root) if e.is_folder and not e.name.startswith("."))
        return [Feed(name=ROOT, comment=self.root), *(Feed(name=n) for n in names[:_FOLDERS])]

    @contextmanager
    def open(self) -> Iterator[Shelf]:
        with self._session() as session:
            yield _Shelf(session, self.root)

    @property
    def root(self) -> str:
        """Return the folder that the source is in."""
        return self.options.path.rstrip("/") or ("/" if self.options.path else ".")

    @contextmanager
    def writing(self) -> Iterator[WritingSession]:
        """Open a conversation in which files are written too."""
        with self._session() as session:
            yield session

    @contextmanager
    def _session(self) -> Iterator[WritingSession]:
        given = self.options
        if not given.host_key.strip():
            raise self._stranger()
        login = SshLogin(
            host=given.host,
            port=given.port,
            user=given.user,
            host_key=given.host_key.strip(),
            password=given.password.get_secret_value(),
            private_key=given.private_key.get_secret_value(),
        )
        with ssh_channel(self.outbound, login, "sftp") as channel:
            yield WritingSession(channel)

    def _stranger(self) -> Conflict:
        """Show who answers, to be compared with what the server's administrator says."""
        offered = host_keys(self.outbound, self.options.host, self.options.port)
        best = next((f for f, key in offered.items() if key.startswith("ssh-ed25519 ")), next(iter(offered)))
        return Conflict(
            f"尚未登记该服务器的主机密钥。它出示的指纹是 {best}。请与其管理员核对无误后登记："
            f"beijiang sources change 数据源 --option host_key={best}，或在控制台点“确认指纹”。",
            f"This server's host key is not registered. It shows the fingerprint {best}. Compare it with its administrator, then register it: "
            f"beijiang sources change SOURCE --option host_key={best}, or confirm it in the console.",
            code="ssh_host_key_unknown",
            detail={"fingerprint": best, "offered": [*offered]},
        )


class _Shelf(Shelf):
    """One conversation, below the source's folder."""

    def __init__(self, session: Session, root: str) -> None:
        self._session = session
        self._root = root

    def listing(self, feed: str, *, deep: bool) -> Iterator[Found]:
        yield from self._listed(self._place(feed), "", deep=deep)

    def _listed(self, place: str, above: str, *, deep: bool) -> Iterator[Found]:
        inner = []
        for entry in _within(self._session, place):
            name = above + entry.name
            if entry.is_link:
                yield Found(name, None, "", fault="link")
            elif entry.is_file:
                yield Found(name, entry.size, str(entry.mtime or ""), entry.modified)
            elif entry.is_folder and deep and name.count("/") < _DEPTH:
                inner.append(entry.name)
        for name in inner:
            yield from self._listed(f"{place}/{name}", f"{above}{name}/", deep=True)

    def read(self, feed: str, found: Found) -> Iterator[bytes]:
        place = f"{self._place(feed)}/{found.name}"
        came = 0
        try:
            self._same(place, found)
            for piece in self._session.read(place):
                came += len(piece)
                yield piece
            self._same(place, found)
        except Status as status:
            raise (file_forbidden() if status.code == _NOT_ALLOWED else file_changed()) from status
        if came != found.size:
            raise file_changed()

    def _same(self, place: str, found: Found) -> None:
        now: Entry = self._session.look(place)
        if not now.is_file or (now.size, str(now.mtime or "")) != (found.size, found.mark):
            raise file_changed()

    def _place(self, feed: str) -> str:
        return self._root if safe_folder(feed) == ROOT else f"{self._root}/{feed}"


def _within(session: Session, place: str) -> Iterator[Entry]:
    try:
        yield from session.folder(place)
    except Status as status:
        if status.code == _MISSING:
            raise feed_missing(place) from status
        if status.code == _NOT_ALLOWED:
            raise source_refuses("source_forbidden", str(status.code)) from status
        raise source_unreachable(str(status.code)) from status
