"""Pages in both languages, formats, the names and paths that are safe to write, and the contrast of the tokens."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import ChoiceLoader, DictLoader, UndefinedError
from starlette.requests import Request

from beijiang.kit import ANONYMOUS, Language, Text
from beijiang.web import Pages, content_disposition, guard_formula, local_path
from beijiang.web.templating import ago, compact, link, percent, size

SITE = "https://data.example/here/"
TOKENS = Path(__file__).parents[2] / "src/beijiang/web/static/src/css/tokens.css"
BROWSER = {"Accept": "text/html"}
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


def request(path: str = "/datasets", query: str = "", language: Language = Language.ZH) -> Request:
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"data.example")],
    }
    made = Request(scope | {"scheme": "https", "server": ("data.example", 443)})
    made.state.language, made.state.actor, made.state.csrf, made.state.request_id = language, ANONYMOUS, 'a"b', "r1"
    return made


@pytest.mark.parametrize(
    ("path", "zh", "en"),
    [
        ("/missing", "没有找到", "Not found"),
        ("/fail/denied", "不能这样做", "Not allowed"),
        ("/fail/often", "请稍等", "Please wait"),
        ("/fail/busy", "暂时不可用", "Not available"),
        ("/fail/boom", "出错了", "Something went wrong"),
    ],
)
def test_a_person_gets_an_error_page_in_either_language(client: httpx.Client, path: str, zh: str, en: str) -> None:
    for language, words in (("zh-CN", zh), ("en", en)):
        page = client.get(path, headers={**BROWSER, "Accept-Language": language})
        assert page.headers["Content-Type"].startswith("text/html")
        assert f'<html lang="{language}"' in page.text
        assert words in page.text
        assert page.headers["X-Request-ID"] in page.text
        assert 'href="#main"' in page.text
        assert not INLINE.search(page.text)


def test_an_english_page_holds_no_chinese_beyond_names(client: httpx.Client) -> None:
    page = client.get("/fail/boom", headers={**BROWSER, "Accept-Language": "en"}).text
    assert set(re.findall(r"[一-鿿]+", page)) <= {"中文"}


def test_what_users_wrote_is_escaped(client: httpx.Client) -> None:
    page = client.get("/page", headers=BROWSER).text
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x</b>" not in page


def test_a_path_in_the_page_cannot_leave_the_site(client: httpx.Client) -> None:
    page = client.get(
        client.base_url.join("//evil.example/x").copy_with(
            scheme="http", host=client.base_url.host, port=client.base_url.port, path="//evil.example/x"
        ),
        headers=BROWSER,
    )
    assert page.status_code == 404
    assert not re.search(r'href="(//|/\\)', page.text)


def test_a_forgotten_name_is_an_error_not_a_blank(pages: Pages) -> None:
    with pytest.raises(UndefinedError):
        pages.environment.from_string("{{ forgotten }}").render()


@pytest.mark.parametrize("language", list(Language))
def test_every_macro_draws(pages: Pages, language: Language) -> None:
    source = """{% import "macros.html" as ui with context %}
    {{ ui.brand("/", "x") }}{{ ui.tag("迟", "warn") }}{{ ui.grade_badge("L3") }}{{ ui.meter(0.92, "m") }}{{ ui.progress(none, "p") }}
    {{ ui.facts([("a", none), ("b", "<i>")]) }}{{ ui.crumbs([("/", "a"), (none, "b")]) }}{{ ui.tabs([("k", "/k", "K")], "k") }}
    {{ ui.empty("t", "w", "/x", "go") }}{{ ui.field("n", "l", hint="h", error="e", required=True) }}{{ ui.choose("c", "l", [("1", "one")], "1") }}
    {{ ui.chart("c1", "t", {"x": ["</script><b>"]}) }}{{ ui.notice("bad", "no") }}{{ csrf_field() }}{{ ui.account() }}{{ ui.preferences() }}"""
    drawn = draw(pages, source, language)
    assert ("登录" in drawn) is (language is Language.ZH)
    assert ("Sign in" in drawn) is (language is Language.EN)
    assert 'class="grade g3"' in drawn
    assert "&lt;i&gt;" in drawn
    assert "</script><b>" not in drawn
    assert 'value="a&#34;b"' in drawn
    assert drawn.count('aria-current="page"') == 2
    assert 'width="92.0"' in drawn
    assert not INLINE.search(drawn)


def draw(pages: Pages, source: str, language: Language, **values: object) -> str:
    """Draw a template of this test as a domain's own page is drawn."""
    loader = pages.environment.loader
    assert isinstance(loader, ChoiceLoader)
    name = f"probe-{abs(hash(source))}.html"  # templates are kept by name
    probes = DictLoader({name: source})
    loader.loaders = [*loader.loaders, probes]
    try:
        return bytes(pages.render(request(language=language), name, **values).body).decode()
    finally:
        loader.loaders = [kept for kept in loader.loaders if kept is not probes]


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (None, "—", "—"),
        (0, "0", "0"),
        (72_780, "72,780", "72,780"),
        (1_182_600, "118.3 万", "1.183 M"),
        (342_000_000, "3.42 亿", "342 M"),
        (99_999_999, "10,000 万", "100 M"),
        (5_000_000_000_000, "50,000 亿", "5,000,000 M"),
    ],
)
def test_large_numbers_read_as_people_say_them(value: float | None, zh: str, en: str) -> None:
    assert (compact(value, Language.ZH), compact(value, Language.EN)) == (zh, en)


