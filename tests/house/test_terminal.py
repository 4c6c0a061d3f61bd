"""What commands print: whole ids on a narrow terminal, natural width in a pipe, nothing that steers a terminal."""

import json
import os
import pty
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from beijiang.kit import BeijiangError, Language, Text
from beijiang.terminal import Column, report, say, set_style, show

ID = "res_1m8a0kz56knkhab2cspj"
COLUMNS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("provider", Text("提供方", "provider"), spare=True),
    Column("rows", Text("行数", "rows"), right=True),
    Column("code", Text("代码", "code"), whole=True),
)
ROW = {
    "id": ID,
    "name": "内蒙古自治区森林草原防火瞭望点分布情况年度汇总表",
    "provider": "内蒙古自治区林业和草原局防火处",
    "rows": 1_234_567,
    "code": "103001/12345",
}


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], str]:
    """Print a table to a terminal of some width and return what stands there."""

    def draw(width: int) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERM", "xterm")
        master, slave = pty.openpty()
        with os.fdopen(slave, "w", encoding="utf-8") as screen:
            monkeypatch.setattr(sys, "stdout", screen)
            show([ROW], COLUMNS)
        monkeypatch.undo()
        text = os.read(master, 65_536).decode()
        os.close(master)
        return re.sub(r"\x1b\[[0-9;]*m", "", text)

    set_style(as_json=False, language=Language.ZH)
    return draw


def test_a_pipe_gets_every_column_in_its_natural_width(capsys: pytest.CaptureFixture[str]) -> None:
    set_style(as_json=False, language=Language.EN)
    show([ROW], COLUMNS)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    for value in (ID, ROW["name"], ROW["provider"], "1,234,567", "103001/12345"):
        assert str(value) in lines[3]
    set_style(as_json=False, language=Language.ZH)


@pytest.mark.parametrize(("width", "provider"), [(80, False), (120, True), (40, False)])
def test_ids_and_codes_are_never_broken(on_a_terminal: Callable[[int], str], width: int, provider: bool) -> None:
    text = on_a_terminal(width)
    assert ID in text
    assert "103001/12345" in text
    assert "1,234,567" in text
    assert ("提供方" in text) is provider
    if width >= 80:
        from rich.cells import cell_len

        assert max(map(cell_len, text.splitlines())) <= width


def test_what_steers_a_terminal_is_shown_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    set_style(as_json=False, language=Language.ZH)
    show([{"cell": "a\x1b]0;owned\x07b\x9bc"}])
    show({"cell": "[bold]\x1b[2J"})
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "a\\x1b]0;owned\\x07b\\x9bc" in out
    assert "[bold]\\x1b[2J" in out


def _leaves(*words: str) -> int:
    from beijiang.cli import main

    with pytest.raises(SystemExit) as left:
        main(words)
    return int(left.value.code or 0)


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        (("catalog", "show"), "缺少 'entry'", "Missing argument 'entry'"),
        (("catalog", "nonsense"), "没有命令 'nonsense'", "No such command 'nonsense'"),
        (("catalog", "list", "--nonsense"), "没有选项 --nonsense", "No such option: --nonsense"),
        (("tables", "history", "x", "--limit", "no"), "'--limit' 的值不对", "Invalid value for '--limit'"),
        (("tables", "list", "too", "much"), "多了参数 too much", "unexpected extra argument"),
        (("doctor", "--home"), "--home 需要一个值", "--home needs a value"),
    ],
)
def test_misuse_is_said_in_both_languages_and_as_json(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], zh: str, en: str
) -> None:
    assert _leaves("--lang=zh-CN", *words) == 2
    assert zh in capsys.readouterr().err
    if words[-1] != "--home":
        assert _leaves("--lang=en", *words) == 2
        assert en in capsys.readouterr().err
    assert _leaves("--json", *words) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert set(error) == {"code", "message", "detail", "request_id"}
    assert error["code"] == "usage"
    set_style(as_json=False, language=Language.ZH)


def test_a_home_that_is_not_there_is_no_empty_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _leaves("catalog", "list", "--home", str(tmp_path / "typo"), "--lang", "en") == 1
    assert "There is no home" in capsys.readouterr().err
    assert not (tmp_path / "typo").exists()
    set_style(as_json=False, language=Language.ZH)


def test_groups_show_each_line_of_help_as_a_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert _leaves("ingest", "--help") == 0
    listed = " ".join(capsys.readouterr().out.partition("Commands:")[2].split())
    assert "write them as a return file for the supplier." in listed
    assert _leaves("--version") == 0
    assert capsys.readouterr().out.startswith("beijiang ")


STEER = "a\x1b]0;x\x07\x9b2J[/x]"


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_that_is_printed_steers_the_terminal(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    """Headings are column names of whoever made the table or wrote the question; words come from servers."""
    set_style(as_json=as_json, language=Language.ZH)
    try:
        show([{STEER: STEER, "list": [STEER]}])
        show({STEER: [STEER]})
        say(Text(STEER, STEER), always=True)
        report(BeijiangError(STEER, STEER, code="no", detail={"told": STEER}))
    finally:
        set_style(as_json=False, language=Language.ZH)
    told = capsys.readouterr()
    assert not {"\x1b", "\x07", "\x9b"} & set(told.out + told.err)
    if as_json:
        rows, facts, error = (json.loads(line) for line in told.out.splitlines())
        assert (rows, facts) == ([{STEER: STEER, "list": [STEER]}], {STEER: [STEER]})
        assert error["error"]["detail"] == {"told": STEER}
    else:
        assert told.out.count("[/x]") == 5
