"""The first files of a new application: small, whole, and passing its own checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

__all__ = ["starter"]

QUERY: Final = 'SELECT count(*) AS rows FROM "TABLE"\n'


def starter(app_id: str, owner: str, table: str) -> Mapping[str, str]:
    """Return a bundle with one page that counts the rows of a table."""
    quoted, written = table.replace('"', '""'), json.dumps(table, ensure_ascii=False)
    return {
        "app.toml": f"""id = "{app_id}"
version = "0.1.0"
owner = "{owner}"
resources = [{written}]
pages = ["overview"]
schedule = "none"

[name]
zh = "我的第一个应用"
en = "My first application"

[purpose]
zh = "看一张表有多少行。"
en = "See how many rows a table has."
""",
        "pages/overview.md": """# 概览

这一页由应用模板生成，请改成您的内容。

```number
query = "total"
title = "行数"
value = "rows"
```
""",
        "queries/total.sql": QUERY.replace("TABLE", quoted),
        "api/total.toml": 'query = "total"\nsummary = { zh = "行数", en = "Number of rows" }\n',
        "i18n/en.toml": """"概览" = "Overview"
"这一页由应用模板生成，请改成您的内容。" = "This page comes from the template; make it yours."
"行数" = "Rows"
""",
        "tests/total.toml": '[[test]]\nquery = "total"\ncolumns = ["rows"]\nrows_at_least = 1\n',
    }
