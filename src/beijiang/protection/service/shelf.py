"""The shelf: governed tables as Parquet files that are made once for each version and set of obligations, and served many times.

What stands there has passed the gate: masks, row filters and the choice of columns are in the bytes. Two readers who may see
exactly the same share a copy. A copy is made beside its place and moved there whole; the least recently used go when the
shelf is full.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from beijiang.kit import NotFound, Unavailable, new_id
from beijiang.protection.models.shelved import CopyPart, Shelved, Source

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import pyarrow as pa

    from beijiang.protection.models.standing import Standing
    from beijiang.protection.service.relation import Governed

__all__ = ["Shelf"]

log = logging.getLogger(__name__)

PART_BYTES: Final = 64 << 20
GROUP_ROWS: Final = 131_072
_FORMAT: Final = "1"
"""Part of every copy's id: a change in how copies are written makes new ones."""
_MAKING: Final = ".making-"
_FACTS, _READERS = "copy.json", "readers"
_NEW_SECONDS: Final = 600
BUILDERS: Final = 2
"""Copies that are made at once; who asks for another one is told to come back, and holds no thread of the server."""
WAITERS: Final = 4
"""Requests that may wait for a builder, and only so long; the threads of the server are for everybody."""
WAIT_SECONDS: Final = 2.0
_COME_BACK_SECONDS: Final = 5
_BOUND_TEXT: Final = 200
"""Characters of a text that is kept as a bound; longer ones bound nothing."""


