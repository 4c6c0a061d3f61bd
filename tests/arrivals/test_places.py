"""The same files from a web server, an object store and an SFTP server: real servers, real signatures, real host keys."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from beijiang.ingest import Verdict
from beijiang.ingest.connectors import connector
from beijiang.ingest.connectors.s3_signing import Account, signed
from beijiang.kit import SYSTEM, BeijiangError
from beijiang.outbound import Http, Target


class Handler(SimpleHTTPRequestHandler):
    """Python's own file server, which a test can make break off or ask for a word."""

    cut: dict[str, int] = {}  # noqa: RUF012 - set by tests
    word = ""

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        if self.word and self.headers.get("Authorization") != f"Bearer {self.word}":
            self.send_error(401)
            return
        leaf = self.path.rsplit("/", 1)[1]
        if self.cut.get(leaf, 0) > 0:
            self.cut[leaf] -= 1
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"x" * 1000)
            self.close_connection = True
            return
        super().do_GET()


@pytest.fixture
def web(bureau: Any) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(bureau.folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    Handler.cut, Handler.word = {}, ""
    bureau.platform.sources.allow(
        SYSTEM, Target(host="127.0.0.1", port=server.server_address[1], network="127.0.0.1/32"), "测试"
    )
    yield server
    server.shutdown()
    server.server_close()


def test_a_web_index_is_read_again_where_it_breaks_off(bureau: Any, web: Any) -> None:
    bureau.put("下/一.csv", bureau.lines(1, 2))
    bureau.put("下/更深/二.csv", bureau.lines(3))
    bureau.put("别处.csv", bureau.lines(9))
    bureau.kind, bureau.reach = (
        "http_files",
        {"url": f"http://127.0.0.1:{web.server_address[1]}/", "auth": "bearer", "secret": "暗号".encode().hex()},
    )
    Handler.word = bureau.reach["secret"]
    bureau.platform.sources.remove(SYSTEM, bureau.source)
    bureau.connect()
    assert [f.name for f in bureau.platform.sources.feeds(SYSTEM, bureau.source)] == [".", "下"]
    bureau.take(feed="下", patterns=("**/*.csv",))
    assert bureau.states() == {"一.csv": "new", "更深/二.csv": "new"}
    Handler.cut["%E4%BA%8C.csv"] = 1
    run = bureau.run()
    assert (bureau.numbers(), bureau.proof(run).verdict) == ([1, 2, 3], Verdict.EQUAL)
    assert Handler.cut["%E4%BA%8C.csv"] == 0
    assert bureau.run().version is None
    assert bureau.reach["secret"] not in str(bureau.proof(run).to_json())


def test_a_list_of_names_with_dates(bureau: Any, web: Any) -> None:
    today = datetime.now(UTC).strftime("%Y%m%d")
    bureau.put(f"日报_{today}.csv", bureau.lines(1))
    bureau.put("日报_20200101.csv", bureau.lines(2))
    bureau.kind = "http_files"
    bureau.reach = {"url": f"http://127.0.0.1:{web.server_address[1]}", "names": "日报_{yyyy}{mm}{dd}.csv", "days": 3}
    bureau.platform.sources.remove(SYSTEM, bureau.source)
    bureau.connect()
    bureau.take()
    assert bureau.states() == {f"日报_{today}.csv": "new"}
    bureau.run()
    assert bureau.numbers() == [1]


def test_an_object_store(bureau: Any, s3: Any) -> None:
    host, port = s3.url.removeprefix("http://").split(":")
    outbound, account = bureau.platform.sources.outbound, Account(s3.key, s3.secret, "us-east-1")
    bureau.platform.sources.allow(SYSTEM, Target(host=host, port=int(port), network="127.0.0.1/32"), "测试")

    def put(path: str, text: str = "") -> None:
        from urllib.parse import quote

        raw = text.encode()
        with Http(outbound) as http:
            quoted = quote(path, safe="/-_.~")
            headers = signed(account, "PUT", f"{host}:{port}", quoted, {}, at=datetime.now(UTC), body=raw)
            assert http.fetch("PUT", f"{s3.url}{quoted}", headers=headers, content=raw).status == 200

    put("/exchange")
    for number in range(1, 4):
        put(f"/exchange/教育/名册 {number}+.csv", bureau.lines(number))
    put("/exchange/教育/深/名册4.csv", bureau.lines(4))
    put("/exchange/other.csv", bureau.lines(9))
    bureau.kind = "s3"
    bureau.reach = {"endpoint": s3.url, "bucket": "exchange", "key": s3.key, "secret": s3.secret}
    bureau.platform.sources.remove(SYSTEM, bureau.source)
    bureau.connect()
    assert [f.name for f in bureau.platform.sources.feeds(SYSTEM, bureau.source)] == [".", "教育"]
    bureau.take(feed="教育", patterns=("**/*.csv",), quiet=0)
    run = bureau.run()
    assert (bureau.numbers(), bureau.proof(run).verdict) == ([1, 2, 3, 4], Verdict.EQUAL)
    put("/exchange/教育/名册5.csv", bureau.lines(5))
    with connector("s3")(_options("s3", bureau.reach), outbound).open() as shelf:  # type: ignore[union-attr]
        listed = next(f for f in shelf.listing("教育", deep=False) if f.name == "名册5.csv")
        put("/exchange/教育/名册5.csv", bureau.lines(5, 6))
        with pytest.raises(BeijiangError) as changed:
            list(shelf.read("教育", listed))
    assert changed.value.reason == "file_changed"
    bureau.run()
    assert bureau.numbers() == [1, 2, 3, 4, 5, 6]
    for change, reason in (
        ({"secret": "falsch"}, "source_login_failed"),
        ({"bucket": "missing", "secret": s3.secret}, "source_object_missing"),
    ):
        bureau.platform.sources.change(SYSTEM, bureau.source, change)
        with pytest.raises(BeijiangError) as refused:
            bureau.platform.sources.feeds(SYSTEM, bureau.source)
        assert refused.value.reason == reason


def test_the_documented_signature() -> None:
    """The example of "Authenticating Requests: Using the Authorization Header", GET bucket lifecycle."""
    account = Account("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
    made = signed(
        account, "GET", "examplebucket.s3.amazonaws.com", "/", {"lifecycle": ""}, at=datetime(2013, 5, 24, tzinfo=UTC)
    )
    assert made["Authorization"].endswith("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")


def _options(kind: str, reach: dict[str, Any]) -> Any:
    return connector(kind).options_model.model_validate(reach)


def _secrets(bureau: Any) -> dict[str, str]:
    return {name: bureau.reach[name] for name in ("password", "private_key")}


@pytest.fixture
def ssh_bureau(bureau: Any, sshd: Any) -> Any:
    bureau.platform.sources.allow(SYSTEM, Target(host="127.0.0.1", port=sshd.port, network="127.0.0.1/32"), "测试")
    bureau.kind = "sftp"
    bureau.reach = {
        "host": "127.0.0.1", "port": sshd.port, "user": sshd.user, "path": str(bureau.folder),
        "private_key": sshd.private_key, "password": "sesam-4711",
    }  # fmt: skip
    bureau.platform.sources.remove(SYSTEM, bureau.source)
    bureau.connect()
    return bureau


def test_an_sftp_server_is_trusted_once_its_fingerprint_is_confirmed(ssh_bureau: Any, sshd: Any) -> None:
    bureau, sources = ssh_bureau, ssh_bureau.platform.sources
    bureau.put("子/一.csv", bureau.lines(*range(1, 40_000)))
    bureau.put("子/秘.csv", bureau.lines(8)).chmod(0)
    (bureau.folder / "子" / "链.csv").symlink_to("/etc/passwd")
    with pytest.raises(BeijiangError) as stranger:
        sources.feeds(SYSTEM, bureau.source)
    assert (stranger.value.reason, stranger.value.detail["fingerprint"]) == ("ssh_host_key_unknown", sshd.fingerprint)
    sources.change(SYSTEM, bureau.source, {"host_key": sshd.fingerprint})
    assert [f.name for f in sources.feeds(SYSTEM, bureau.source)] == [".", "子"]
    bureau.take(feed="子", patterns=("一.csv", "链.csv"))
    assert bureau.states() == {"一.csv": "new", "链.csv": "refused"}
    run = bureau.run()
    assert bureau.count() == 39_999
    landed = bureau.platform.ingest.landing.path(run.files[0][0])
    assert landed.read_bytes() == (bureau.folder / "子" / "一.csv").read_bytes()
    sources.change(SYSTEM, bureau.source, _secrets(bureau) | {"host_key": "ssh-ed25519 " + "A" * 68})
    with pytest.raises(BeijiangError) as changed:
        sources.feeds(SYSTEM, bureau.source)
    assert changed.value.reason == "ssh_host_key_changed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: {"private_key": s.other_key, "password": ""}, "ssh_login_failed"),
        (lambda _: {"password": "falsch"}, "ssh_login_failed"),
        (lambda _: {"private_key": "", "password": "falsch"}, "ssh_login_failed"),
        (lambda _: {"path": "/没有"}, "unknown_feed"),
        (lambda _: {"host_key": "SHA256:" + "A" * 43}, "ssh_host_key_changed"),
    ],
)
def test_what_sftp_refuses_is_said_in_our_words(
    ssh_bureau: Any, sshd: Any, change: Callable[[Any], dict[str, Any]], reason: str
) -> None:
    sources = ssh_bureau.platform.sources
    sources.change(SYSTEM, ssh_bureau.source, {"host_key": sshd.fingerprint} | change(sshd))
    with pytest.raises(BeijiangError) as refused:
        sources.feeds(SYSTEM, ssh_bureau.source)
    assert refused.value.reason == reason


