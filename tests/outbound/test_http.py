"""The one HTTP client against real sockets: where it goes, whom it believes, what it gives away, and when it stops."""

from __future__ import annotations

import contextlib
import gzip
import logging
import socket
import threading
import zlib
from typing import Any

import pytest

from beijiang.kit import BeijiangError, Invalid, Refused, TooLarge, Unavailable
from beijiang.outbound import Credentials, Http, HttpLimits, Outbound

HOST = "data.bureau"
SECRET = "zebra-4711-Steppe"
QUICK = HttpLimits(body=1_000_000, seconds=2, idle=1)


def client(*opened: Any, names: dict[str, list[str]] | None = None, **words: Any) -> Http:
    """Return a client that may reach some servers as ``data.bureau`` and ``other.bureau``."""
    targets = [server.target(host) for server in opened for host in (HOST, "other.bureau")]
    known = {HOST: ["127.0.0.1"], "other.bureau": ["127.0.0.1"], **(names or {})}
    words.setdefault("limits", QUICK)
    return Http(Outbound(lambda: targets, lambda host, _port: known.get(host, [host])), **words)


def url(server: Any, path: str = "/", host: str = HOST, scheme: str = "http") -> str:
    return f"{scheme}://{host}:{server.port}{path}"


def page(body: bytes, *headers: str, status: str = "200 OK") -> Any:
    from_lines = "\r\n".join(
        [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    ).encode("latin-1")
    return lambda connection, _request: connection.sendall(from_lines + body)


def moved(location: str, status: str = "302 Found") -> Any:
    return page(b"", f"Location: {location}", status=status)


def test_an_allowed_host_answers_under_its_own_name(server: Any) -> None:
    server.answers["/"] = page("你好".encode(), "X-Kind: test")
    with client(server) as http:
        answer = http.fetch("GET", url(server))
    assert (answer.status, answer.body.decode(), answer.headers["x-kind"]) == (200, "你好", "test")
    assert f"host: {HOST}:{server.port}" in server.requests[0].decode().lower()


@pytest.mark.threat("TM-21")
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "localhost."],  # noqa: S104  # nothing is bound to it
)  # fmt: skip
def test_no_spelling_of_this_machine_gets_a_connection(server: Any, host: str) -> None:
    server.answers["/"] = page(b"inside")
    with Http(Outbound(lambda: ()), QUICK) as http, pytest.raises(BeijiangError) as refused:
        http.fetch("GET", url(server, host=host))
    assert refused.value.reason in {"target_not_allowed", "host_not_found", "outbound_bad_url"}
    assert server.connections == 0


@pytest.mark.threat("TM-21")
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/inner",
        "http://localhost:{port}/inner",
        "//[::1]:{port}/inner",
        "http://169.254.169.254/latest",
    ],
)
def test_a_redirect_to_an_inner_address_is_refused(server: Any, other: Any, location: str) -> None:
    server.answers["/"] = moved(location.format(port=other.port))
    other.answers["/inner"] = page(b"inside")
    known = {"localhost": ["127.0.0.1"]}
    with client(server, names=known) as http, pytest.raises(Refused) as refused:
        http.fetch("GET", url(server))
    assert (refused.value.reason, other.connections) == ("target_not_allowed", 0)


@pytest.mark.threat("TM-21")
def test_a_resolver_that_changes_its_mind_is_believed_only_when_checked(server: Any) -> None:
    """The first answer is good, the second is inner: whatever is connected to is what was checked in that moment."""
    server.answers["/"] = page(b"inside")
    answers = [["192.0.2.1"], ["127.0.0.1"]]
    asked = []

    def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), 2) - 1]

    target = type(server.target(HOST))(host=HOST, port=server.port, network="192.0.2.0/24")
    with Http(Outbound(lambda: (target,), look_up), HttpLimits(seconds=1, idle=0.5)) as http:
        with pytest.raises(Unavailable):
            http.fetch("GET", url(server))
        with pytest.raises(Refused):
            http.fetch("GET", url(server))
    assert (asked, server.connections) == ([HOST, HOST], 0)


def test_redirects_are_followed_and_counted(server: Any) -> None:
    for step in range(6):
        server.answers[f"/{step}"] = moved(f"/{step + 1}", "307 Temporary Redirect")
    server.answers["/6"] = page(b"here")
    with client(server) as http:
        assert http.fetch("GET", url(server, "/1")).body == b"here"
        with pytest.raises(Refused) as often:
            http.fetch("GET", url(server, "/0"))
    assert often.value.detail == {"why": "limit"}


