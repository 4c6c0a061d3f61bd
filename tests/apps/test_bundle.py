"""A bundle is read with suspicion: every fault has its file, line and mend in both languages; no upload breaks out."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest
from hosting import HEAD, OVERVIEW, bundle, zipped

from beijiang.apps import Prose, parse_bundle, starter, unpack, values_of
from beijiang.apps.folder import folder_files
from beijiang.apps.models.packing import FILE_BYTES
from beijiang.apps.models.parameters import numbered
from beijiang.kit import Invalid, Language


def faults(files: dict[str, str]) -> list[tuple[str, int, str]]:
    with pytest.raises(Invalid) as caught:
        parse_bundle(files)
    assert caught.value.reason == "app_faulty"
    told = caught.value.detail["faults"]
    assert isinstance(told, list)
    assert all(one["what"]["zh"] and one["what"]["en"] and one["mend"]["zh"] and one["mend"]["en"] for one in told)
    return [(one["file"], one["line"], one["what"]["en"]) for one in told]


def test_a_whole_bundle_is_read() -> None:
    read = parse_bundle(bundle())
    assert list(read.pages) == ["overview", "leagues"]
    assert read.queries["firms"].parameters == ("league", "least")
    assert "$league" not in read.queries["firms"].text
    assert read.first_page.title.en == "Overview"
    assert [block.kind.value for block in read.first_page.blocks] == ["number", "chart", "text", "link"]


@pytest.mark.parametrize(
    ("changes", "file", "line", "words"),
    [
        ({"app_toml": HEAD.replace('version = "1.0.0"', "version = 1")}, "app.toml", 2, "version is missing"),
        ({"app_toml": HEAD + "\nmore = 1 = 2\n"}, "app.toml", 24, "this is no TOML"),
        ({"app_toml": HEAD.replace('pages = ["overview", "leagues"]', 'pages = ["overview"]')}, "app.toml", 5, "pages lists every page"),
        ({"app_toml": HEAD.replace('type = "text"', 'type = "secret"')}, "app.toml", 16, "parameter league"),
        ({"pages__overview_md": OVERVIEW.replace('value = "户数"', 'values = "户数"')}, "pages/overview.md", 5, "has no value"),
        ({"pages__overview_md": OVERVIEW.replace('x = "盟市"', "x = 盟市")}, "pages/overview.md", 14, "is no TOML"),
        ({"pages__overview_md": OVERVIEW.replace("```link", "```iframe")}, "pages/overview.md", 24, "such a block is not known"),
        ({"pages__overview_md": OVERVIEW.replace("现在看的是", "还没翻译")}, "pages/overview.md", 3, "has no English"),
        ({"pages__overview_md": OVERVIEW.replace('"by_league"', '"by_moon"')}, "pages/overview.md", 11, "there is no query by_moon"),
        ({"pages__overview_md": OVERVIEW.replace('page = "leagues"', 'page = "moon"')}, "pages/overview.md", 24, "there is no page moon"),
        ({"queries__total_sql": "SELECT 1\nWHERE 1 = $moon"}, "queries/total.sql", 2, "$moon is not declared"),
        ({"api__leagues_toml": 'query = "by_league"\n'}, "api/leagues.toml", 1, "an end-point has query and summary"),
        ({"tests__shape_toml": "[[test]]\nrows = 1\n"}, "tests/shape.toml", 1, "the test cannot be read"),
        ({"i18n__en_toml": '"概览" = 1\n'}, "i18n/en.toml", 1, "the value is English text"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_file_line_and_mend(changes: dict[str, str], file: str, line: int, words: str) -> None:
    found = faults(bundle(**changes))
    assert any(f == file and n == line and words in text for f, n, text in found), found


def test_all_faults_are_told_at_once() -> None:
    found = faults(bundle(app_toml=HEAD.replace('id = "', 'id = "A '), queries__total_sql="SELECT $a, $b"))
    assert {file for file, _, _ in found} >= {"app.toml"}


def test_the_starter_is_a_whole_bundle_whatever_the_table_is_called() -> None:
    for table in ("企业登记信息", 'odd "name" \\ here'):
        read = parse_bundle(dict(starter("my-app", "education", table)))
        assert read.manifest.resources == (table,)


def test_parameters_are_numbered_by_the_reader_of_sql_and_not_inside_texts() -> None:
    text, names = numbered("SELECT '$a', $$ $b $$, x FROM t WHERE x = $a AND y > $c OR z = $a -- $d\n")
    assert names == ("a", "c")
    assert text.startswith("SELECT '$a', $$ $b $$, x FROM t WHERE x = $1 AND y > $2 OR z = $1")


def test_values_of_parameters_are_of_their_type_or_refused() -> None:
    declared = parse_bundle(bundle()).manifest.parameters
    assert values_of(declared, {"league": "' OR 1=1 --", "least": "12.5"}) == {"league": "' OR 1=1 --", "least": 12.5}
    assert values_of(declared, {"league": ""})["league"] is None
    for bad in ("1; DROP TABLE x", "1e400", "NaN", "١٢", "0x10", " 1 2 "):
        with pytest.raises(Invalid) as caught:
            values_of(declared, {"least": bad})
        assert bad not in str(caught.value)
    with pytest.raises(Invalid):
        values_of(declared, {"league": "长" * 201})


@pytest.mark.threat("TM-22")
def test_no_html_script_or_foreign_picture_comes_out_of_markdown() -> None:
    hostile = """# 概览

