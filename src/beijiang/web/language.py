"""Which language a request wants: its own words, then its cookie, then the browser's list, then the site's setting."""

from __future__ import annotations

from collections.abc import Mapping

from beijiang.kit import Language

COOKIE = "bj_lang"


def choose(query: Mapping[str, str], cookies: Mapping[str, str], accepted: str, default: Language) -> Language:
    """Return the language of one request."""
    for asked in (query.get("lang"), cookies.get(COOKIE)):
        if asked in set(Language):
            return Language(asked)
    for part in accepted.split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("zh"):
            return Language.ZH
        if tag.startswith("en"):
            return Language.EN
    return default
