"""What a connector to another catalog adds to the contract: its records, page by page, in neutral words.

The words are those of the source; putting them into the terms of our catalog is the harvest's work. A page that cannot
be read as a whole is an error, a record that cannot be read is a record with a fault.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator

from beijiang.ingest.connectors.contract import (
    Connector,
    ConnectorOptions,
    Feed,
    FeedColumn,
    Position,
    Reading,
    Wanted,
    option,
)
from beijiang.ingest.connectors.rest_calls import Calls
from beijiang.ingest.connectors.troubles import feed_missing
from beijiang.ingest.typing import ColumnSpec, ColumnType
from beijiang.kit import BeijiangError, Invalid, Text
from beijiang.outbound import Credentials

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.kit.errors import JsonValue
    from beijiang.outbound import Http

__all__ = [
    "HarvestOptions",
    "HarvestPage",
    "Harvester",
    "Keeper",
    "RemoteDataset",
    "RemoteFile",
    "RemoteRecord",
    "fault",
    "web_address",
]

_FEED: Final = "datasets"
_COLUMNS: Final = ("guid", "title", "summary", "publisher", "licence", "cycle", "themes", "keywords", "page", "files")
_GUID: Final = 500
_ADDRESS: Final = 2000
_BATCH: Final = 1000


class HarvestOptions(ConnectorOptions):
    """Where another catalog is, and how patiently it is asked."""

    url: str = option(
        Text("目录地址", "Address of the catalog"),
        Text("对方目录的网址，以 http:// 或 https:// 开头。", "Address of the other catalog, http:// or https://."),
    )
    key: SecretStr = option(
        Text("访问密钥", "Key"),
        Text("对方发给我方的密钥；公开目录不填。", "Key that the other side gave us; empty for a public catalog."),
        default=SecretStr(""),
    )
    per_second: float = option(
        Text("每秒请求数", "Requests per second"),
        Text("每秒最多请求几次；0 表示我方不限。", "Requests per second at most; 0: no limit of ours."),
        default=0,
        ge=0,
        le=1000,
    )
    retries: int = option(
        Text("重试次数", "Retries"),
        Text("对方繁忙时每个请求重试几次。", "How often a request is tried again when the other side is busy."),
        default=4,
        ge=0,
        le=10,
    )
    page_mib: int = option(
        Text("单页上限", "Largest page"),
        Text("一页解开后的最大字节数（MiB）。", "Largest page, unpacked, in MiB."),
        default=32,
        ge=1,
        le=256,
    )
    record_kib: int = option(
        Text("单条上限", "Largest record"),
        Text("一条记录的最大字节数（KiB），更大的记入失败。", "Largest record in KiB; a larger one is a failure."),
        default=2048,
        ge=16,
        le=65_536,
    )
    most_records: int = option(
        Text("记录上限", "Most records"),
        Text("超过此数即停止，以防对方无限翻页。", "More than this stop a harvest: the other side may never end."),
        default=2_000_000,
        ge=1,
        le=100_000_000,
    )
    seconds: float = option(
        Text("单页时限", "Longest page"),
        Text("一页最长等多少秒。", "Longest time for one page."),
        default=120,
        gt=0,
        le=86_400,
    )
    authority: str = option(
        Text("证书颁发机构", "Authority"),
        Text("另外信任的颁发机构证书（PEM）。", "Certificate (PEM) of an authority of your own that is trusted too."),
        default="",
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        from beijiang.outbound import parsed

        return str(parsed(value))


class KeyAuth:
    """A key that does not change."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._shown = Credentials(dict(headers))

    def credentials(self, http: Http, service: str) -> Credentials:
        """Return what goes with a request."""
        del http, service
        return self._shown

    def renew(self) -> bool:
        """Tell that there is no other key."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One distribution of a data set."""

    url: str
    title: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteDataset:
    """What a record says, in the source's own words."""

    title: str
    summary: str = ""
    publisher: str = ""
    contact: str = ""
    page: str = ""
    licences: tuple[str, ...] = ()
    """Everything that names the licence: id, address, title."""
    cycle: str = ""
    themes: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    begin: str = ""
    end: str = ""
    files: tuple[RemoteFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRecord:
    """One record: what it says, or why it cannot be taken."""

    guid: str
    place: int
    """Which record of its landed page it is, from 0."""
    title: str = ""
    dataset: RemoteDataset | None = None
    fault: BeijiangError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestPage:
    """Some records, and where the next ones are."""

    records: Sequence[RemoteRecord] = ()
    body: bytes | None = field(default=None, repr=False)
    """The answer as it came; None where the file is landed already."""
    sha256: str = ""
    following: Mapping[str, JsonValue] | None = None
    """Where the next page is; None after the last one."""
    total: int | None = None
    """How many records the other side says it has."""


class Keeper(Protocol):
    """Where bytes are kept before they are read."""

    def keep(self, stream: BinaryIO) -> str:
        """Keep everything that a stream gives, and return its SHA-256."""

    def path(self, sha256: str) -> Path:
        """Return where kept bytes are."""


class Harvester(Connector):
    """A way to read another catalog. Its list of records can be taken into a table too, like any feed."""

    options: HarvestOptions

    @abstractmethod
    def pages(self, at: Mapping[str, JsonValue] | None, keeper: Keeper) -> Iterator[HarvestPage]:
        """Yield pages from a position on (None: the first), to the last.

        Raises:
            Unavailable: the other side does not answer (transient). Invalid, Refused: it answers what is no catalog.

        """

    @abstractmethod
    def original(self, path: Path, place: int) -> bytes:
        """Return a record as its landed page holds it."""

    @abstractmethod
    def check(self) -> Feed:
        """Ask for a little, to see that the other side is a catalog."""

    def discover(self) -> list[Feed]:
        """Return the list of records as the one feed."""
        return [self.check()]

    def describe(self, name: str) -> Feed:
        """Return the list of records with its columns: the source's words as text."""
        if name != _FEED:
            raise feed_missing(name)
        return _feed(None)

    @contextmanager
    def open(self, wanted: Wanted) -> Iterator[Reading]:
        """Begin to read the list of records."""
        yield _Records(self, wanted)

    def calls(self, accept: str = "application/json") -> Calls:
        """Return a way to ask the catalog, with its key, patiently."""
        key = self.options.key.get_secret_value()
        return Calls(self.options, self.outbound, KeyAuth({"Authorization": key} if key else {}), accept)

    def read(self, raw: Any, place: int, spoken: int, reader: Any) -> RemoteRecord:
        """Return a record of a document; whatever is wrong with it is its own fault and nobody else's."""
        guid = title = ""
        try:
            if not isinstance(raw, dict):
                raise fault("record_no_object", "记录不是对象。", "The record is no object.")
            guid, title = reader.guid(raw), _one_line(reader.title(raw))
            if not guid:
                raise fault("record_no_guid", "记录没有标识。", "The record has no identifier.")
            if spoken > self.options.record_kib * 1024:
                raise fault(
                    "record_too_large",
                    f"记录超过上限 {self.options.record_kib} KiB。可调大 record_kib，或请来源方精简。",
                    f"The record is over the limit of {self.options.record_kib} KiB. Raise record_kib, or have it made smaller.",
                )
            dataset = reader.dataset(raw)
            _whole(guid, dataset)
        except BeijiangError as error:
            return RemoteRecord(guid=_short(guid), place=place, title=_clean(title), fault=error)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            found = fault("record_unreadable", "记录的结构无法识别。", "The record is not built as it should be.")
            found.__cause__ = error
            return RemoteRecord(guid=_short(guid), place=place, title=_clean(title), fault=found)
        return RemoteRecord(guid=_short(guid), place=place, title=title, dataset=dataset)


def _feed(rows: int | None) -> Feed:
    columns = tuple(FeedColumn(ColumnSpec(name, ColumnType.TEXT), "text") for name in _COLUMNS)
    return Feed(name=_FEED, comment="目录记录 / catalog records", columns=columns, key=("guid",), rows=rows)


class _Records(Reading):
    """The list of records as rows, for those who want it in a table."""

    def __init__(self, harvester: Harvester, wanted: Wanted) -> None:
        import pyarrow as pa

        self._harvester = harvester
        self._names = [c.name for c in wanted.feed.columns]
        self._keys = list(wanted.key)
        self.schema = pa.schema([(name, pa.string()) for name in self._names])

    def position(self) -> Position:
        return None

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield from self._read(self._names)

    def keys(self) -> Iterator[pa.RecordBatch]:
        yield from self._read(self._keys)

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        import tempfile

        import pyarrow as pa

        with tempfile.TemporaryDirectory() as folder:
            for page in self._harvester.pages(None, _Folder(Path(folder))):
                rows = [_row(record) for record in page.records if record.dataset is not None]
                schema = pa.schema([(name, pa.string()) for name in names])
                yield pa.RecordBatch.from_pylist([{n: row[n] for n in names} for row in rows], schema=schema)


class _Folder:
    """Keeps bytes for as long as they are read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, stream: BinaryIO) -> str:
        with (self._folder / "kept").open("wb") as file:
            while piece := stream.read(_BATCH * 1024):
                file.write(piece)
        return "kept"

    def path(self, sha256: str) -> Path:
        return self._folder / sha256


def _row(record: RemoteRecord) -> dict[str, str | None]:
    found = record.dataset
    assert found is not None  # noqa: S101  # asked by the only caller
    return {
        "guid": record.guid,
        "title": found.title,
        "summary": found.summary,
        "publisher": found.publisher,
        "licence": next(iter(found.licences), ""),
        "cycle": found.cycle,
        "themes": "、".join(found.themes),
        "keywords": "、".join(found.keywords),
        "page": found.page,
        "files": json.dumps([file.url for file in found.files], ensure_ascii=False),
    }


def fault(code: str, zh: str, en: str) -> Invalid:
    """Say what is wrong with one record."""
    return Invalid(zh, en, code=code)


def web_address(text: object) -> str:
    """Return an http(s) address, or nothing: what a catalog lists may be a script or a file of ours."""
    given = text.strip() if isinstance(text, str) else ""
    try:
        parts = urlsplit(given)
        fits = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and len(given) <= _ADDRESS
    except ValueError:
        return ""
    return given if fits and given.isprintable() and " " not in given and "@" not in parts.netloc else ""


def _whole(guid: str, dataset: RemoteDataset) -> None:
    """Refuse a record whose text is broken: bytes that are no UTF-8 were marked when the page was read."""
    if not dataset.title.strip():
        raise fault("record_no_title", "记录没有名称。", "The record has no title.")
    for text in (guid, dataset.title, dataset.summary, dataset.publisher, *dataset.keywords, *dataset.themes):
        if "\ufffd" in text or any("\ud800" <= c <= "\udfff" for c in text):
            raise fault(
                "record_no_utf8",
                "记录里有不是 UTF-8 的字节，无法确定原文。请来源方更正编码。",
                "The record holds bytes that are no UTF-8, so its text is not known. Have its encoding mended.",
            )


def _short(guid: str) -> str:
    """Return a guid that fits its column; what is longer ends in a digest, so that different ones stay different."""
    import hashlib

    clean = _clean(guid)
    if len(clean) <= _GUID:
        return clean
    return f"{clean[:400]}…{hashlib.sha256(guid.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _clean(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _one_line(text: str) -> str:
    return " ".join(text.split())
