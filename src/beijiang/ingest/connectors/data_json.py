"""Catalogs in one JSON file: data.json of DCAT-US 1.1 and 3, and of the older Project Open Data schema.

The file is landed as a whole and then read in a stream, so that its size costs no memory.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, cast

from beijiang.ingest.connectors.contract import Feed, option
from beijiang.ingest.connectors.harvest_words import first, listed, pick, text
from beijiang.ingest.connectors.harvester import (
    Harvester,
    HarvestOptions,
    HarvestPage,
    Keeper,
    RemoteDataset,
    RemoteFile,
    RemoteRecord,
    web_address,
)
from beijiang.ingest.connectors.troubles import source_refuses
from beijiang.kit import Invalid, Text, TooLarge, Unavailable
from beijiang.outbound import Credentials, Http, HttpLimits

if TYPE_CHECKING:
    from beijiang.kit.errors import JsonValue
    from beijiang.outbound import HttpStream

__all__ = ["DataJson", "DataJsonOptions", "PodReader"]

_PAGE: Final = 100
_MIB: Final = 1024 * 1024
_OK: Final = 200
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_DENIED: Final = {401: "source_login_failed", 403: "source_forbidden"}
_HEAD: Final = 4096
_PIECE: Final = 65_536
_DEPTH: Final = 100
_OPENS: Final = frozenset({"start_map", "start_array"})
_CLOSES: Final = frozenset({"end_map", "end_array"})


class DataJsonOptions(HarvestOptions):
    """Where a data.json is."""

    file_mib: int = option(
        Text("文件上限", "Largest file"),
        Text("整个文件解开后的最大字节数（MiB）。", "Largest file, unpacked, in MiB."),
        default=4096,
        ge=1,
        le=65_536,
    )


class DataJson(Harvester):
    """A data.json, landed and then read from the disk."""

    text = Text("data.json 目录文件", "data.json file")
    options_model = DataJsonOptions
    options: DataJsonOptions

    def check(self) -> Feed:
        """Ask for the beginning of the file."""
        with self._opened() as http, http.open("GET", self.options.url, credentials=self._shown()) as answer:
            _refuse(answer)
            head = next(answer.pieces(), b"")
        if head.lstrip(codecs.BOM_UTF8 + b" \t\r\n")[:1] not in {b"{", b"["}:
            raise _no_catalog()
        return Feed(name="datasets", comment="目录记录 / catalog records")

    def pages(self, at: Mapping[str, JsonValue] | None, keeper: Keeper) -> Iterator[HarvestPage]:
        """Land the file, then yield its records; a resumed harvest reads on in the file that it had landed."""
        sha256 = str(at["file"]) if at is not None else self._landed(keeper)
        begin = int(str(at["index"])) if at is not None else 0
        with keeper.path(sha256).open("rb") as file:
            for read in self._read(islice(enumerate(self._records(file)), begin, None)):
                after: dict[str, JsonValue] = {"file": sha256, "index": read[-1].place + 1}
                yield HarvestPage(records=read, sha256=sha256, following=after)

    def _read(self, records: Iterator[tuple[int, Any]]) -> Iterator[list[RemoteRecord]]:
        """Yield some records at a time: a hundred, or as many as a page may weigh."""
        reader, read, spoken = PodReader(), list[RemoteRecord](), 0
        for place, raw in records:
            size = len(json.dumps(raw, ensure_ascii=False).encode("utf-8", "surrogatepass"))
            read.append(self.read(raw, place, size, reader))
            spoken += size
            if len(read) == _PAGE or spoken > self.options.page_mib * _MIB:
                yield read
                read, spoken = [], 0
        if read:
            yield read

    def _records(self, file: IO[bytes]) -> Iterator[Any]:
        return _records(file, max(self.options.page_mib * _MIB, self.options.record_kib * 1024))

    def original(self, path: Path, place: int) -> bytes:
        """Return a record of the landed file."""
        with path.open("rb") as file:
            found = next(islice(self._records(file), place, None))
        return json.dumps(found, ensure_ascii=False, indent=2).encode("utf-8", "surrogateescape")

    def _landed(self, keeper: Keeper) -> str:
        with self._opened() as http, http.open("GET", self.options.url, credentials=self._shown()) as answer:
            _refuse(answer)
            return keeper.keep(cast("BinaryIO", _Pieces(answer.pieces())))  # only read() is asked of it

    def _opened(self) -> Http:
        limits = HttpLimits(body=self.options.file_mib * _MIB, seconds=max(self.options.seconds, 600.0))
        return Http(self.outbound, limits, self.options.authority)

    def _shown(self) -> Credentials | None:
        key = self.options.key.get_secret_value()
        return Credentials({"Authorization": key}) if key else None


class PodReader:
    """The words of one data set of a data.json."""

    def guid(self, raw: dict[str, Any]) -> str:
        return first(pick(raw, "identifier", "@id"), pick(raw, "landingPage", "accessURL"))

    def title(self, raw: dict[str, Any]) -> str:
        return pick(raw, "title")

    def dataset(self, raw: dict[str, Any]) -> RemoteDataset:
        point = raw.get("contactPoint")
        person = point if isinstance(point, dict) else {}
        contact = (
            first(text(person.get("fn")), "" if person else text(point)),
            first(pick(person, "hasEmail"), pick(raw, "mbox")),
        )
        begin, _, end = text(raw.get("temporal")).partition("/")
        given = raw.get("distribution")
        files = given if isinstance(given, list) else [given]
        own = {"accessURL": raw.get("accessURL"), "format": raw.get("format")}
        return RemoteDataset(
            title=self.title(raw),
            summary=pick(raw, "description"),
            publisher=text(raw.get("publisher")),
            contact=" ".join(part.removeprefix("mailto:") for part in contact if part),
            page=web_address(text(raw.get("landingPage"))),
            licences=tuple(
                x for x in (text(raw.get("license")), *(pick(f, "license") for f in files if isinstance(f, dict))) if x
            ),
            cycle=pick(raw, "accrualPeriodicity"),
            themes=listed(raw.get("theme")) if raw.get("theme") else (),
            keywords=listed(raw.get("keyword")) if raw.get("keyword") else (),
            places=tuple(x for x in (text(raw.get("spatial")),) if x),
            begin=begin,
            end=end,
            files=tuple(found for f in (*files, own) if isinstance(f, dict) and (found := _file(f)) is not None),
        )


def _file(raw: dict[str, Any]) -> RemoteFile | None:
    url = first(web_address(text(raw.get("downloadURL"))), web_address(text(raw.get("accessURL"))))
    if not url:
        return None
    return RemoteFile(
        url=url, title=pick(raw, "title", "description"), format=first(pick(raw, "format"), pick(raw, "mediaType"))
    )


class _Pieces:
    """Pieces as a file that can only be read on."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int = -1) -> bytes:
        del size
        return next((piece for piece in self._pieces if piece), b"")


