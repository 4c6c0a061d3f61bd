"""What a hostile source sends to its connector: it costs little to refuse, and nothing is believed that was not asked for."""

from __future__ import annotations

import gzip
import random
import re
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from beijiang.ingest.connectors.binlog import TRUNCATES
from beijiang.ingest.connectors.data_json import DataJson, DataJsonOptions
from beijiang.ingest.connectors.dcat import graph_of
from beijiang.ingest.connectors.folder import Folder, FolderOptions
from beijiang.ingest.connectors.mysql_log import _SAVES, _UNTOLD
from beijiang.ingest.connectors.s3 import S3, S3Options
from beijiang.ingest.connectors.sftp_wire import Session
from beijiang.ingest.models.arriving import FileRules, glob_matches
from beijiang.kit import BeijiangError, Invalid
from beijiang.outbound import Outbound, Target

_WORDS = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def test_no_pattern_makes_the_matcher_try_again_and_again() -> None:
    assert not glob_matches("*a" * 140 + "*c*b", "a" * 4000 + "b")
    assert not glob_matches("**/*a" * 50 + "*c*b", "a/" * 2000 + "b")
    assert glob_matches("**/" * 90 + "*b", "a/" * 2000 + "b")
    with pytest.raises(Invalid) as refused:
        FileRules(patterns=("*a" * 151,)).checked(())
    assert refused.value.reason == "bad_file_rules"


def test_patterns_mean_what_their_regular_expressions_mean() -> None:
    dice = random.Random(7)  # noqa: S311 - cases, not secrets
    for _ in range(3000):
        pattern = "".join(dice.choices(["a", "b", "A", "/", ".", "?", "*", "**", "**/"], k=dice.randint(0, 6)))
        name = "".join(dice.choices("aabB//.", k=dice.randint(0, 8)))
        meant = "".join(_WORDS.get(p, re.escape(p)) for p in re.split(r"(\*\*/|\*\*|\*|\?)", pattern))
        assert glob_matches(pattern, name) is (re.fullmatch(meant, name, re.IGNORECASE) is not None), (pattern, name)


def test_statements_of_a_log_cost_no_more_than_their_length() -> None:
    many = 100_000
    comments, spaces = "/* a */ " * many, " " * many
    for told in (f"{comments}x", "/*" * many, f"TRUNCATE{spaces}", f"ALTER{spaces}x", f"ALTER {'RENAME ' * many}"):
        assert not TRUNCATES.search(told)
        assert not _UNTOLD.search(told)
    assert _UNTOLD.search(f"{comments}DROP TABLE x")
    assert _UNTOLD.search("/* a */ alter table x\ndrop partition p0")
    assert TRUNCATES.search(f"{comments}truncate x{spaces}y")
    assert not TRUNCATES.search("/* a */ SELECT 1 /* */ TRUNCATE x")
    saved = _SAVES.search(f"SAVEPOINT `a`{spaces}b")
    assert saved is not None
    assert saved[2].startswith("`a`")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_defaults_of_attributes_do_not_make_a_small_graph_a_large_one(encoding: str) -> None:
    document = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE r:RDF [<!ATTLIST r:Description x:a CDATA "{"a" * 1000}">]>'
        '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="urn:x:"><r:Description/></r:RDF>'
    )
    with pytest.raises(Invalid) as refused:
        graph_of(document.encode(encoding), "xml")
    assert refused.value.reason == "harvest_entities"


_LIST = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{}</NextContinuationToken></ListBucketResult>"
_NAMED = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "b">]><ListBucketResult><Name>&a;</Name></ListBucketResult>'


class _Store(ThreadingHTTPServer):
    """A store that answers every listing as a test says."""

    answer: Callable[[int], bytes]
    asked = 0


class _Handler(BaseHTTPRequestHandler):
    server: _Store
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        self.server.asked += 1
        body = self.server.answer(self.server.asked)
        self.send_response(200)
        if body[:2] == b"\x1f\x8b":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def store() -> Iterator[_Store]:
    with _Store(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda number: _LIST.format(number).encode(), "listing_endless"),
        (lambda _: gzip.compress(b" " * (9 << 20), 1), "outbound_too_large"),
        (lambda _: _NAMED.encode("utf-16"), "no_listing"),
    ],
    ids=["endless", "gzip", "utf-16"],
)
def test_a_listing_has_an_end(store: _Store, answer: Callable[[int], bytes], code: str) -> None:
    store.answer = answer
    port = store.server_address[1]
    outbound = Outbound(lambda: (Target(host="127.0.0.1", port=port, network="127.0.0.1/32"),))
    with pytest.raises(BeijiangError) as refused:
        S3(S3Options(endpoint=f"http://127.0.0.1:{port}", bucket="exchange"), outbound).discover()
    assert refused.value.reason == code
    assert store.asked <= 100


