"""A bundle, read: what ``app.toml`` says, the pages, the queries, the end-points, the jobs and the tests, or all that is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from beijiang.apps.models.blocks import toml_line
from beijiang.apps.models.faults import Faults, faulty, line_of
from beijiang.apps.models.jobs import JobSpec, check_jobs, read_job
from beijiang.apps.models.manifest import Manifest, read_manifest
from beijiang.apps.models.pages import AppPage, read_page
from beijiang.apps.models.parameters import TODAY, numbered
from beijiang.apps.models.serving import read_server
from beijiang.kit import Text

__all__ = ["AppTest", "Bundle", "EndPoint", "Query", "parse_bundle"]

MANIFEST: Final = "app.toml"
ENGLISH: Final = "i18n/en.toml"
ENGLISH_MOST: Final = 4000
_NUMBERS: Final = (int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query: its text with numbered parameters, and which parameter each number is."""

    name: str
    text: str
    parameters: tuple[str, ...]

    @property
    def file(self) -> str:
        """Return the file that it stands in."""
        return f"queries/{self.name}.sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndPoint:
    """A query as a REST end-point."""

    name: str
    query: str
    summary: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class AppTest:
    """What a query is expected to give for some parameters."""

    file: str
    query: str
    parameters: Mapping[str, str]
    columns: tuple[str, ...] = ()
    rows_at_least: int = 0
    first: Mapping[str, Any] | None = None
    """Values of the first row, by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An application as it was written."""

    manifest: Manifest
    pages: Mapping[str, AppPage]
    queries: Mapping[str, Query]
    api: Mapping[str, EndPoint]
    tests: tuple[AppTest, ...]
    english: Mapping[str, str]
    jobs: Mapping[str, JobSpec] = field(default_factory=dict)
    server: Mapping[str, str] = field(default_factory=dict)
    """The files of its own server in Python, by their names below ``server/``."""

    @property
    def first_page(self) -> AppPage:
        """Return the page that opens first."""
        return self.pages[self.manifest.pages[0]]

    def word(self, zh: str) -> Text:
        """Return a text of the application in both languages."""
        return Text(zh, self.english.get(zh, zh))


def parse_bundle(files: Mapping[str, str]) -> Bundle:
    """Read a bundle.

    Raises:
        Invalid: something is wrong; every fault is named (``app_faulty``).

    """
    faults = Faults()
    english = _english(files.get(ENGLISH, ""), faults)
    manifest = read_manifest(_toml(files, MANIFEST, faults), files.get(MANIFEST, ""), faults)
    queries = {_stem(f): _query(f, t, manifest, faults) for f, t in files.items() if f.startswith("queries/")}
    pages = {
        _stem(f): read_page(_stem(f), f, text, english, faults) for f, text in files.items() if f.startswith("pages/")
    }
    api = {_stem(f): _end_point(f, files, faults) for f in files if f.startswith("api/")}
    jobs = [read_job(_stem(f), _toml(files, f, faults), files[f], faults) for f in files if f.startswith("jobs/")]
    server = read_server(files, faults)
    tests = [one for f in files if f.startswith("tests/") for one in _tests(f, files, faults)]
    if manifest is None or faults:
        raise faulty(faults)
    bundle = Bundle(
        manifest=manifest,
        pages={name: page for name, page in pages.items() if page is not None},
        queries={name: query for name, query in queries.items() if query is not None},
        api={name: one for name, one in api.items() if one is not None},
        tests=tuple(tests),
        english=english,
        jobs={one.name: one for one in jobs if one is not None},
        server=server,
    )
    _check_names(bundle, files, faults)
    if faults:
        raise faulty(faults)
    return bundle


def _stem(file: str) -> str:
    return file.rpartition("/")[2].rpartition(".")[0]


def _toml(files: Mapping[str, str], file: str, faults: Faults) -> dict[str, Any] | None:
    try:
        return tomllib.loads(files.get(file, ""))
    except tomllib.TOMLDecodeError as error:
        faults.say(
            file, toml_line(error), ("不是 TOML", "this is no TOML"), ('写成 名称 = "值"', 'write name = "value"')
        )
    except RecursionError:
        faults.say(file, 1, ("嵌套太深", "it is nested too deep"), ("写得平一些", "write it flatter"))
    return None


def _english(text: str, faults: Faults) -> dict[str, str]:
    found = _toml({ENGLISH: text}, ENGLISH, faults) or {}
    for key in [
        one
        for one, words in found.items()
        if not (isinstance(words, str) and words.strip() and len(words) <= ENGLISH_MOST)
    ]:
        faults.say(
            ENGLISH,
            line_of(text, key),
            ("值应为英文文本", "the value is English text"),
            ('写成 "中文" = "English"', 'write "中文" = "English"'),
        )
        del found[key]
    return found


def _query(file: str, text: str, manifest: Manifest | None, faults: Faults) -> Query | None:
    from sqlglot.errors import SqlglotError

    try:
        ready, names = numbered(text)
    except (SqlglotError, RecursionError):
        faults.say(
            file, 1, ("不是能读的 SQL", "this is no SQL that can be read"), ("写一条 SELECT", "write one SELECT")
        )
        return None
    known = {one.name for one in manifest.parameters} if manifest else set(names)
    for name in (one for one in names if one not in known | {TODAY}):
        at = next((n for n, line in enumerate(text.splitlines(), 1) if f"${name}" in line), 1)
        faults.say(
            file,
            at,
            (f"参数 ${name} 没有声明", f"the parameter ${name} is not declared"),
            (f"在 app.toml 里写 [parameters.{name}]", f"add [parameters.{name}] to app.toml"),
        )
    return Query(name=_stem(file), text=ready, parameters=names)


