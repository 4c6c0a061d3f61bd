"""Write ZIP files as Chinese Windows tools did for decades: member names in bare GBK, without the UTF-8 mark.

The standard library writes UTF-8 names only, and readers must cope with the old ones.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

__all__ = ["gbk_zip"]

_TIME, _DATE = 8 << 11, (2026 - 1980) << 9 | 11 << 5 | 2  # 2026-11-02 08:00
_DEFLATED, _VERSION = 8, 20


def gbk_zip(members: Mapping[str, bytes]) -> bytes:
    """Return an archive of ``members`` (name to content), deflated, with a fixed time."""
    body, directory = b"", b""
    for name, content in members.items():
        packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(content) + packer.flush()
        raw_name = name.encode("gbk")
        common = struct.pack(
            "<HHHHHIIIHH",
            _VERSION, 0, _DEFLATED, _TIME, _DATE, zlib.crc32(content), len(packed), len(content), len(raw_name), 0,
        )  # fmt: skip
        directory += (
            struct.pack("<IH", 0x02014B50, _VERSION) + common + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + raw_name
        )
        body += struct.pack("<I", 0x04034B50) + common + raw_name + packed
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(members), len(members), len(directory), len(body), 0)
    return body + directory + end