@pytest.mark.threat("TM-11")
def test_credentials_stay_with_the_host_that_they_were_meant_for(server: Any, other: Any) -> None:
    server.answers["/"] = moved("/near")
    server.answers["/near"] = moved(url(other, "/far", host="other.bureau"))
    other.answers["/far"] = moved(url(server, "/back"))
    server.answers["/back"] = page(b"done")
    shown = Credentials({"Authorization": f"Bearer {SECRET}"}, {"key": SECRET})
    with client(server, other) as http:
        assert http.fetch("GET", url(server), credentials=shown).body == b"done"
    assert [SECRET.encode() in r for r in server.requests] == [True, True, False]
    assert [r.count(SECRET.encode()) for r in server.requests[:2]] == [2, 2], "in header and query, each time once"
    assert SECRET.encode() not in other.requests[0]


def test_what_was_posted_is_not_carried_elsewhere(server: Any) -> None:
    server.answers["/token"] = moved("/other", "307 Temporary Redirect")
    with client(server) as http, pytest.raises(Refused) as refused:
        http.fetch("POST", url(server, "/token"), content=b"secret=" + SECRET.encode())
    assert refused.value.detail == {"why": "method"}
    assert len(server.requests) == 1


def test_a_verified_certificate_is_enough_and_nothing_less_is(server: Any, authority: Any) -> None:
    server.answers["/"] = page(b"safe")
    server.tls = authority.context(HOST)
    with client(server, trusted=authority.pem) as http:
        assert http.fetch("GET", url(server, scheme="https")).body == b"safe"
        with pytest.raises(Invalid) as other_name:
            http.fetch("GET", url(server, scheme="https", host="other.bureau"))
    with client(server) as stranger, pytest.raises(Invalid) as unknown:
        stranger.fetch("GET", url(server, scheme="https"))
    server.tls = authority.context(HOST, days=-1)
    with client(server, trusted=authority.pem) as late, pytest.raises(Invalid) as expired:
        late.fetch("GET", url(server, scheme="https"))
    assert {e.value.reason for e in (other_name, unknown, expired)} == {"outbound_tls"}
    assert len(server.requests) == 1, "nothing was said to a server that did not prove who it is"


def test_https_never_becomes_http(server: Any, other: Any, authority: Any) -> None:
    server.tls = authority.context(HOST)
    server.answers["/"] = moved(url(other, "/plain"))
    with client(server, other, trusted=authority.pem) as http, pytest.raises(Refused) as refused:
        http.fetch("GET", url(server, scheme="https"))
    assert (refused.value.detail, other.connections) == ({"why": "downgrade"}, 0)


def test_a_port_without_tls_is_said_to_have_none(server: Any) -> None:
    server.answers["/"] = page(b"plain")
    with client(server) as http, pytest.raises(BeijiangError) as failed:
        http.fetch("GET", url(server, scheme="https"))
    assert failed.value.reason in {"outbound_tls", "outbound_timeout"}


def test_a_trusted_authority_must_be_one(server: Any) -> None:
    with pytest.raises(Invalid) as wrong:
        client(server, trusted="no certificate")
    assert wrong.value.reason == "outbound_bad_authority"


@pytest.mark.parametrize("members", [1, 2])
def test_packed_bodies_are_unpacked(server: Any, members: int) -> None:
    body = b"".join(gzip.compress(f"{n}".encode() * 100_000) for n in range(members))
    server.answers["/"] = page(body, "Content-Encoding: gzip")
    with client(server) as http:
        assert http.fetch("GET", url(server)).body == b"".join(f"{n}".encode() * 100_000 for n in range(members))


@pytest.mark.threat("TM-29")
def test_a_bomb_stops_at_the_limit(server: Any) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(300)) + packer.flush()
    assert len(body) < QUICK.body
    server.answers["/"] = page(body, "Content-Encoding: gzip")
    with client(server) as http, http.open("GET", url(server)) as stream:
        sizes: list[int] = []
        with pytest.raises(TooLarge) as large:
            sizes.extend(len(piece) for piece in stream.pieces())
    assert max(sizes) <= 65_536
    assert sum(sizes) <= QUICK.body
    assert large.value.detail == {"limit": QUICK.body}


@pytest.mark.threat("TM-29")
@pytest.mark.parametrize("told", [True, False])
def test_a_large_body_stops_at_the_limit_whether_it_is_announced_or_not(server: Any, told: bool) -> None:
    def endless(connection: socket.socket, _request: bytes) -> None:
        length = "Content-Length: 99999999999999999999\r\n" if told else "Connection: close\r\n"
        connection.sendall(f"HTTP/1.1 200 OK\r\n{length}\r\n".encode())
        while True:
            connection.sendall(b"x" * 100_000)

    server.answers["/"] = endless
    with client(server) as http, pytest.raises(TooLarge):
        http.fetch("GET", url(server))


