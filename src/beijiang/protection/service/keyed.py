"""Masks under a key: results are made once for each file of a version, and read by the gate like any other column.

Beside each data file of a table with such masks lies a treated copy that has the results as further columns; data files never
change, so a new version costs its new files only. No key and no raw value stands in a query, a log or an error.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import new_id
from beijiang.protection.models.choices import MaskChoice, MaskFunction, number_of
from beijiang.protection.models.citizen import encrypted_numbers
from beijiang.protection.models.masks import STARS
from beijiang.protection.store.choices import ChoiceStore

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.crypto import Vault
    from beijiang.db import Database
    from beijiang.kit import Clock
    from beijiang.tables import Lake, Snapshot

__all__ = ["Keyed", "column_of"]

FOLDER: Final = "_treated"
"""Inside a table's folder, whose readers leave names with an underscore alone; below it one folder, named by the choices."""
ROWS: Final = 61_440
_PURPOSE: Final = "mask"
_STEPS: Final = 1 << 53


def column_of(choice: MaskChoice) -> str:
    """Return the name of the column that holds the results of a choice."""
    return f"_bj_mask_{choice.id}"


@dataclass(frozen=True, slots=True)
class Keyed:
    """Makes and finds treated files."""

    lake: Lake
    db: Database
    vault: Vault
    clock: Clock

    def prepare(self, snapshots: Sequence[Snapshot], org_id: str, choices: Sequence[MaskChoice]) -> None:
        """Make what is missing for these versions of one table, and drop what they do not need.

        Raises:
            Unavailable: the root key is gone (``root_key_missing``).

        """
        root = self.lake.folder(snapshots[0].table_id) / FOLDER
        if not choices:
            shutil.rmtree(root, ignore_errors=True)
            return
        place = root / ".".join(sorted(_short(one) for one in choices))
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted = {Path(name).name: (name, shot) for shot in snapshots for name in shot.files}
        makers: dict[str, Callable[[pa.Table], pa.ChunkedArray]] | None = None
        for file, (source, shot) in wanted.items():
            if not (place / file).exists():
                makers = makers or {column_of(one): self._maker(one, org_id) for one in choices}
                _treat(Path(source), place / file, shot.schema, makers)
        for other in root.iterdir():
            if other != place:
                shutil.rmtree(other, ignore_errors=True)
        for known in place.iterdir():
            if known.name not in wanted:
                known.unlink(missing_ok=True)

    def treated(self, snapshot: Snapshot, choices: Sequence[MaskChoice]) -> Snapshot | None:
        """Return a version with the results of these choices as further columns; None where they are not made yet."""
        import pyarrow as pa

        root = self.lake.folder(snapshot.table_id) / FOLDER
        wanted = {_short(one) for one in choices}
        for place in root.iterdir() if root.is_dir() else ():
            files = tuple(str(place / Path(name).name) for name in snapshot.files)
            if wanted <= set(place.name.split(".")) and all(Path(name).exists() for name in files):
                fields = [
                    pa.field(column_of(one), _type(one, snapshot.schema.field(one.column).type)) for one in choices
                ]
                return replace(snapshot, files=files, schema=pa.schema([*snapshot.schema, *fields]))
        return None

    def _maker(self, choice: MaskChoice, org_id: str) -> Callable[[pa.Table], pa.ChunkedArray]:
        from beijiang.crypto import Ff1, Pseudonyms

        named = str(choice.parameters.get("key", ""))
        secret = self._secret(org_id, named or f"{choice.table}/{choice.column}")
        own = Pseudonyms(secret)
        by = str(choice.parameters.get("by", ""))
        if choice.function is MaskFunction.PSEUDONYM:
            return lambda rows: _by_value(rows.column(choice.column), own.tokens)
        if choice.function is MaskFunction.ENCRYPT:
            ff1 = Ff1(secret[:16], (named or f"{choice.table}/{choice.column}").encode())
            return lambda rows: _by_value(
                rows.column(choice.column), lambda values: [v or STARS for v in encrypted_numbers(values, ff1)]
            )
        if choice.function is MaskFunction.SHIFT_DATES:
            days = int(number_of(choice.parameters, "days"))
            return lambda rows: _shifted(rows.column(choice.column), _drawn(rows.column(by), own), days)
        scale = number_of(choice.parameters, "scale")
        return lambda rows: _noisy(rows.column(choice.column), _drawn(rows.column(by), own), scale)

    def _secret(self, org_id: str, name: str) -> bytes:
        """Return the key of that name of an organisation, made at first use: sealed at rest, never told to anybody."""
        context = f"{org_id}/{name}"
        with self.db.read() as connection:
            sealed = ChoiceStore(connection).key(org_id, name)
        if sealed is None:
            with self.db.begin() as tx:
                store = ChoiceStore(tx.connection)
                sealed = store.key(org_id, name)
                if sealed is None:
                    sealed = self.vault.seal(secrets.token_hex(32), purpose=_PURPOSE, context=context)
                    store.add_key(org_id, name, sealed, self.clock.now())
        return bytes.fromhex(self.vault.open(sealed, purpose=_PURPOSE, context=context))