class Shelf:
    """Keep copies of governed tables below one folder. Nobody asks for access here: who calls holds what the gate gave."""

    def __init__(self, root: Path, zone: ZoneInfo, budget: int) -> None:
        self._root = root
        self._zone = zone
        self._budget = budget
        self._making: dict[str, int] = {}
        """Bytes of the copies that are being made, by copy."""
        self._waiting = 0
        self._lock = threading.Condition()

    def whole(self, standing: Standing, make: Callable[[], Governed]) -> Shelved:
        """Return the copy of a version, made now if nobody has had it yet.

        Raises:
            Denied: the right ended while it was made.
            Refused: an identity number stands where none may.
            Unavailable: the disk or the budget of the shelf does not hold it.

        """
        sources = (Source(standing.version, standing.obligations),)
        return self._kept(standing, sources, lambda: make().copy())

    def changes(
        self, standing: Standing, before: Standing | None, make: Callable[[], tuple[Governed, Governed | None]]
    ) -> Shelved:
        """Return the copy of what changed from one version to another, from nothing where there is no earlier one."""
        first = () if before is None else (Source(before.version, before.obligations),)
        sources = (*first, Source(standing.version, standing.obligations))

        def rows() -> Iterator[pa.RecordBatch]:
            governed, older = make()
            return governed.differences(older)

        return self._kept(standing, sources, rows, kind="changes")

    def get(self, copy_id: str) -> Shelved | None:
        """Return what is known of a copy, None for one that is not there."""
        try:
            return Shelved.from_json(json.loads((self._folder(copy_id) / _FACTS).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def open(self, copy: Shelved, number: int) -> IO[bytes]:
        """Open a file of a copy; who has it open keeps it, whatever becomes of the copy.

        Raises:
            NotFound: the copy is gone.

        """
        folder = self._folder(copy.id)
        try:
            file = (folder / _name(number)).open("rb")
            os.utime(folder)
        except FileNotFoundError:
            raise NotFound(
                "这个文件已不在，请重新查询。", "This file is gone; query again.", code="share_file_gone"
            ) from None
        return file

    def note_reader(self, copy: Shelved, reader: Mapping[str, str]) -> None:
        """Keep who reads a copy, so that it goes when the last of them may not."""
        body = json.dumps(reader, ensure_ascii=False, sort_keys=True)
        name = hashlib.sha256(body.encode()).hexdigest()[:32]
        with contextlib.suppress(FileNotFoundError):  # swept in this moment: the reader is told when it opens a file
            path = self._folder(copy.id) / _READERS / name
            if not path.exists():
                path.write_text(body, encoding="utf-8")
            os.utime(self._folder(copy.id))

    def sweep(self, may: Callable[[Shelved, Mapping[str, str]], bool]) -> int:
        """Take away the copies that no reader may have any more, and what a process left half made; return how many."""
        gone = 0
        for folder in [*self._root.glob("*")]:
            if folder.name.startswith(_MAKING):
                if folder.name.removeprefix(_MAKING) not in self._making:
                    shutil.rmtree(folder, ignore_errors=True)
                continue
            copy = self.get(folder.name)
            if copy is None or not self._wanted(copy, folder, may):
                self._drop(folder)
                gone += 1
        return gone

    def _wanted(self, copy: Shelved, folder: Path, may: Callable[[Shelved, Mapping[str, str]], bool]) -> bool:
        readers = [*(folder / _READERS).glob("*")]
        if not readers:
            return time.time() - folder.stat().st_mtime < _NEW_SECONDS  # just made: its reader is about to be noted
        for path in readers:
            with contextlib.suppress(FileNotFoundError):
                if may(copy, json.loads(path.read_text(encoding="utf-8"))):
                    return True
                path.unlink()
        return False

    def _kept(
        self,
        standing: Standing,
        sources: Sequence[Source],
        rows: Callable[[], Iterator[pa.RecordBatch]],
        kind: str = "rows",
    ) -> Shelved:
        words = [
            _FORMAT,
            kind,
            standing.table,
            str(self._zone),
            *(f"{one.version}:{one.obligations}" for one in sources),
        ]
        copy_id = hashlib.sha256("\n".join([*words, standing.written_at.isoformat()]).encode()).hexdigest()[:40]
        found = self.get(copy_id)
        if found is not None:
            return found
        self._begin(copy_id)
        try:
            return self.get(copy_id) or self._made(copy_id, standing, tuple(sources), rows())
        finally:
            with self._lock:
                del self._making[copy_id]
                self._lock.notify_all()

    def _begin(self, copy_id: str) -> None:
        """Take the place of a builder: one for each copy, and few at all."""

        def free() -> bool:
            return copy_id not in self._making and len(self._making) < BUILDERS

        with self._lock:
            if not free() and self._waiting < WAITERS:
                self._waiting += 1
                try:
                    self._lock.wait_for(free, WAIT_SECONDS)
                finally:
                    self._waiting -= 1
            if not free():
                raise _busy()
            self._making[copy_id] = 0

    def _made(
        self, copy_id: str, standing: Standing, sources: tuple[Source, ...], rows: Iterator[pa.RecordBatch]
    ) -> Shelved:
        folder = self._root / f"{_MAKING}{copy_id}"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            (folder / _READERS).mkdir(parents=True, mode=0o700)
            parts = tuple(self._written(copy_id, folder, rows))
            made = Shelved(
                id=copy_id, table=standing.table, sources=sources, written_at=standing.written_at, parts=parts
            )
            with (folder / _FACTS).open("w", encoding="utf-8") as file:
                json.dump(made.to_json(), file, ensure_ascii=False)
                _flush(file)
            folder.replace(self._folder(copy_id))
        except OSError as error:
            log.warning("a copy for sharing could not be written: %s", type(error).__name__)
            raise _no_room() from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._make_room(keep=copy_id)
        return made

    def _written(self, copy_id: str, folder: Path, rows: Iterator[pa.RecordBatch]) -> Iterator[CopyPart]:
        """Write rows as files of some size each, and yield what is known of each."""
        from pyarrow import parquet

        number = total = 0
        batch = next(rows, None)
        while batch is not None:
            seen: list[Any] = []
            path = folder / _name(number)
            with path.open("wb") as file:
                plain = _plain(batch, self._zone)
                options: dict[str, Any] = {"compression": "zstd", "metadata_collector": seen}
                with parquet.ParquetWriter(file, plain.schema, **options) as writer:
                    begun = False
                    while batch is not None and not (begun and file.tell() >= PART_BYTES):
                        begun, held = True, [plain]
                        while (batch := next(rows, None)) is not None:
                            plain = _plain(batch, self._zone)
                            if sum(one.num_rows for one in held) + plain.num_rows > GROUP_ROWS:
                                break
                            held.append(plain)
                        _write_group(writer, held)
                        self._count(copy_id, total + file.tell())
                _flush(file)
            part = _part(seen[0], path.stat().st_size)
            total += part.bytes
            self._count(copy_id, total)
            yield part
            number += 1

    def _count(self, copy_id: str, size: int) -> None:
        """Note how large a copy has grown; all that are being made share one budget."""
        with self._lock:
            self._making[copy_id] = size
            if sum(self._making.values()) > self._budget:
                raise _no_room()

    def _make_room(self, keep: str) -> None:
        """Take away the least recently used copies until the rest fits."""
        found = []
        for folder in self._root.glob("[0-9a-f]*"):
            copy = self.get(folder.name)
            with contextlib.suppress(FileNotFoundError):
                found.append((folder.stat().st_mtime, folder, 0 if copy is None else copy.bytes))
        over = sum(size for _, _, size in found) - self._budget
        for _, folder, size in sorted(found, key=lambda one: one[0]):
            if over <= 0:
                return
            if folder.name != keep:
                self._drop(folder)
                over -= size

    def _drop(self, folder: Path) -> None:
        """Take a copy away whole: renamed first, so that nobody finds half of it."""
        aside = self._root / f"{_MAKING}{new_id('gone')}"
        with contextlib.suppress(FileNotFoundError):
            folder.replace(aside)
            shutil.rmtree(aside, ignore_errors=True)

    def _folder(self, copy_id: str) -> Path:
        return self._root / copy_id


def _name(number: int) -> str:
    return f"part-{number:05}.parquet"


def _write_group(writer: Any, held: Sequence[pa.RecordBatch]) -> None:
    import pyarrow as pa

    writer.write_table(pa.Table.from_batches(held), row_group_size=GROUP_ROWS)


def _plain(batch: pa.RecordBatch, zone: ZoneInfo) -> pa.RecordBatch:
    """Return rows in types that every client reads: no dictionaries, moments in UTC; nothing else goes into the file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = []
    for values in batch.columns:
        kind = values.type
        if pa.types.is_dictionary(kind):
            columns.append(values.dictionary_decode())
        elif pa.types.is_timestamp(kind):
            moments = (
                values if kind.tz else pc.assume_timezone(values, str(zone), ambiguous="earliest", nonexistent="latest")
            )
            columns.append(moments.cast(pa.timestamp("us", "UTC"), safe=False))
        elif pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            columns.append(values.cast(pa.string()))
        else:
            columns.append(values)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _part(seen: Any, size: int) -> CopyPart:
    """Read bounds and counts from the footer of a file that was just written."""
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for column in range(seen.num_columns):
        name = seen.schema.column(column).path
        found = [seen.row_group(group).column(column).statistics for group in range(seen.num_row_groups)]
        if any(one is None for one in found):
            continue
        nulls[name] = sum(one.null_count or 0 for one in found)
        bounded = [one for one in found if one.has_min_max]
        if len(bounded) == len(found) and bounded:
            least, most = min(one.min for one in bounded), max(one.max for one in bounded)
            if _bound(least) is not None and _bound(most) is not None:
                low[name], high[name] = _bound(least), _bound(most)
    return CopyPart(rows=seen.num_rows, bytes=size, low=low, high=high, nulls=nulls)


def _bound(value: Any) -> Any:
    """Return a bound as a JSON value of the protocol, None for what has none."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value if len(value) <= _BOUND_TEXT else None
    return value.isoformat() if type(value).__name__ == "date" else None


def _flush(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _busy() -> Unavailable:
    return Unavailable(
        f"正在生成共享副本，请 {_COME_BACK_SECONDS} 秒后再试。",
        f"Copies to be shared are being made; ask again in {_COME_BACK_SECONDS} seconds.",
        code="share_busy",
        detail={"retry_after": _COME_BACK_SECONDS},
    )


def _no_room() -> Unavailable:
    return Unavailable(
        "共享副本的存储空间不足，请稍后再试，或请管理员调大 share_cache_mb。",
        "There is no room for the copy that is shared. Try again later, or ask the operator to raise share_cache_mb.",
        code="share_no_room",
    )