def test_an_sftp_file_that_changes_is_left_for_the_next_run(ssh_bureau: Any, sshd: Any) -> None:
    bureau = ssh_bureau
    path: Path = bureau.put("一.csv", bureau.lines(*range(1, 30_000)))
    reach = bureau.reach | {"host_key": sshd.fingerprint}
    with connector("sftp")(_options("sftp", reach), bureau.platform.sources.outbound).open() as shelf:  # type: ignore[union-attr]
        (found,) = shelf.listing(".", deep=False)
        pieces = shelf.read(".", found)
        next(pieces)
        path.write_text(bureau.lines(1))
        with pytest.raises(BeijiangError) as changed:
            list(pieces)
        assert changed.value.reason == "file_changed"
        (found,) = shelf.listing(".", deep=False)
        assert b"".join(shelf.read(".", found)) == path.read_bytes(), "the conversation goes on"


class Cutter:
    """Stands between us and a server, and hangs up on the first caller after some bytes."""

    def __init__(self, port: int, after: int) -> None:
        self._port, self._after = port, after
        self.cuts = 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._door.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._pump, args=(caller, server, 1 << 60), daemon=True).start()
                after = self._after if not self.cuts else 1 << 60
                threading.Thread(target=self._pump, args=(server, caller, after), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, left: int) -> None:
        with contextlib.suppress(OSError), source, sink:
            while piece := source.recv(65536):
                left -= len(piece)
                if left < 0:
                    self.cuts += 1
                    sink.shutdown(socket.SHUT_RDWR)
                    return
                sink.sendall(piece)

    def close(self) -> None:
        self._door.close()


