"""The root keys of one installation: one file beside the home folder, readable by its owner only, never a default."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from beijiang.kit import Invalid, Unavailable, new_id

__all__ = ["KEY_BYTES", "RootKeys"]

KEY_BYTES: Final = 32
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class RootKeys:
    """All versions of the root key; the newest seals, the older ones still open until everything was sealed anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def newest(self) -> int:
        """Return the number of the key that seals; the file is made at the first call."""
        if not self._read():
            self._write({1: secrets.token_bytes(KEY_BYTES)}, first=True)
        return max(self._read())

    def key(self, version: int) -> bytes:
        """Return one key.

        Raises:
            Unavailable: the key file is not there or does not hold this version (``root_key_missing``).

        """
        found = self._read().get(version)
        if found is None:
            raise Unavailable(
                f"找不到第 {version} 版根密钥，已加密保存的口令无法解开。请从密钥备份恢复密钥文件（设置项 key_file），或重新填写各数据源的口令。",
                f"Version {version} of the root key is missing, so sealed secrets cannot be opened. Restore the key file (setting key_file) from its backup, or enter the secrets anew.",
                code="root_key_missing",
                detail={"version": version},
            )
        return found

    def add(self) -> int:
        """Make a new version that seals from now on, and return its number."""
        version = self.newest() + 1
        self._write({**self._read(), version: secrets.token_bytes(KEY_BYTES)})
        return version

    def _read(self) -> dict[int, bytes]:
        try:
            mode = self._path.stat().st_mode
            text = self._path.read_text(encoding="ascii")
        except FileNotFoundError:
            return {}
        if mode & _OTHERS:
            raise Invalid(
                f"密钥文件的权限过宽（{stat.filemode(mode)}），可能已被他人读取。请执行 chmod 600 并考虑更换密钥。",
                f"The key file may be read by others ({stat.filemode(mode)}). Run chmod 600 on it and consider new keys.",
                code="root_key_exposed",
            )
        return {int(number): base64.b64decode(key) for number, key in json.loads(text).items()}

    def _write(self, keys: dict[int, bytes], *, first: bool = False) -> None:
        """Replace the file as a whole: a process that dies here leaves the old one. The ``first`` writer wins."""
        text = json.dumps({str(number): base64.b64encode(key).decode("ascii") for number, key in keys.items()})
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._path.with_name(f"{self._path.name}.{new_id('tmp')}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if first:
            with contextlib.suppress(FileExistsError):
                os.link(temporary, self._path)
            temporary.unlink()
        else:
            temporary.replace(self._path)
