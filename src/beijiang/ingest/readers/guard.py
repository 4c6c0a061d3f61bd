"""What is checked on the directory of a ZIP, and of the workbooks that are ZIPs inside, before anything is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

from beijiang.ingest.readers.contract import ReadLimits
from beijiang.kit import Invalid, TooLarge

__all__ = ["broken", "check_archive", "check_workbook", "open_zip"]

_ENCRYPTED = 0x1
_PEEK = 4096


def open_zip(path: Path, name: str) -> zipfile.ZipFile:
    """Open an archive, or say that it is broken."""
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise broken(name, "ZIP") from error


def broken(name: str, kind: str) -> Invalid:
    """Say that a file is not what it claims to be, or was cut off on the way."""
    return Invalid(
        f"文件“{name}”不是完好的 {kind} 文件，可能传输中断或已损坏。请重新导出后提交。",
        f'File "{name}" is not a sound {kind} file; it may be cut off or damaged. Export it and hand it in again.',
        code="broken_file",
        detail={"file": name, "format": kind},
    )


def check_archive(archive: zipfile.ZipFile, packed: int, name: str, limits: ReadLimits) -> list[zipfile.ZipInfo]:
    """Return the members that are files, after checking count, encryption and claimed sizes against ``limits``.

    ``packed`` is the size of the archive itself: members that share bytes (overlapping bombs) cannot together claim
    more than the ratio allows either. A member never yields more than it claims, as zipfile stops there.
    """
    members = [m for m in archive.infolist() if not m.is_dir()]
    if len(members) > limits.max_members:
        raise TooLarge(
            f"压缩包“{name}”有 {len(members):,} 个文件，超过上限 {limits.max_members:,}。请分批提交。",
            f'Archive "{name}" has {len(members):,} members; the limit is {limits.max_members:,}. Hand them in in parts.',
            code="too_many_members",
            detail={"members": len(members), "limit": limits.max_members},
        )
    if any(m.flag_bits & _ENCRYPTED for m in members):
        raise Invalid(
            f"文件“{name}”设有密码。请去掉密码后提交。",
            f'File "{name}" is protected by a password. Remove it and hand the file in again.',
            code="encrypted_file",
            detail={"file": name},
        )
    claims = [(m.file_size, m.compress_size) for m in members]
    total = sum(size for size, _ in claims)
    for size, squeezed in [*claims, (total, packed)]:
        if size > limits.max_expanded_bytes or (
            size > limits.ratio_floor_bytes and size > limits.max_ratio * max(1, squeezed)
        ):
            raise TooLarge(
                f"压缩包“{name}”解开后有 {size:,} 字节（压缩比 {size // max(1, squeezed)} 倍），超过安全上限，已拒绝解压。",
                f'Archive "{name}" would unpack to {size:,} bytes (ratio {size // max(1, squeezed)}), over the safe limit; '
                "it was not unpacked.",
                code="archive_bomb",
                detail={"bytes": size, "limit": limits.max_expanded_bytes, "max_ratio": limits.max_ratio},
            )
    return members


def check_workbook(path: Path, name: str, limits: ReadLimits) -> None:
    """Check an xlsx or ods before its parser opens it: sizes, and no document type or entity in any part."""
    with open_zip(path, name) as archive:
        members = check_archive(archive, path.stat().st_size, name, limits)
        total = sum(m.file_size for m in members)
        if total > limits.max_sheet_bytes:
            raise TooLarge(
                f"工作簿“{name}”解开后有 {total:,} 字节，超过上限 {limits.max_sheet_bytes:,}。请改交 CSV。",
                f'Workbook "{name}" unpacks to {total:,} bytes; the limit is {limits.max_sheet_bytes:,}. Use CSV instead.',
                code="workbook_too_large",
                detail={"bytes": total, "limit": limits.max_sheet_bytes},
            )
        for member in members:
            if member.filename.endswith((".xml", ".rels")):
                _refuse_entities(archive, member, name)


def _refuse_entities(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> None:
    try:
        with archive.open(member) as part:
            head = part.read(_PEEK)
    except (zipfile.BadZipFile, OSError, NotImplementedError, EOFError) as error:
        raise broken(name, "Excel") from error
    plain = head.replace(b"\x00", b"")
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise Invalid(
            f"工作簿“{name}”含有外部实体声明，存在安全风险，已拒绝。请用 Excel 或 WPS 另存后提交。",
            f'Workbook "{name}" declares XML entities, which is unsafe. Save it anew with a spreadsheet program.',
            code="unsafe_workbook",
            detail={"file": name},
        )