def _short(choice: MaskChoice) -> str:
    return hashlib.sha256(choice.id.encode()).hexdigest()[:8]


def _type(choice: MaskChoice, raw: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if choice.function in {MaskFunction.PSEUDONYM, MaskFunction.ENCRYPT}:
        return pa.string()
    if choice.function is MaskFunction.SHIFT_DATES:
        return pa.date32()
    return pa.int64() if pa.types.is_integer(raw) else pa.float64()


def _treat(
    source: Path, target: Path, schema: pa.Schema, makers: Mapping[str, Callable[[pa.Table], pa.ChunkedArray]]
) -> None:
    """Write one treated file, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = target.with_name(f".{new_id('tmp')}")
    try:
        with pq.ParquetFile(source) as file:
            writer: pq.ParquetWriter | None = None
            for batch in file.iter_batches(ROWS):
                rows = _with_all(pa.Table.from_batches([batch]), schema)
                treated = rows
                for name, make in makers.items():
                    treated = treated.append_column(name, make(rows))
                writer = writer or pq.ParquetWriter(made, treated.schema, compression="zstd")
                writer.write_table(treated)
            if writer is None:
                empty = _with_all(file.schema_arrow.empty_table(), schema)
                for name, make in makers.items():
                    empty = empty.append_column(name, make(empty))
                writer = pq.ParquetWriter(made, empty.schema)
            writer.close()
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)


def _with_all(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Add the columns that an older file lacks."""
    import pyarrow as pa

    for field in schema:
        if field.name not in rows.column_names:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    return rows


def _by_value(column: pa.ChunkedArray, make: Callable[[list[str]], list[str]]) -> pa.ChunkedArray:
    """Make the results of the distinct values only; an empty cell stays empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.cast(pa.string()).combine_chunks()
    found = pc.dictionary_encode(texts if isinstance(texts, pa.Array) else texts.chunk(0))
    values = [value.strip() for value in found.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(make(values), pa.string()).take(found.indices)])


def _drawn(keys: pa.ChunkedArray, own: Any) -> list[int | None]:
    """Draw a number for the key of each row, none for a row without."""
    texts = [None if key is None else str(key) for key in keys.to_pylist()]
    distinct = list(dict.fromkeys(text for text in texts if text is not None))
    numbers = dict(zip(distinct, own.numbers(distinct), strict=True))
    return [None if text is None else numbers[text] for text in texts]


def _shifted(column: pa.ChunkedArray, drawn: Sequence[int | None], days: int) -> pa.ChunkedArray:
    """Shift dates by 1 to ``days`` days to either side; a row without a key has no date."""
    import pyarrow as pa

    by = [None if n is None else (n // 2 % days + 1) * (1 if n % 2 else -1) for n in drawn]
    numbers = column.cast(pa.int32()).to_pylist()
    made = [None if d is None or s is None else d + s for d, s in zip(numbers, by, strict=True)]
    return pa.chunked_array([pa.array(made, pa.int32()).cast(pa.date32())])


def _noisy(column: pa.ChunkedArray, drawn: Sequence[int | None], scale: float) -> pa.ChunkedArray:
    """Add Laplace noise of that scale, the same for the same row at every version, so that it cannot be averaged away."""
    import pyarrow as pa

    whole = pa.types.is_integer(column.type)
    made: list[float | None] = []
    for value, number in zip(column.cast(pa.float64()).to_pylist(), drawn, strict=True):
        if value is None or number is None:
            made.append(None)
            continue
        share = (number % _STEPS + 0.5) / _STEPS - 0.5
        noise = -scale * math.copysign(math.log1p(-2 * abs(share)), share)
        made.append(round(value + noise) if whole else value + noise)
    return pa.chunked_array([pa.array(made, pa.int64() if whole else pa.float64())])