@pytest.mark.parametrize("packing", ["br", "gzip, gzip", "deflate", "zstd"])
def test_odd_packings_are_refused(server: Any, packing: str) -> None:
    server.answers["/"] = page(b"x", f"Content-Encoding: {packing}")
    with client(server) as http, pytest.raises(Invalid) as odd:
        http.fetch("GET", url(server))
    assert odd.value.reason == "outbound_encoding"


def _trickle(head: bytes, gap: float) -> Any:
    def answer(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(head)
        with contextlib.suppress(OSError):
            for _ in range(200):
                connection.sendall(b"x")
                threading.Event().wait(gap)

    return answer


@pytest.mark.threat("TM-29")
@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"]
)  # fmt: skip
def test_what_trickles_for_ever_ends_at_the_deadline(server: Any, head: bytes) -> None:
    server.answers["/"] = _trickle(head, 0.1)
    with client(server) as http, pytest.raises(Unavailable) as slow:
        http.fetch("GET", url(server))
    assert slow.value.reason == "outbound_timeout"


def test_a_server_that_says_nothing_is_left(server: Any) -> None:
    server.answers["/"] = lambda _connection, _request: threading.Event().wait(5)
    with client(server, limits=HttpLimits(idle=0.3)) as http, pytest.raises(Unavailable) as silent:
        http.fetch("GET", url(server))
    assert silent.value.reason == "outbound_timeout"


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
     b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"x" * 10_000, mtime=0)[:20],
     b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\nno gzip"],
)  # fmt: skip
def test_a_broken_answer_is_never_taken_for_a_whole_one(server: Any, answer: bytes) -> None:
    server.answers["/"] = lambda connection, _request: connection.sendall(answer)
    with client(server) as http, pytest.raises(Unavailable) as broken:
        http.fetch("GET", url(server))
    assert (broken.value.reason, broken.value.transient) == ("outbound_unreachable", True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "a\r\nX-Evil: 1"),
        ("X-A", "a\nb"),
        ("X-A", "a\x00"),
        ("X A", "a"),
        ("X-A\r\nX-Evil", "a"),
        ("", "a"),
        ("X-A", "中文"),
    ],
)
def test_nothing_breaks_out_of_a_header(server: Any, name: str, value: str) -> None:
    for words in ({"headers": {name: value}}, {"credentials": Credentials({name: value})}):
        with client(server) as http, pytest.raises(Invalid) as bad:
            http.fetch("GET", url(server), **words)  # type: ignore[arg-type]
        assert bad.value.reason == "outbound_bad_header"
        assert value not in str(bad.value.text)
    assert server.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "ftp://data.bureau/",
        "file:///etc/passwd",
        "http://",
        "data.bureau/x",
        "http://me:pass@data.bureau/",
        "http://a\r\nb/",
        "http://data.bureau:99999/",
    ],
)
def test_odd_addresses_are_refused_without_being_repeated(server: Any, address: str) -> None:
    with client(server) as http, pytest.raises(Invalid) as bad:
        http.fetch("GET", address)
    assert bad.value.reason == "outbound_bad_url"
    assert "pass@" not in str(bad.value)


def test_no_proxy_of_the_environment_and_no_cookie_is_used(
    server: Any, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
    server.answers["/"] = page(b"1", "Set-Cookie: a=b; Path=/")
    with client(server) as http:
        http.fetch("GET", url(server))
        http.fetch("GET", url(server))
    assert other.connections == 0
    assert len(server.requests) == 2
    assert all(b"cookie" not in r.lower() for r in server.requests)


def test_a_key_in_the_address_is_in_no_log_and_no_error(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers["/"] = moved(f"/there?key={SECRET}")
    server.answers["/there"] = page(b"1", f"Set-Cookie: k={SECRET}")
    shown = Credentials({"X-Key": SECRET}, {"key": SECRET})
    with client(server) as http:
        answer = http.fetch("GET", url(server), credentials=shown)
        server.close()
        with pytest.raises(Unavailable) as gone:
            http.fetch("GET", url(server, "/2"), credentials=shown)
    said = [repr(answer), repr(shown), str(gone.value), gone.value.text.zh, str(gone.value.detail), caplog.text]
    assert all(SECRET not in text and "127.0.0.1" not in text for text in said[:-1])
    assert SECRET not in caplog.text


def test_the_second_address_serves_where_the_first_does_not(server: Any) -> None:
    server.answers["/"] = page(b"here")
    with client(server, names={HOST: ["127.0.0.2", "127.0.0.1"]}) as http:
        assert http.fetch("GET", url(server)).body == b"here"


def test_connections_are_kept_for_the_next_request(server: Any) -> None:
    def two(connection: socket.socket, _request: bytes) -> None:
        for body in (b"1", b"2"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body)
            if body == b"1":
                connection.recv(65_536)

    server.answers["/"] = two
    with client(server) as http:
        assert [http.fetch("GET", url(server)).body for _ in range(2)] == [b"1", b"2"]
    assert server.connections == 1
