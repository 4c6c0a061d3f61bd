"""Packages under a password: zip with AES-256 (WinZip AE-2), which 7-Zip opens too; every part is authenticated.

A password is drawn here and kept nowhere. Its 125 bits make up for the few rounds by which the format stretches passwords.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

from beijiang.crypto.sm4_packages import is_sm4, open_sm4
from beijiang.kit import Invalid

__all__ = ["LONGEST", "draw_password", "open_package", "seal_package", "sm3_of"]

_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without what is mistaken for something else when read aloud."""
_GROUPS, _GROUP = 5, 5
LONGEST: Final = 64 << 30
"""Bytes that an opened package may hold; more is refused before anything is written."""
_MOST_PARTS: Final = 100
_CHUNK: Final = 1 << 20


def draw_password() -> str:
    """Return a new password: five groups of five letters and digits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def sm3_of(part: Path | bytes) -> str:
    """Return the SM3 digest (GB/T 32905) of a file or of bytes, as hex."""
    digest = hashlib.new("sm3")
    if isinstance(part, bytes):
        digest.update(part)
        return digest.hexdigest()
    with part.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def seal_package(target: Path, parts: Mapping[str, Path | bytes], password: str) -> None:
    """Write the parts as an encrypted package to ``target``, which did not exist."""
    import pyzipper

    words = {"compression": zipfile.ZIP_DEFLATED, "encryption": pyzipper.WZ_AES}
    with target.open("xb") as file, pyzipper.AESZipFile(file, "w", **words) as package:
        package.setpassword(password.encode())
        package.setencryption(pyzipper.WZ_AES, nbits=256)
        for name, part in parts.items():
            if isinstance(part, bytes):
                package.writestr(name, part)
            else:
                package.write(part, name)


def open_package(path: Path, password: str, into: Path) -> Sequence[Path]:
    """Write what a package holds into a new or empty folder; return the files. Nothing is left of one that does not open.

    Raises:
        Invalid: no package, a wrong password, a changed part, or parts that no package of ours has.

    """
    import struct
    import zlib

    import pyzipper

    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise Invalid(
            f"文件夹 {into} 不是空的。请换一个空文件夹。",
            f"The folder {into} is not empty. Name an empty one.",
            code="package_folder",
        )
    made: list[Path] = []
    try:
        with _zip_of(path, password) as inside, pyzipper.AESZipFile(inside) as package:
            names = _names(package.infolist())
            package.setpassword(password.encode())
            for name in names:
                made.append(into / name)
                with package.open(name) as part, made[-1].open("xb") as file:
                    shutil.copyfileobj(part, file, _CHUNK)
    except Exception as error:
        # Whatever a torn or forged archive makes of its reader: nothing that was not authenticated stays.
        for file_ in made:
            file_.unlink(missing_ok=True)
        known = (RuntimeError, zipfile.BadZipFile, pyzipper.BadZipFile, zlib.error, struct.error)
        if isinstance(
            error, (*known, OSError, ValueError, EOFError, NotImplementedError, LookupError, AttributeError, TypeError)
        ):
            raise _no_package() from None
        raise
    return made


def _zip_of(path: Path, password: str) -> AbstractContextManager[Path]:
    return open_sm4(path, password) if is_sm4(path) else nullcontext(path)


def _names(inside: Sequence[Any]) -> list[str]:
    """Return the names of the parts, if every one is a plain name of its own and they are not too much."""
    names = [one.filename for one in inside]
    plain = all(name == Path(name).name and name not in {"", ".", ".."} and "\\" not in name for name in names)
    alone = len(set(names)) == len(names) <= _MOST_PARTS
    if not plain or not alone or sum(one.file_size for one in inside) > LONGEST:
        raise _no_package()
    return names


def _no_package() -> Invalid:
    return Invalid(
        "打不开：口令不对，或者文件不是加密包、已被改动。请核对口令，仍打不开请重新取得文件。",
        "It does not open: the password is wrong, or the file is no package or was changed. Check the password, or get the file again.",
        code="package_unopened",
    )
