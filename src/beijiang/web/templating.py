"""Pages: Jinja with autoescape, strict about missing names, bilingual, with the formats of numbers and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from jinja2 import (
    ChoiceLoader,
    Environment,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    pass_context,
    select_autoescape,
)
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from beijiang import __version__
from beijiang.kit import Language, Text
from beijiang.web.assets import asset
from beijiang.web.help import help_for
from beijiang.web.security import CSRF_FIELD

if TYPE_CHECKING:
    from beijiang.settings import Settings

KILO = 1024
TEN_THOUSAND = 10_000
HUNDRED_MILLION = 100_000_000


class Pages:
    """Render the templates of ``web`` and of each domain that has some (``catalog/entry.html``)."""

    def __init__(self, settings: Settings, packages: Sequence[str] = ()) -> None:
        self._settings = settings
        own = PackageLoader("beijiang.web", "templates")
        domains = {name: PackageLoader(f"beijiang.{name}", f"templates/{name}") for name in packages}
        self.environment = Environment(
            loader=ChoiceLoader([PrefixLoader(dict(domains)), own]),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters.update(
            ago=_ago,
            compact=_compact,
            day=day,
            grade_word=grade_word,
            moment=_moment,
            number=number,
            percent=percent,
            size=size,
            words=_words,
        )
        self.environment.globals.update(asset=asset, help_for=help_for, settings=settings, version=__version__)

    def render(self, request: Request, template: str, /, **values: Any) -> HTMLResponse:
        """Return a page; ``t(zh, en)``, ``csrf_field()`` and ``link(...)`` speak for this request, as do the filters."""
        language: Language = request.state.language
        words = {
            "request": request,
            "actor": request.state.actor,
            "language": language,
            "t": _translator(language),
            "zone": ZoneInfo(self._settings.time_zone),
            "csrf_field": lambda: Markup('<input type="hidden" name="{}" value="{}">').format(
                CSRF_FIELD, request.state.csrf
            ),
            "csrf": request.state.csrf,
            "portal": getattr(request.state, "portal", None),
            "portal_at": getattr(request.state, "portal_at", ""),
            "link": lambda **changes: link(request, **changes),
            "site_url": self._settings.public_url.rstrip("/"),
            "own_path": own_path(request),
            "other_language": Language.EN if language is Language.ZH else Language.ZH,
            "theme": request.cookies.get("bj_theme") if request.cookies.get("bj_theme") in {"light", "dark"} else None,
        }
        return HTMLResponse(self.environment.get_template(template).render({**words, **values}))


def _translator(language: Language) -> Callable[..., str]:
    def t(zh: str | Text, en: str = "", /, **values: Any) -> str:
        """Choose the wording; ``{name}`` places are filled from ``values``."""
        text = zh if isinstance(zh, Text) else Text(zh, en)
        words = text.in_language(language)
        return words.format(**values) if values else words

    return t


def link(request: Request, **changes: Any) -> str:
    """Return the present address with some query words set, or removed by None; lists repeat."""
    dropped = {*changes, "lang"}
    pairs = [(k, v) for k, v in request.query_params.multi_items() if k not in dropped]
    for name, value in changes.items():
        if isinstance(value, (list, tuple, set, frozenset)):
            pairs += [(name, str(v)) for v in sorted(value)]
        elif value is not None:
            pairs.append((name, str(value)))
    query = urlencode(pairs)
    path = "/" + request.url.path.lstrip("/\\")  # two slashes would name another site
    return f"{path}?{query}" if query else path


KEPT_IN_CANONICAL = ("q", "page", "theme", "dataset", "kind", "months")


def own_path(request: Request) -> str:
    """Return the path by which search engines should know the page: without sorting, marks of pages and other passing words."""
    pairs = [(k, v) for k, v in request.query_params.multi_items() if k in KEPT_IN_CANONICAL and v]
    path = getattr(request.state, "canonical_at", "") + quote("/" + request.url.path.lstrip("/\\"))
    return f"{path}?{urlencode(pairs)}" if pairs else path


@pass_context
def _words(context: Context, text: Text | str) -> str:
    return text.in_language(context["language"]) if isinstance(text, Text) else text


@pass_context
def _moment(context: Context, value: datetime | None) -> str:
    return moment(value, context["zone"])


@pass_context
def _ago(context: Context, value: datetime | None) -> str:
    return ago(value, context["language"], context["zone"])


@pass_context
def _compact(context: Context, value: float | None) -> str:
    return compact(value, context["language"])


def number(value: float | None) -> str:
    """Write a number with thousands separators; nothing for None."""
    return "" if value is None else f"{value:,}"


def compact(value: float | None, language: Language) -> str:
    """Write a large number the way people say it: 3.42 亿, 34.2 M."""
    if value is None:
        return "—"
    if language is Language.ZH:
        if value >= HUNDRED_MILLION:
            return f"{_short(value / HUNDRED_MILLION)} 亿"
        return f"{_short(value / TEN_THOUSAND)} 万" if value >= 10 * TEN_THOUSAND else f"{value:,}"
    if value >= 1_000_000:  # noqa: PLR2004  # a million
        return f"{_short(value / 1_000_000)} M"
    return f"{value:,}"


def _short(value: float, digits: int = 4) -> str:
    """Keep the leading digits, and never fall into powers of ten."""
    return f"{value:,.0f}" if value >= 10 ** (digits - 1) else f"{value:.{digits}g}"


def percent(value: float | None) -> str:
    """Write a share as per cent with one decimal at most."""
    return "—" if value is None else f"{100 * value:.1f}".rstrip("0").rstrip(".") + " %"


def size(value: float | None) -> str:
    """Write a number of bytes: 1.4 MB."""
    if value is None:
        return "—"
    amount = float(value)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < KILO:
            return f"{_short(amount, 3)} {unit}"
        amount /= KILO
    return f"{_short(amount, 3)} TB"


def day(value: date | datetime | str | None) -> str:
    """Write a date: 2026-11-23."""
    return "" if value is None else str(value)[:10]


def moment(value: datetime | None, zone: ZoneInfo) -> str:
    """Write a moment in the region's time: 2026-11-23 14:05."""
    return "" if value is None else value.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def ago(value: datetime | None, language: Language, zone: ZoneInfo) -> str:
    """Write how long ago something was, or its date when that is a week or more."""
    if value is None:
        return ""
    seconds = (datetime.now(UTC) - value).total_seconds()
    steps = (
        (60, 1, "秒", "s"),
        (3600, 60, "分钟", "min"),
        (86_400, 3600, "小时", "h"),
        (7 * 86_400, 86_400, "天", "d"),
    )
    for below, unit, zh, en in steps:
        if seconds < below:
            amount = max(1, int(seconds // unit))
            return f"{amount} {zh}前" if language is Language.ZH else f"{amount} {en} ago"
    return value.astimezone(zone).strftime("%Y-%m-%d")


def grade_word(grade: str) -> Text:
    """Return what a grade means, for a tooltip and for screen readers."""
    return {
        "L1": Text("L1 不敏感", "L1 open"),
        "L2": Text("L2 低敏感", "L2 low"),
        "L3": Text("L3 较敏感", "L3 elevated"),
        "L4": Text("L4 敏感", "L4 sensitive"),
    }.get(grade, Text("未分级", "not graded"))