def test_sizes_and_shares() -> None:
    assert [size(v) for v in (0, 1023, 1536, 1 << 30, 5 << 40)] == ["0 B", "1,023 B", "1.5 KB", "1 GB", "5 TB"]
    assert [percent(v) for v in (None, 0, 0.978, 1)] == ["—", "0 %", "97.8 %", "100 %"]


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (0, "1 秒前", "1 s ago"),
        (720, "12 分钟前", "12 min ago"),
        (7200, "2 小时前", "2 h ago"),
        (172_900, "2 天前", "2 d ago"),
    ],
)
def test_ago(seconds: int, zh: str, en: str) -> None:
    from zoneinfo import ZoneInfo

    moment = datetime.now(UTC) - timedelta(seconds=seconds)
    zone = ZoneInfo("Asia/Shanghai")
    assert (ago(moment, Language.ZH, zone), ago(moment, Language.EN, zone)) == (zh, en)


def test_a_link_keeps_the_rest_of_the_question() -> None:
    assert (
        link(request(query="q=%E8%B5%A4%E5%B3%B0&page=3&lang=en&theme=a&theme=b"), page=None, theme=["c"])
        == "/datasets?q=%E8%B5%A4%E5%B3%B0&theme=c"
    )
    assert link(request("//evil.example/")) == "/evil.example/"


@given(st.text(st.sampled_from("/\\.:@?#ab \t\r\n%0a中\u2028"), max_size=14) | st.text(max_size=30))
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("https:evil.example")
@example("/\x00/evil.example")
@example("/datasets?q=1")
def test_a_redirect_stays_on_the_site(target: str) -> None:
    kept = local_path(target, "/home")
    as_browsers_read = re.sub(r"[\t\r\n]", "", kept).strip("".join(map(chr, range(33)))).replace("\\", "/")
    where = urlsplit(urljoin(SITE, as_browsers_read))
    assert (where.scheme, where.netloc) == ("https", "data.example")
    assert kept.startswith("/")
    assert kept in {target, "/home"}


def test_an_honest_target_is_kept() -> None:
    assert local_path("/datasets/ds_1?q=赤峰#rows") == "/datasets/ds_1?q=赤峰#rows"
    assert local_path(None) == local_path("") == local_path("datasets") == "/"


