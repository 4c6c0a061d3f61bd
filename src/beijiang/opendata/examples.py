"""Write the calls that a developer copies: the real address of this data set, for curl and for Python."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from beijiang.kit import Text


@dataclass(frozen=True, slots=True)
class Example:
    """One call: what it does, the language it is written in, and its text."""

    title: Text
    language: str
    code: str


def examples(api: str, column: str | None, value: str | None) -> tuple[Example, ...]:
    """Return calls against ``api`` (the data set's API address); ``column`` and ``value`` make the filter real."""
    condition = urlencode({f"{column}__contains": value or ""}) if column else ""
    filtered = f"{api}/rows?{condition}&_size=5" if condition else f"{api}/rows?_size=5"
    parameters = {f"{column}__contains": value or "", "_size": "1000"} if column else {"_size": "1000"}
    return (
        Example(Text("前 5 行", "The first 5 rows"), "sh", f"curl {shlex.quote(f'{api}/rows?_size=5')}"),
        Example(Text("按一列筛选", "Filter by one column"), "sh", f"curl {shlex.quote(filtered)}"),
        Example(
            Text("整个数据集存为 CSV", "The whole data set as CSV"),
            "sh",
            f"curl -OJ {shlex.quote(f'{api}/download?format=csv&encoding=utf-8')}",
        ),
        Example(Text("用 Python 逐页取全部行", "Every row, page by page, in Python"), "python", _walk(api, parameters)),
        Example(Text("用 pandas 读取", "With pandas"), "python", _pandas(api)),
        Example(Text("用 R 读取", "In R"), "r", _r(api)),
        Example(Text("用 JavaScript 读取", "In JavaScript"), "javascript", _javascript(api)),
    )


def _walk(api: str, parameters: dict[str, str]) -> str:
    return (
        "import json\n"
        "from urllib.parse import urlencode\n"
        "from urllib.request import urlopen\n\n"
        f"address = {api + '/rows'!r}\n"
        f"parameters = {parameters!r}\n"
        "rows = []\n"
        "while True:\n"
        '    with urlopen(address + "?" + urlencode(parameters)) as answer:\n'
        "        page = json.load(answer)\n"
        '    rows += page["rows"]\n'
        '    if page["next"] is None:\n'
        "        break\n"
        '    parameters["_next"] = page["next"]\n'
        "print(len(rows))\n"
    )


def _pandas(api: str) -> str:
    return (
        f"import pandas as pd\n\ntable = pd.read_parquet({api + '/download?format=parquet'!r})\nprint(table.head())\n"
    )


def _r(api: str) -> str:
    quoted = json.dumps(f"{api}/download?format=csv&encoding=utf-8")
    return f'table <- read.csv({quoted}, fileEncoding = "UTF-8", check.names = FALSE)\nhead(table)\n'


def _javascript(api: str) -> str:
    quoted = json.dumps(f"{api}/rows?_size=100")
    return f"const answer = await fetch({quoted});\nconst page = await answer.json();\nconsole.log(page.rows);\n"


def address(base: str, *parts: str) -> str:
    """Join a base address and path parts, each part quoted."""
    return "/".join([base.rstrip("/"), *(quote(part, safe="") for part in parts)])
