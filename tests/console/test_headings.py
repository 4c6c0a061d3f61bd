"""What a reader of the screen goes by: headings follow each other without a gap, and no column is without a name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import beijiang
from beijiang.console.routes.notebooks import note

TEMPLATES = sorted(Path(beijiang.__file__).parent.rglob("templates/**/*.html"))


def test_no_column_of_a_page_is_without_a_name() -> None:
    assert len(TEMPLATES) > 100
    bare = re.compile(r"<th[^>]*>\s*</th>")
    assert [path.name for path in TEMPLATES if bare.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("没有标题", []),
        ("# 一\n\n## 二\n\n# 三", [3, 4, 3]),
        ("## 一\n\n## 二", [3, 3]),
        ("## 一\n\n# 二\n\n### 三", [3, 3, 4]),
        ("# 一\n\n###### 二\n\n## 三", [3, 4, 4]),
        ("# 1\n\n## 2\n\n### 3\n\n#### 4\n\n##### 5", [3, 4, 5, 6, 6]),
    ],
)
def test_headings_of_a_note_stand_below_that_of_its_cell(text: str, levels: list[int]) -> None:
    made = str(note(text))
    assert [int(one) for one in re.findall(r"<h(\d)>", made)] == levels
    assert re.findall(r"<h(\d)>", made) == re.findall(r"</h(\d)>", made)
