"""Regular expressions that people write: only what every engine reads, in time that grows with the text."""

from __future__ import annotations

from beijiang.kit import Invalid

__all__ = ["checked_pattern"]


def checked_pattern(pattern: str) -> str:
    """Return a pattern that the engine can read; its kind needs time in proportion to the text, whatever is asked.

    Raises:
        Invalid: it cannot be read.

    """
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern=pattern)
    except pa.ArrowException:
        raise Invalid(
            "正则表达式无法识别（不支持环视与反向引用）。",
            "The pattern cannot be read (look-around and back-references are not supported).",
            code="rule_parameter",
        ) from None
    return pattern