<script>alert(1)</script> <img src=x onerror=alert(1)> [a](javascript:alert(1)) [b](data:text/html,x) [c](//evil.example)
![d](https://evil.example/p.png) [e](JaVaScRiPt:alert(1)) [f](/apps "x\\" onclick=\\"alert(1)") <https://ok.example/x>

| a | b |
|---|---|
| <b onclick=alert(1)>x</b> | {{league}} |
"""

    read = parse_bundle(
        {
            **bundle(pages__overview_md=hostile, i18n__en_toml='"概览" = "x"\n"名单" = "x"\n"企业" = "x"\n'),
        }
    )
    shown = "".join(
        part.shown(Language.ZH, {"league": "<script>alert(2)</script>"})
        for part in read.first_page.parts
        if isinstance(part, Prose)
    )
    assert "<script" not in shown
    assert "<img" not in shown
    assert "<b onclick" not in shown
    for scheme in ("javascript:", "data:", "//evil"):
        assert f'href="{scheme}' not in shown.lower()
    assert 'onclick="' not in shown
    assert "&lt;script&gt;alert(2)" in shown
    assert 'href="https://ok.example/x"' in shown


def test_markdown_that_takes_long_to_read_is_refused_before_it_is_read() -> None:
    for bomb in ("[" * 60_000, "*a " * 20_000, "> " * 5_000 + "x", "a**" * 15_000):
        found = faults(bundle(pages__overview_md=f"# 概览\n\n{bomb}"))
        assert any("a paragraph is over" in words for _, _, words in found)


@pytest.mark.threat("TM-23")
@pytest.mark.parametrize(
    "name",
    [
        "../evil.md",
        "pages/../../evil.md",
        "/etc/passwd",
        "pages\\evil.md",
        "pages/.hidden.md",
        "pages/UPPER.md",
        "pages/a.md/../b.md",
        "C:/x.md",
        "pages/x.html",
        "queries/x.py",
        "i18n/../app.toml",
        "pages/a\x00.md",
        "jobs/run.py",
    ],
)
def test_a_name_that_is_none_of_a_bundle_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        unpack(zipped({**bundle(), name: "x"}))
    assert caught.value.reason == "app_package"


@pytest.mark.threat("TM-23")
def test_bombs_links_and_what_is_no_zip_are_refused() -> None:
    link = zipfile.ZipInfo("pages/link.md")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("app.toml", HEAD)
        packed.writestr(link, "/etc/passwd")
    many = {f"pages/p{n}.md": "x" for n in range(250)}
    whole = {f"pages/p{n}.md": "x" * FILE_BYTES for n in range(40)}
    for content in (
        b"no zip",
        b"",
        zipped({**bundle(), "pages/big.md": b"\0" * 50_000_000}),
        zipped({**bundle(), **many}),
        zipped({**bundle(), **whole}),
        zipped({**bundle(), "pages/bin.md": b"\xff\xfe\x00"}),
        zipped({"pages/a.md": "x"}),
        made.getvalue(),
        zipped(bundle())[:-30],
    ):
        with pytest.raises(Invalid) as caught:
            unpack(content)
        assert caught.value.reason == "app_package"


def test_a_zip_of_the_folder_is_taken_like_a_zip_of_its_files(tmp_path: Path) -> None:
    files = bundle()
    assert unpack(zipped({f"firms-app/{name}": text for name, text in files.items()})) == files
    for name, text in {**files, ".git/config": "x"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert folder_files(tmp_path) == files
    (tmp_path / "pages" / "link.md").symlink_to("/etc/passwd")
    with pytest.raises(Invalid):
        folder_files(tmp_path)
