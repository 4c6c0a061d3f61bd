"""A bundle as it travels: a zip, taken apart with suspicion, or the files of a folder; names, sizes and text only."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Final

from beijiang.apps.errors import bad_package

__all__ = ["FILES_MOST", "FILE_BYTES", "ZIP_BYTES", "digest_of", "pack", "take", "unpack"]

ZIP_BYTES: Final = 1 << 20
FILE_BYTES: Final = 64 << 10
WHOLE_BYTES: Final = 2 << 20
FILES_MOST: Final = 200
_NAME: Final = re.compile(
    r"app\.toml|README\.md|pages/[a-z0-9][a-z0-9_-]{0,59}\.md|queries/[a-z0-9][a-z0-9_-]{0,59}\.sql"
    r"|server/(?:[a-z][a-z0-9_]{0,39}/){0,3}[a-z_][a-z0-9_]{0,59}\.py"
    r"|(?:api|jobs|tests)/[a-z0-9][a-z0-9_-]{0,59}\.toml|i18n/en\.toml"
)


def unpack(content: bytes) -> dict[str, str]:
    """Return the files of a zip by their names; nothing is written to a disk.

    Raises:
        Invalid: it is no zip, too large packed or unpacked, encrypted, or holds a name that a bundle has not
            (``app_package``).

    """
    if len(content) > ZIP_BYTES:
        raise bad_package(f"超过 {ZIP_BYTES >> 10} KB", f"it is over {ZIP_BYTES >> 10} KB")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = [one for one in packed.infolist() if not one.is_dir()]
            if len(members) > FILES_MOST:
                raise bad_package(f"超过 {FILES_MOST} 个文件", f"it holds over {FILES_MOST} files")
            return take((one.filename, _read(packed, one)) for one in members)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError, OSError):
        raise bad_package("不是能读的 zip 文件", "it is no zip that can be read") from None


def _read(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member, and one more than is allowed at most, whatever it declares."""
    if member.flag_bits & 1 or stat.S_ISLNK(member.external_attr >> 16):
        raise bad_package("含加密文件或符号链接", "it holds an encrypted file or a link")
    with packed.open(member) as file:
        return file.read(FILE_BYTES + 1)


def take(members: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Return files as text, by names as they may stand in a bundle; one folder around everything is taken off.

    Raises:
        Invalid: a name, a size or an encoding that a bundle has not (``app_package``).

    """
    found: dict[str, bytes] = {}
    whole = 0
    for name, content in members:
        whole += len(content)
        if len(content) > FILE_BYTES or whole > WHOLE_BYTES:
            raise bad_package(
                f"单个文件超过 {FILE_BYTES >> 10} KB，或总量超过 {WHOLE_BYTES >> 20} MB",
                f"a file is over {FILE_BYTES >> 10} KB, or all are over {WHOLE_BYTES >> 20} MB",
            )
        if name in found:
            raise bad_package("同一个文件名出现两次", "a name is there twice")
        found[name] = content
        if len(found) > FILES_MOST:
            raise bad_package(f"超过 {FILES_MOST} 个文件", f"it holds over {FILES_MOST} files")
    return {name: _text(content) for name, content in sorted(_bare(found).items())}


def _bare(found: Mapping[str, bytes]) -> Mapping[str, bytes]:
    outer = {name.partition("/")[0] for name in found}
    if "app.toml" not in found and len(outer) == 1 and f"{next(iter(outer))}/app.toml" in found:
        found = {name.partition("/")[2]: content for name, content in found.items()}
    if "app.toml" not in found:
        raise bad_package("缺少 app.toml", "it has no app.toml")
    strange = [name for name in found if not _NAME.fullmatch(name)]
    if strange:
        raise bad_package(
            "含应用包不接受的文件名（只接受 app.toml、README.md、pages/*.md、queries/*.sql、api/*.toml、jobs/*.toml、tests/*.toml、server/*.py、i18n/en.toml，"
            "文件名用小写字母、数字、-、_）",
            "it holds a name that a bundle does not take (only app.toml, README.md, pages/*.md, queries/*.sql, api/*.toml, "
            "jobs/*.toml, tests/*.toml, server/*.py and i18n/en.toml, in lower-case letters, digits, - and _)",
        )
    return found


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise bad_package("文件不是 UTF-8 文本", "a file is no UTF-8 text") from None
    if "\x00" in text:
        raise bad_package("文件不是文本", "a file is no text")
    return text


def pack(files: Mapping[str, str]) -> bytes:
    """Return files as a zip whose bytes depend on them alone."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in sorted(files.items()):
            packed.writestr(zipfile.ZipInfo(name), text.encode())
    return made.getvalue()


def digest_of(files: Mapping[str, str]) -> str:
    """Return the SHA-256 of all names and contents, which names a version once and for all."""
    whole = hashlib.sha256()
    for name, text in sorted(files.items()):
        content = text.encode()
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()
