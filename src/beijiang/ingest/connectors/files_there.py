"""Deliveries as files: Parquet in a folder of their own, and a marker with digests when all of them are there."""

from __future__ import annotations

import hashlib
import io
import json
import re
from abc import abstractmethod
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, Any, Final, Protocol

from beijiang.ingest.connectors.destination import Delivered, Destination, Parcel, Proof, parted
from beijiang.kit import Invalid, Text, TooLarge
from beijiang.kit.errors import JsonValue

if TYPE_CHECKING:
    import pyarrow as pa


__all__ = ["FILE_MOST", "MARKER", "MARKER_MOST", "FileDestination", "Place", "read_back"]

MARKER: Final = "_DONE.json"
MARKER_MOST: Final = 4 * 1024 * 1024
"""Bytes of a marker that are read back: some ten thousand files."""
FILE_MOST: Final = 256 * 1024 * 1024
"""Bytes of one of our files that are read back, whatever a marker says of its size."""
_ROWS: Final = 200_000
_BYTES: Final = 24 * 1024 * 1024
"""Of Arrow rows in one file; what waits in memory is about twice as much."""
_FOLDER: Final = re.compile(r"(?!\.)[^\x00-\x1f\\]{0,200}")


class Place(Protocol):
    """Where files are put."""

    def put(self, path: str, body: bytes) -> None:
        """Write a file that appears whole or not at all; one of this name is replaced."""
        ...

    def pieces(self, path: str) -> Generator[bytes] | None:
        """Read a file back; None where there is none. Whoever asks stops when it is more than it should be."""
        ...


class FileDestination(Destination):
    """A folder to which deliveries come, each in a folder of its own."""

    @abstractmethod
    def place(self) -> AbstractContextManager[Place]:
        """Open the way there."""

    def look(self, parcel: Parcel) -> Text:
        folder = self.folder(parcel)
        with self.place() as place:
            read_back(place, f"{folder}/{MARKER}")
        return Text(f"写入目录 {folder}。", f"Files are written to {folder}.")

    def folder(self, parcel: Parcel) -> str:
        """Return where this delivery goes.

        Raises:
            Invalid: the target is no folder (``push_target``).

        """
        above = parcel.target.strip("/")
        if not _FOLDER.fullmatch(above) or ".." in above.split("/"):
            raise Invalid(
                "请填写目录名，不含 .. 和反斜杠。", "Name a folder, without .. and backslashes.", code="push_target"
            )
        table = parcel.table.replace("/", "_").lstrip(".")
        return "/".join(part for part in (above, table, f"{parcel.sequence:08d}-{parcel.id}") if part)

    def held(self, parcel: Parcel) -> Delivered | None:
        with self.place() as place:
            return _marker(read_back(place, f"{self.folder(parcel)}/{MARKER}"))

    def deliver(self, parcel: Parcel, goods: Iterator[pa.RecordBatch]) -> Delivered:
        folder, files, totals = self.folder(parcel), list[dict[str, JsonValue]](), {"rows": 0, "gone": 0}
        with self.place() as place:
            known = _marker(read_back(place, f"{folder}/{MARKER}"))
            if known is not None:
                return known
            for kind, number, rows, body in _pieces(parcel, goods):
                name = f"{kind}-{number:05d}.parquet"
                place.put(f"{folder}/{name}", body)
                digest = hashlib.sha256(body).hexdigest()
                files.append({"name": name, "rows": rows, "size": len(body), "sha256": digest})
                totals[kind] += rows
            told = {**parcel.facts(), "at": parcel.at.isoformat(), **totals, "files": files}
            place.put(f"{folder}/{MARKER}", json.dumps(told, ensure_ascii=False, indent=1).encode())
        return Delivered(rows=totals["rows"], gone=totals["gone"], facts={"folder": folder, "files": [*files]})

    def prove(self, parcel: Parcel, done: Delivered, whole: tuple[int, int] | None) -> Proof:
        del whole
        folder, wrong, size = self.folder(parcel), list[JsonValue](), 0
        files: Any = done.facts.get("files", [])
        with self.place() as place:
            for file in files:
                found = _digest(place, f"{folder}/{file['name']}", min(file["size"], FILE_MOST))
                size += found[0] if found else 0
                if found != (file["size"], file["sha256"]):
                    wrong.append(str(file["name"]))
        return Proof(equal=not wrong, facts={"files": len(files), "bytes": size, "different": wrong})