class _Kept:
    """Where a file of records lies already."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, _stream: object) -> str:
        raise AssertionError

    def path(self, _sha256: str) -> Path:
        return self._path


def test_a_file_of_records_costs_no_more_memory_than_a_page(tmp_path: Path) -> None:
    def read(text: str) -> list[tuple[str, str | None]]:
        kept = tmp_path / "data.json"
        kept.write_text(text)
        options = DataJsonOptions(url="http://example.com/data.json", page_mib=1, record_kib=16)
        pages = DataJson(options, Outbound(lambda: ())).pages({"file": "x", "index": 0}, _Kept(kept))
        return [(r.guid, r.fault.reason if r.fault else None) for page in pages for r in page.records]

    good = '{"identifier": "%s", "title": "t", "x": {"dataset": [1, [2]]}}'
    deep = '{"identifier": "deep", "title": "t", "x": ' + '{"k":[' * 50_000 + "]}" * 50_000 + "}"
    wide = good.replace("2", ",".join("1" * 20_000)) % "wide"
    told = [("a", None), ("", "record_no_object"), ("wide", "record_too_large"), ("b", None)]
    records = ", ".join((good % "a", deep, wide, good % "b"))
    assert read(f"[{records}]") == told
    assert read(f'{{"x": [{good}], "dataset": {{"a": [{good}]}}, "dataset": [{records}]}}') == told
    with pytest.raises(BeijiangError) as refused:
        read('[{"identifier": "%s"}]' % ("x" * (2 << 20)))
    assert refused.value.reason == "harvest_record_too_large"


class _Wire:
    """A line on which a server says one thing after the other, whatever it is asked."""

    def __init__(self, *said: bytes) -> None:
        self._said = b"".join(struct.pack(">I", len(s)) + s for s in (b"\x02\x00\x00\x00\x03", *said))

    def write(self, _body: bytes) -> None:
        return

    def read(self, size: int) -> bytes:
        piece, self._said = self._said[:size], self._said[size:]
        assert piece, "more was read than had been asked for"
        return piece


def _said(kind: int, number: int, text: bytes = b"") -> bytes:
    return struct.pack(">BII", kind, number, len(text)) + text


_EMPTY_FILE = struct.pack(">BIIQ", 105, 2, 1, 0)


@pytest.mark.parametrize(
    "said",
    [
        (_said(103, 7, b"x"),),
        (_said(102, 1, b"h"), _said(102, 1, b"h")),
        (_said(102, 1, b"h"), _EMPTY_FILE, _said(103, 3), _said(103, 4), _said(101, 5)),
        (_said(102, 1, b"h"), _EMPTY_FILE, _said(103, 3, b"x" * 32_769), _said(103, 4), _said(101, 5)),
    ],
    ids=["unasked", "twice", "empty", "too much"],
)
def test_a_file_server_is_heard_only_where_it_was_asked(said: tuple[bytes, ...]) -> None:
    with pytest.raises(EOFError):
        next(Session(_Wire(*said)).read("x"))  # type: ignore[arg-type]


def test_a_folder_without_names_does_not_go_on_for_ever() -> None:
    with pytest.raises(EOFError):
        next(Session(_Wire(_said(102, 1, b"h"), _said(104, 2), _said(101, 3))).folder("x"))  # type: ignore[arg-type]


def test_a_name_that_becomes_a_link_on_the_way_to_the_folder_leads_nowhere(tmp_path: Path) -> None:
    inbox, secret = tmp_path / "open" / "inbox", tmp_path / "secret"
    for folder in (inbox / "day", secret / "day" / "hidden"):
        folder.mkdir(parents=True)

    def allowed() -> tuple[Target, ...]:
        if not inbox.is_symlink():  # the path was followed to its end, and has yet to be opened
            inbox.rename(tmp_path / "moved")
            inbox.symlink_to(secret)
        return (Target(folder=str(tmp_path / "open")),)

    with pytest.raises(BeijiangError) as refused:
        Folder(FolderOptions(path=str(inbox / "day")), Outbound(allowed)).discover()
    assert refused.value.reason == "folder_not_allowed"
