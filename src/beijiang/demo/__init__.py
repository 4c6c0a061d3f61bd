"""The demo region: writes the files that departments would hand in. It owns no tables and has no privileges (ADR 2)."""

from beijiang.demo.files import HandIn, write_later, write_region

__all__ = ["HandIn", "write_later", "write_region"]
