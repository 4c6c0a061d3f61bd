"""Packages under a password in the national algorithms (国密): SM4-GCM, its key by PBKDF2 over HMAC-SM3.

A package is a head line in JSON and then pieces of at most a mebibyte, each sealed by itself (GB/T 32907, RFC 8998): the nonce is the
piece's number, the last one is marked, and the head is bound to each, so that nothing can be cut off, moved or exchanged. What is sealed
is a plain zip. The key comes from a salt of its own, so that a nonce is used once.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

__all__ = ["is_sm4", "open_sm4", "seal_sm4"]

_FORMAT: Final = "beijiang-package-sm4/1"
_ROUNDS: Final = 200_000
_MOST_ROUNDS: Final = 10_000_000
_PIECE: Final = 1 << 20
_TAG: Final = 16
_HEAD_LONGEST: Final = 1000


def is_sm4(path: Path) -> bool:
    """Tell whether a file begins as such a package."""
    with path.open("rb") as file:
        return file.read(len(_FORMAT) + 20).startswith(f'{{"format":"{_FORMAT}"'.encode())


def seal_sm4(target: Path, parts: Mapping[str, Path | bytes], password: str) -> None:
    """Write the parts as a package to ``target``, which did not exist."""
    with target.open("xb") as file, _Sealing(file, password) as sealing:
        with zipfile.ZipFile(cast("IO[bytes]", sealing), "w", zipfile.ZIP_DEFLATED) as package:
            for name, part in parts.items():
                if isinstance(part, bytes):
                    package.writestr(name, part)
                else:
                    package.write(part, name)
        sealing.finish()


@contextmanager
def open_sm4(path: Path, password: str) -> Iterator[Path]:
    """Give the zip that is inside for a moment; every byte of it was authenticated.

    Raises:
        ValueError: no such package, a wrong password, or something was changed or cut off.

    """
    with tempfile.TemporaryDirectory(prefix="beijiang-") as folder:
        plain = Path(folder) / "plain.zip"
        with path.open("rb") as file, plain.open("xb") as out:
            for piece in _opened(file, password):
                out.write(piece)
        yield plain


class _Sealing(io.RawIOBase):
    """A file that cannot be sought in: what is written goes out sealed, piece by piece."""

    def __init__(self, file: IO[bytes], password: str) -> None:
        super().__init__()
        salt = os.urandom(16)
        self._file = file
        self._head = _head(salt)
        self._key = _key(password, salt, _ROUNDS)
        self._waiting = bytearray()
        self._at = 0
        file.write(self._head)

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._waiting += content
        while len(self._waiting) > _PIECE:
            self._out(bytes(self._waiting[:_PIECE]), last=False)
            del self._waiting[:_PIECE]
        return len(content)

    def finish(self) -> None:
        """Seal what is left as the last piece."""
        self._out(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _out(self, piece: bytes, *, last: bool) -> None:
        sealing = Cipher(algorithms.SM4(self._key), modes.GCM(_nonce(self._at, last=last))).encryptor()
        sealing.authenticate_additional_data(self._head)
        self._file.write(sealing.update(piece) + sealing.finalize() + sealing.tag)
        self._at += 1


def _opened(file: IO[bytes], password: str) -> Iterator[bytes]:
    head = file.readline(_HEAD_LONGEST)
    told = json.loads(head)
    if not isinstance(told, dict) or told.get("format") != _FORMAT:
        msg = "no such package"
        raise ValueError(msg)
    salt, rounds = bytes.fromhex(str(told["salt"])), int(str(told["rounds"]))
    if not 0 < rounds <= _MOST_ROUNDS:
        msg = "no such package"
        raise ValueError(msg)
    key, at = _key(password, salt, rounds), 0
    piece = file.read(_PIECE + _TAG)
    while True:
        after = file.read(_PIECE + _TAG)
        nonce = _nonce(at, last=not after)
        opening = Cipher(algorithms.SM4(key), modes.GCM(nonce, piece[-_TAG:])).decryptor()
        opening.authenticate_additional_data(head)
        try:
            yield opening.update(piece[:-_TAG]) + opening.finalize()
        except InvalidTag:
            msg = "changed, cut off, or under another password"
            raise ValueError(msg) from None
        if not after:
            return
        piece, at = after, at + 1


def _head(salt: bytes) -> bytes:
    facts = {"format": _FORMAT, "cipher": "SM4-GCM", "kdf": "PBKDF2-HMAC-SM3", "rounds": _ROUNDS, "salt": salt.hex()}
    return json.dumps(facts, separators=(",", ":")).encode() + b"\n"


def _key(password: str, salt: bytes, rounds: int) -> bytes:
    return PBKDF2HMAC(hashes.SM3(), 16, salt, rounds).derive(password.encode())


def _nonce(at: int, *, last: bool) -> bytes:
    return at.to_bytes(11, "big") + bytes([last])