def _end_point(file: str, files: Mapping[str, str], faults: Faults) -> EndPoint | None:
    facts = _toml(files, file, faults)
    if facts is None:
        return None
    summary = facts.get("summary")
    summary = summary if isinstance(summary, dict) else {}
    good = all(isinstance(summary.get(one), str) for one in ("zh", "en"))
    if set(facts) != {"query", "summary"} or not isinstance(facts["query"], str) or not good:
        faults.say(
            file,
            1,
            ("接口要写 query 和 summary", "an end-point has query and summary"),
            (
                'query = "查询名"，summary = { zh = "…", en = "…" }',
                'write query = "name" and summary = { zh = "…", en = "…" }',
            ),
        )
        return None
    return EndPoint(name=_stem(file), query=facts["query"], summary=Text(summary["zh"], summary["en"]))


def _tests(file: str, files: Mapping[str, str], faults: Faults) -> Sequence[AppTest]:
    facts = _toml(files, file, faults)
    rows = (facts or {}).get("test", [])
    if not set(facts or {}) <= {"test"} or not isinstance(rows, list):
        faults.say(
            file,
            1,
            ("测试文件只写 [[test]]", "a file of tests holds [[test]] only"),
            ("每项测试以 [[test]] 开头", "begin each test with [[test]]"),
        )
        return []
    found = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not _is_test(row):
            lines = [n for n, line in enumerate(files[file].splitlines(), 1) if line.strip() == "[[test]]"]
            faults.say(
                file,
                lines[number - 1] if len(lines) >= number else 1,
                ("测试不能读", "the test cannot be read"),
                (
                    "写 query，可另写 parameters、columns、rows_at_least、first",
                    "write query, and parameters, columns, rows_at_least and first if wanted",
                ),
            )
            continue
        found.append(
            AppTest(
                file=file,
                query=row["query"],
                parameters={name: str(value) for name, value in row.get("parameters", {}).items()},
                columns=tuple(row.get("columns", ())),
                rows_at_least=row.get("rows_at_least", 0),
                first=row.get("first"),
            )
        )
    return found


def _is_test(row: Mapping[str, Any]) -> bool:
    return (
        isinstance(row.get("query"), str)
        and set(row) <= {"query", "parameters", "columns", "rows_at_least", "first"}
        and isinstance(row.get("parameters", {}), dict)
        and isinstance(row.get("first", {}), dict)
        and type(row.get("rows_at_least", 0)) is int
        and isinstance(row.get("columns", []), list)
        and all(isinstance(one, str) for one in row.get("columns", []))
    )


def _check_names(bundle: Bundle, files: Mapping[str, str], faults: Faults) -> None:
    """Look whether pages, queries and parameters that are named are there."""
    text = files[MANIFEST]
    known = {one.name for one in bundle.manifest.parameters}
    for name in (one for one in bundle.manifest.pages if one not in bundle.pages):
        _missing(MANIFEST, line_of(text, "pages"), "页", "page", name, faults)
    if sorted(set(bundle.manifest.pages)) != sorted(bundle.pages):
        faults.say(
            MANIFEST,
            line_of(text, "pages"),
            ("pages 应列出每一页各一次", "pages lists every page once"),
            (f"现有：{'、'.join(bundle.pages)}", f"there are: {', '.join(bundle.pages)}"),
        )
    for one in bundle.manifest.parameters:
        if one.query and one.query not in bundle.queries:
            _missing(MANIFEST, line_of(text, "query", f"parameters.{one.name}"), "查询", "query", one.query, faults)
    for name, page in bundle.pages.items():
        _check_page(bundle, f"pages/{name}.md", page, known, faults)
    for end in bundle.api.values():
        if end.query not in bundle.queries:
            _missing(f"api/{end.name}.toml", 1, "查询", "query", end.query, faults)
    check_jobs(bundle.jobs, bundle.queries, bundle.manifest, files, faults)
    for test in bundle.tests:
        if test.query not in bundle.queries:
            at = next((n for n, line in enumerate(files[test.file].splitlines(), 1) if f'"{test.query}"' in line), 1)
            _missing(test.file, at, "查询", "query", test.query, faults)


def _check_page(bundle: Bundle, file: str, page: AppPage, known: set[str], faults: Faults) -> None:
    for block in page.blocks:
        facts = block.facts
        if block.query and block.query not in bundle.queries:
            _missing(file, block.line, "查询", "query", block.query, faults)
        link = facts if "page" in facts else facts.get("link", {})
        if link and link["page"] not in bundle.pages:
            _missing(file, block.line, "页", "page", link["page"], faults)
        named = (*facts.get("parameters", ()), *link.get("set", ()), *([facts["about"]] if "about" in facts else ()))
        for name in (one for one in named if one not in known):
            _missing(file, block.line, "参数", "parameter", name, faults)


def _missing(file: str, line: int, zh: str, en: str, name: str, faults: Faults) -> None:
    shown = re.sub(r"\s+", " ", name)[:60]
    faults.say(
        file, line, (f"没有名为 {shown} 的{zh}", f"there is no {en} {shown}"), ("改名或补上", "mend the name or add it")
    )