def read_back(place: Place, path: str, most: int = MARKER_MOST) -> bytes | None:
    """Return a file that is never large; None where there is none.

    Raises:
        TooLarge: it is larger than anything that was written here (``push_read_back``).

    """
    found = place.pieces(path)
    if found is None:
        return None
    body = bytearray()
    with closing(found):
        for piece in found:
            body += piece
            if len(body) <= most:
                continue
            raise TooLarge(
                f"目标处的文件“{path[-80:]}”超过 {most // 1024} KiB，不是平台写入的，已停止读取。请清理该目录，或换一个目录。",
                f'The file "{path[-80:]}" at the far side is over {most // 1024} KiB and none of ours; it was not read further. Clear the folder, or name another.',
                code="push_read_back",
                detail={"limit": most},
            )
    return bytes(body)


def _digest(place: Place, path: str, most: int) -> tuple[int, str] | None:
    """Read a file back and return its size and SHA-256, no further than it should reach; None where there is none."""
    found = place.pieces(path)
    if found is None:
        return None
    size, digest = 0, hashlib.sha256()
    with closing(found):
        for piece in found:
            size += len(piece)
            if size > most:
                return size, ""
            digest.update(piece)
    return size, digest.hexdigest()


def _marker(body: bytes | None) -> Delivered | None:
    """Return what a marker says was delivered.

    Raises:
        Invalid: it is none of ours (``push_marker``).

    """
    if body is None:
        return None
    try:
        told = json.loads(body)
        files: list[JsonValue] = [
            {"name": str(f["name"]), "rows": int(f["rows"]), "size": int(f["size"]), "sha256": str(f["sha256"])}
            for f in told["files"]
        ]
        return Delivered(
            rows=int(told["rows"]), gone=int(told["gone"]), repeated=True, facts={"folder": "", "files": files}
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Invalid(
            f"目标处的 {MARKER} 不是平台写入的。请删除它，或换一个目录。",
            f"The {MARKER} at the far side is none of ours. Remove it, or name another folder.",
            code="push_marker",
        ) from error


def _pieces(parcel: Parcel, goods: Iterator[pa.RecordBatch]) -> Iterator[tuple[str, int, int, bytes]]:
    """Yield files: whether of rows or of keys that went, number, rows, bytes. At least one of rows."""
    import pyarrow as pa

    waiting: dict[str, list[pa.RecordBatch]] = {"rows": [], "gone": []}
    numbers = {"rows": 0, "gone": 0}
    schemas = {"rows": parcel.schema, "gone": pa.schema([parcel.schema.field(name) for name in parcel.key])}

    def piece(kind: str) -> tuple[str, int, int, bytes]:
        batches, waiting[kind] = waiting[kind], []
        numbers[kind] += 1
        table = pa.Table.from_batches([b.cast(schemas[kind]) for b in batches], schemas[kind])
        return kind, numbers[kind], table.num_rows, _written(table, parcel)

    for batch in goods:
        for kind, part in zip(("rows", "gone"), parted(batch, parcel.key), strict=True):
            if part is None or not part.num_rows:
                continue
            waiting[kind].append(part)
            held = waiting[kind]
            if sum(b.num_rows for b in held) >= _ROWS or sum(b.nbytes for b in held) >= _BYTES:
                yield piece(kind)
    for kind in ("rows", "gone"):
        if waiting[kind] or (kind == "rows" and not numbers["rows"]):
            yield piece(kind)


def _written(table: pa.Table, parcel: Parcel) -> bytes:
    from pyarrow import parquet

    facts = {"beijiang.delivery": parcel.id, "beijiang.version": str(parcel.version)}
    sink = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata(facts), sink, compression="zstd")
    return sink.getvalue()
