"""Notebooks through their doors: values stay values, versions, sharing, runs that stop, requests in place of rows."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.kit import Conflict, Invalid, NotFound
from beijiang.mining import CellState, NotebookDraft, Sharing
from beijiang.mining.commands import notebook_commands

sys.path.insert(0, str(Path(__file__).parent))
from asking import FIRMS, SECRET, Office

BY_CITY = f'SELECT 盟市, count(*) AS 户数 FROM "{FIRMS}" WHERE 盟市 = $city AND 注册资本 >= $least GROUP BY 盟市'


def whole(**changes: Any) -> dict[str, Any]:
    return {
        "name": "市场主体",
        "parameters": [
            {"name": "city", "kind": "text", "label": "盟市", "default": "包头市"},
            {"name": "least", "kind": "number", "default": "10"},
        ],
        "cells": [
            {"id": "about", "kind": "note", "text": "# 说明\n按盟市统计"},
            {"id": "count", "kind": "sql", "title": "户数", "text": BY_CITY},
            {"id": "draw", "kind": "chart", "source": "count", "chart": {"kind": "bar", "x": "盟市", "y": ["户数"]}},
            {"id": "names", "kind": "sql", "text": f'SELECT 法定代表人 FROM "{FIRMS}" ORDER BY 注册资本 LIMIT 1'},
        ],
        **changes,
    }


def draft(sharing: Sharing = Sharing.PRIVATE, **changes: Any) -> NotebookDraft:
    return NotebookDraft.from_json(whole(**changes), sharing=sharing)


def test_a_run_hands_over_every_cell_with_grade_tables_and_masks(office: Office) -> None:
    books, who = office.platform.notebooks, office["first"]
    made = books.save(who, draft())
    out = {one.cell.id: one for one in books.run(who, made.id)}
    assert [one.state for one in out.values()] == [CellState.DONE] * 4
    assert out["count"].result is not None
    assert out["count"].result.rows.to_pylist() == [{"盟市": "包头市", "户数": 20}]
    assert (out["count"].grade, list(out["count"].tables)) == ("L1", [FIRMS])
    assert out["draw"].result is out["count"].result, "a chart draws what was asked, not asks it again"
    assert out["names"].result is not None
    assert out["names"].result.rows.to_pylist()[0]["法定代表人"].endswith("*")
    assert out["names"].grade == "L2"
    assert office.platform.evidence.find(out["names"].result.receipt) is not None


def test_values_are_bound_and_never_become_text_of_a_query(office: Office) -> None:
    books, who = office.platform.notebooks, office["first"]
    made = books.save(who, draft())
    evil = "x' OR '1'='1"
    for words in (evil, "包头市' --", "$least", f'" UNION SELECT * FROM "{SECRET}'):
        one = books.run_cell(who, made.id, "count", {"city": words})
        assert one.result is not None
        assert one.result.rows.num_rows == 0
    counted = books.run_cell(who, made.id, "count", {"city": "赤峰市", "least": "60"})
    assert counted.result is not None
    assert counted.result.rows.to_pylist() == [{"盟市": "赤峰市", "户数": 4}]
    for said in ({"least": "10; DROP"}, {"least": "１０"}, {"strange": "1"}):
        with pytest.raises(Invalid) as wrong:
            books.run_cell(who, made.id, "count", said)
        assert wrong.value.reason == "notebook_value"


def test_the_first_cell_that_fails_is_the_last(office: Office) -> None:
    books, who = office.platform.notebooks, office["first"]
    cells = whole()["cells"]
    cells.insert(2, {"id": "hidden", "kind": "sql", "text": f'SELECT * FROM "{SECRET}"'})
    cells.insert(3, {"id": "made_up", "kind": "sql", "text": "SELECT * FROM 没有这张表"})
    made = books.save(who, draft(cells=cells))
    out = list(books.run(who, made.id))
    assert [one.cell.id for one in out] == ["about", "count", "hidden"]
    assert out[-1].state is CellState.FAILED
    hidden, absent = (books.run_cell(who, made.id, name) for name in ("hidden", "made_up"))
    assert hidden.code == absent.code
    lines = office.browser_json("first").post(f"/api/v1/notebooks/{made.id}/run", json={}).text.splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["done", "done", "failed"]


def test_sharing_shows_text_and_everybody_sees_the_own_rows(office: Office) -> None:
    books = office.platform.notebooks
    made = books.save(office["steward"], draft(name="共享"))
    for login in ("colleague", "first"):
        with pytest.raises(NotFound):
            books.notebook(office[login], made.id)
    read = books.change(office["steward"], made.id, draft(Sharing.READ, name="共享"), 1)
    assert [one.revision for one in books.versions(office["colleague"], made.id)] == [2], "what was private stays so"
    with pytest.raises(NotFound):
        books.change(office["colleague"], made.id, draft(Sharing.READ, name="改"), 2)
    books.change(office["steward"], made.id, draft(Sharing.EDIT, name="共享"), read.revision)
    changed = books.change(office["colleague"], made.id, draft(Sharing.PRIVATE, name="同事改的"), 3)
    assert (changed.sharing, changed.owner_id, changed.by_name) == (Sharing.EDIT, office["steward"].id, "colleague某")
    with pytest.raises(Conflict) as moved:
        books.change(office["steward"], made.id, draft(Sharing.EDIT, name="晚了"), 3)
    assert moved.value.reason == "notebook_moved"
    with pytest.raises(NotFound):
        books.remove(office["colleague"], made.id)
    with pytest.raises(NotFound):
        books.notebook(office["first"], made.id)


def test_versions_come_back_and_are_compared(office: Office) -> None:
    books, who = office.platform.notebooks, office["first"]
    made = books.save(who, draft(name="甲"))
    books.change(who, made.id, draft(name="乙"), 1)
    back = books.restore(who, made.id, 1)
    assert (back.revision, back.name) == (3, "甲")
    lines = books.compare(who, made.id, 1, 2)
    assert any(line.startswith("-") and "甲" in line for line in lines)
    assert any(line.startswith("+") and "乙" in line for line in lines)
    assert list(books.compare(who, made.id, 1, 3)) == []
    books.remove(who, made.id)
    with pytest.raises(NotFound):
        books.notebook(who, made.id)


def test_a_notebook_leaves_and_comes_back_as_a_file_without_a_row(office: Office, tmp_path: Path) -> None:
    made = office.platform.notebooks.save(office["first"], draft(name="文件"))
    group = notebook_commands(lambda: office.platform.notebooks, lambda: office.platform.access)
    path = tmp_path / "notebook.json"
    assert CliRunner().invoke(group, ["export", made.id, "--out", str(path), "--as", "first"]).exit_code == 0
    assert json.loads(path.read_text("utf-8")) == made.to_json()
    terminal.set_style(as_json=True, language=terminal.language())
    answer = CliRunner().invoke(group, ["import", str(path), "--as", "second"])
    assert answer.exit_code == 0, answer.output
    copied = json.loads(answer.output.splitlines()[0])[0]["id"]
    assert office.platform.notebooks.notebook(office["second"], copied).to_json() == made.to_json()
    ran = CliRunner().invoke(group, ["run", copied, "--set", "city=赤峰市", "--as", "second"])
    assert ran.exit_code == 0, ran.output
    assert "赤峰市" in ran.output


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"cells": []},
        {"cells": [{"kind": "sql", "text": "SELECT $unknown"}]},
        {"cells": [{"kind": "chart", "source": "later", "chart": {"kind": "bar", "x": "a", "y": ["b"]}}]},
        {"cells": [{"id": "a", "kind": "note"}, {"id": "a", "kind": "note"}]},
        {"parameters": [{"name": "x"}, {"name": "x"}]},
        {"parameters": [{"name": "least; DROP"}]},
        {"cells": [{"kind": "shell", "text": "ls"}]},
        {"cells": "SELECT 1"},
        {"beijiang_notebook": 99},
    ],
)
def test_what_is_no_notebook_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as wrong:
        draft(**changes)
    assert wrong.value.reason == "notebook_unfit"


def test_data_are_asked_for_in_place_of_being_taken(office: Office) -> None:
    platform, who = office.platform, office["first"]
    made = platform.notebooks.save(who, draft(name="要数据"))
    answer = office.browser_json("first").post(
        f"/api/v1/notebooks/{made.id}/cells/names/wish", json={"purpose": "supervision", "use": "核对企业法定代表人"}
    )
    assert answer.status_code == 201, answer.text
    asked = platform.demands.demand(who, answer.json()["request"]).demand
    assert FIRMS in asked.draft.items
    assert "法定代表人（L2）" in asked.draft.items
    assert asked.org_id == "health"


def test_python_for_a_cell_keeps_values_apart_from_its_text(office: Office) -> None:
    made = office.platform.notebooks.save(office["first"], draft(name="程序"))
    evil = '\'; import os #\n"""'
    code = office.platform.notebooks.snippet(office["first"], made.id, "count", {"city": evil})
    tree = ast.parse(code)
    given = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in {"SQL", "VALUES"}
    }
    assert given["VALUES"] == [evil.strip(), 10.0]
    assert "$1" in given["SQL"]
    assert evil not in given["SQL"]
    plain = office.platform.notebooks.snippet(office["first"], made.id, "names")
    assert "Client(" in plain
    compile(plain, "snippet", "exec")