@given(st.text(max_size=40))
@example('a"; filename="b.html\r\nX-Evil: 1')
@example("../../企业登记.csv")
@example("报表\u202evslx.exe")
@example("\ud800")
def test_a_file_name_cannot_write_a_header_or_a_path(name: str) -> None:
    value = content_disposition(name)
    assert value.isascii()
    assert not re.search(r"[\x00-\x1f\x7f]", value)
    match = re.fullmatch(r"attachment; filename=\"([^\"\\/]+)\"; filename\*=UTF-8''([A-Za-z0-9%._~-]+)", value)
    assert match
    assert "/" not in unquote(match.group(2))


def test_a_chinese_file_name_survives() -> None:
    assert (
        content_disposition("企业登记.csv")
        == "attachment; filename=\"download.csv\"; filename*=UTF-8''%E4%BC%81%E4%B8%9A%E7%99%BB%E8%AE%B0.csv"
    )


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "－1", "＋1", "＠x", '=HYPERLINK("http://x")'],
)
def test_a_formula_becomes_text(cell: str) -> None:
    assert guard_formula(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "赤峰市", "0471-123", "a=b", " 1", "'=1"])
def test_plain_text_stays(cell: str) -> None:
    assert guard_formula(cell) == cell


def _tokens() -> dict[str, dict[str, str]]:
    """Read the colours of both themes from the sheet that browsers get."""
    text = re.sub(r"/\*.*?\*/", "", TOKENS.read_text(encoding="utf-8"), flags=re.DOTALL)
    blocks = {
        selector.strip(): dict(re.findall(r"--([\w-]+):\s*([^;]+);", body))
        for selector, body in re.findall(r"([^{}]+)\{([^{}]+)\}", text)
    }
    light = blocks[":root"]
    return {
        "light": light,
        "dark": {**light, **blocks[':root[data-theme="dark"]']},
        "system dark": {**light, **blocks[":root:not([data-theme])"]},
    }


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2.2, 1.4.3."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_the_measure_itself_is_right() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777", "#fff") == pytest.approx(4.48, abs=0.01)


PAIRS = [
    (ink, ground) for ink in ("ink", "ink-2", "ink-3", "sky", "steppe", "ochre", "red") for ground in ("paper", "card")
] + [
    ("ink", "line-2"),
    ("ink-2", "line-2"),
    ("sky-2", "sky-wash"),
    ("sky", "sky-wash"),
    ("steppe", "steppe-wash"),
    ("ochre", "ochre-wash"),
    ("red", "red-wash"),
    ("on-sky", "sky"),
    ("ink", "mark"),
    ("ink", "hero-1"),
    ("ink", "hero-2"),
    ("ink-3", "hero-2"),
    ("ink-3", "hero-3"),
]


@pytest.mark.parametrize("theme", ["light", "dark", "system dark"])
def test_text_can_be_read_in_every_theme(theme: str) -> None:
    colours = _tokens()[theme]
    weak = {
        f"{ink} on {ground}": round(contrast(colours[ink], colours[ground]), 2)
        for ink, ground in PAIRS
        if contrast(colours[ink], colours[ground]) < 4.5
    }
    assert not weak
    faint = {
        f"chart-{i}": contrast(colours[f"chart-{i}"], colours["card"])
        for i in range(1, 9)
        if contrast(colours[f"chart-{i}"], colours["card"]) < 3
    }
    assert not faint


def test_the_dark_theme_is_the_same_chosen_or_by_system() -> None:
    assert _tokens()["dark"] == _tokens()["system dark"]


def test_text_objects_speak_the_language_of_the_page(pages: Pages) -> None:
    source = "{{ what|words }} {{ t(what) }} {{ t('有 {n} 行', '{n} rows', n=3) }}"
    what = Text("赤峰", "Chifeng")
    assert draw(pages, source, Language.ZH, what=what) == "赤峰 赤峰 有 3 行"
    assert draw(pages, source, Language.EN, what=what) == "Chifeng Chifeng 3 rows"