class _Clean:
    """A file as UTF-8; bytes that are none are marked, so that only the records that hold them are refused."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._most = most
        self.came = 0
        """Bytes since the last record: they are held until it ends."""

    def read(self, size: int = _PIECE) -> bytes:
        if size == 0:
            return b""
        while True:
            piece = self._file.read(_PIECE)
            self.came += len(piece)
            if self.came > self._most + 2 * _PIECE:
                raise _too_large(self._most // _MIB)
            text = self._decoder.decode(piece, final=not piece)
            if text or not piece:
                return text.encode()


def _records(file: IO[bytes], most: int) -> Iterator[Any]:
    """Yield the records of a file, wherever its list stands: at the top, or as ``dataset``."""
    import ijson

    head = file.read(_HEAD).lstrip(codecs.BOM_UTF8 + b" \t\r\n")
    file.seek(0)
    if head[:1] not in {b"[", b"{"}:
        raise _no_catalog()
    clean = _Clean(file, most)
    try:
        for record in _built(ijson.basic_parse(clean, use_float=True), "" if head[:1] == b"[" else "dataset"):
            clean.came = 0
            yield record
    except ijson.JSONError as error:
        raise _no_catalog() from error


def _built(events: Iterator[tuple[str, Any]], wanted: str) -> Iterator[Any]:
    """Yield the items of a list; of one that is nested too deep nothing is known but that it was there.

    The parser's own way to them writes out the path of every level, which makes gigabytes of a small file.
    """
    from ijson import ObjectBuilder

    top, depth, key = (2 if wanted else 1), 0, ""
    listed = deep = False
    builder = ObjectBuilder()
    for event, value in events:
        opens, closes = event in _OPENS, event in _CLOSES
        depth -= closes
        if listed and depth >= top:
            if depth == top and not closes:
                builder, deep = ObjectBuilder(), False
            deep = deep or depth > _DEPTH
            if not deep:
                builder.event(event, value)
            if depth == top and not opens:
                yield None if deep else builder.value
        elif depth == top - 1 and (opens or closes):
            listed = event == "start_array" and key == wanted
        elif event == "map_key":
            key = value if depth == 1 else key
        depth += opens


def _refuse(answer: HttpStream) -> None:
    if answer.status in _BUSY:
        raise Unavailable(
            f"对方暂时无法应答（状态码 {answer.status}）。请稍后再采集。",
            f"The other side cannot answer now (status {answer.status}). Harvest again later.",
            code="service_busy",
            detail={"status": answer.status},
        )
    if answer.status in _DENIED:
        raise source_refuses(_DENIED[answer.status], str(answer.status))
    if answer.status != _OK:
        raise _no_catalog()


def _no_catalog() -> Invalid:
    return Invalid(
        "对方的应答不是完整的 data.json。请核对网址，或请来源方检查文件（可能被截断）。",
        "The answer is no whole data.json. Check the address, or have the file checked (it may be cut off).",
        code="harvest_no_catalog",
    )


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"data.json 里有一段超过 {limit} MiB 而不成一条记录，已停止。请来源方检查文件，或调大 page_mib。",
        f"A stretch of the data.json is over {limit} MiB and ends no record; it was not read further. Have the file checked, or raise page_mib.",
        code="harvest_record_too_large",
    )
