"""Rows as MySQL's protocol packs them: every width of length, NULL, rows of several packets, and answers that break off."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

import pyarrow as pa
import pytest
from pymysql.err import MySQLError

from beijiang.ingest.connectors.mysql_rows import rows_of

FULL = 0xFF_FFFF
END = b"\xfe\x00\x00\x02\x00"


class _Dripping(io.RawIOBase):
    """Gives some bytes at a time, as a network does."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data, self._most, self._dice = io.BytesIO(data), most, random.Random(1)  # noqa: S311 - sizes, no secret

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        came = self._data.read(min(len(into), self._dice.randint(1, self._most)))
        into[: len(came)] = came
        return len(came)


def cell(text: str | None) -> bytes:
    if text is None:
        return b"\xfb"
    body = text.encode()
    size = len(body)
    if size < 251:
        return bytes([size]) + body
    sign, width = (252, 2) if size < 1 << 16 else (253, 3) if size < 1 << 24 else (254, 8)
    return bytes([sign]) + size.to_bytes(width, "little") + body


def packets(*bodies: bytes) -> bytes:
    made = bytearray()
    for body in bodies:
        rest = body
        while True:
            part, rest = rest[:FULL], rest[FULL:]
            made += len(part).to_bytes(3, "little") + b"\x07" + part
            if len(part) < FULL:
                break
    return bytes(made)


def read(data: bytes, columns: int, most: int = 1 << 16) -> list[tuple[str | None, ...]]:
    found: list[tuple[str | None, ...]] = []
    for arrays in rows_of(io.BufferedReader(_Dripping(data, most)), columns):
        assert all(array.type == pa.string() for array in arrays)
        found += zip(*(array.to_pylist() for array in arrays), strict=True)
    return found


def row(*texts: str | None) -> bytes:
    return b"".join(map(cell, texts))


@pytest.mark.parametrize("most", [1, 3, 1000, 1 << 20])
def test_cells_of_every_width_come_as_they_are(most: int) -> None:
    dice = random.Random(most)  # noqa: S311 - sizes, no secret
    sizes = [0, 1, 250, 251, 252, 253, 254, 255, 256] if most == 1 else [0, 1, 250, 251, 255, 65_535, 65_536, 70_000]
    rows: list[Sequence[str | None]] = [
        (None, "草" * dice.choice(sizes), "", dice.choice([None, "x"])) for _ in range(2 * len(sizes))
    ]
    assert read(packets(*(row(*r) for r in rows), END), 4, most) == [tuple(r) for r in rows]


def test_a_row_may_take_several_packets() -> None:
    long = "长" * 6_000_000
    exact = "e" * (
        FULL - 9 - 2
    )  # with its nine bytes of length, and the cell beside it, just one packet: an empty one follows
    rows = [("1", "a"), ("2", long), ("3", None), ("4", exact), ("5", "z")]
    assert read(packets(*(row(*r) for r in rows), END), 2, 1 << 22) == rows


def test_many_narrow_rows_come_in_pieces() -> None:
    rows = [(str(n), None if n % 3 else "") for n in range(200_000)]
    assert read(packets(*(row(*r) for r in rows), END), 2) == rows


def test_an_answer_without_rows_has_none() -> None:
    assert read(packets(END), 3) == []


@pytest.mark.parametrize("most", [1, 1 << 20])
def test_an_answer_that_breaks_off_is_no_answer(most: int) -> None:
    whole = packets(row("1", "a"), row("2", "b"), END)
    for size in range(len(whole)):
        with pytest.raises(MySQLError):
            read(whole[:size], 2, most)


def test_what_the_server_says_in_mid_answer_is_raised() -> None:
    told = b"\xff" + (1317).to_bytes(2, "little") + b"#70100" + b"Query execution was interrupted"
    with pytest.raises(MySQLError, match="interrupted"):
        read(packets(row("1"), told), 1)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(pa.ArrowInvalid):
        read(packets(b"\x02\xff\xfe", END), 1)