def test_an_sftp_connection_that_is_cut_is_taken_up_again(ssh_bureau: Any, sshd: Any) -> None:
    bureau = ssh_bureau
    bureau.put("小.csv", bureau.lines(0))
    bureau.put("大.csv", bureau.lines(*range(1, 60_000)), minute=1)
    cutter = Cutter(sshd.port, 500_000)
    bureau.platform.sources.allow(SYSTEM, Target(host="127.0.0.1", port=cutter.port, network="127.0.0.1/32"), "测试")
    changed = {"port": cutter.port, "host_key": sshd.public_key} | _secrets(bureau)
    bureau.platform.sources.change(SYSTEM, bureau.source, changed)
    bureau.take()
    run = bureau.run()
    assert (cutter.cuts, bureau.count(), bureau.proof(run).verdict) == (1, 60_000, Verdict.EQUAL)
    cutter.close()


def test_an_address_that_is_not_open_is_refused_before_a_key_is_asked_for(ssh_bureau: Any) -> None:
    moved = {"port": 22, "host_key": "SHA256:" + "A" * 43} | _secrets(ssh_bureau)
    ssh_bureau.platform.sources.change(SYSTEM, ssh_bureau.source, moved)
    with pytest.raises(BeijiangError) as refused:
        ssh_bureau.platform.sources.feeds(SYSTEM, ssh_bureau.source)
    assert refused.value.reason == "target_not_allowed"
