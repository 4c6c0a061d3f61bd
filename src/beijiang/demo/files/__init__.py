"""What the departments of the demo region hand in: seeded, synthetic, and as untidy as the real thing (ADR 2)."""

from beijiang.demo.files.handin import OPEN_LICENCE, HandIn, LoadMode, OpenType, ShareType
from beijiang.demo.files.region import write_later, write_region

__all__ = ["OPEN_LICENCE", "HandIn", "LoadMode", "OpenType", "ShareType", "write_later", "write_region"]
