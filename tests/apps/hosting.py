"""A small application over the register of firms of the work-bench's tests, and its way to readers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from asking import FIRMS, OWNER, SECRET, Office

from beijiang.apps import AudienceKind

APP = "firms-app"
HEAD = f"""id = "{APP}"
version = "1.0.0"
owner = "{OWNER}"
resources = ["{FIRMS}"]
pages = ["overview", "leagues"]

[name]
zh = "企业一览"
en = "Firms"

[purpose]
zh = "看企业。"
en = "See firms."

[parameters.league]
type = "text"
label = {{ zh = "盟市", en = "League" }}

[parameters.least]
type = "number"
label = {{ zh = "至少", en = "At least" }}
default = 0
"""
OVERVIEW = """# 概览

现在看的是 {{league}}。

```number
query = "total"
title = "户数"
value = "户数"
```

```chart
query = "by_league"
title = "各盟市"
x = "盟市"
y = ["户数"]
```

```text
query = "total"
when = [{ column = "户数", op = ">", value = 30, say = "企业很多。" }]
otherwise = "企业不多。"
```

```link
page = "leagues"
title = "看名单"
```
"""
LEAGUES = """# 名单

```filter
parameters = ["league", "least"]
```

```table
query = "firms"
title = "企业"
link = { page = "overview", set = { league = "盟市" } }
```
"""
ENGLISH = """"概览" = "Overview"
"现在看的是 {{league}}。" = "You look at {{league}}."
"户数" = "Number"
"各盟市" = "By league"
"盟市" = "League"
"企业很多。" = "Many firms."
"企业不多。" = "Few firms."
"看名单" = "The list"
"名单" = "List"
"企业" = "Firms"
"企业名称" = "Name"
"法定代表人" = "Head"
"""


def bundle(**changes: str | None) -> dict[str, str]:
    """Return the files; a change is named by its file with ``__`` for the slash and ``_`` for the dot of its ending."""
    files = {
        "app.toml": HEAD,
        "pages/overview.md": OVERVIEW,
        "pages/leagues.md": LEAGUES,
        "queries/total.sql": f'SELECT count(*) AS "户数" FROM "{FIRMS}" WHERE ($league IS NULL OR "盟市" = $league)',
        "queries/by_league.sql": f'SELECT "盟市", count(*) AS "户数" FROM "{FIRMS}" GROUP BY 1 ORDER BY 1',
        "queries/firms.sql": (
            f'SELECT "企业名称", "法定代表人", "盟市" FROM "{FIRMS}" '
            'WHERE ($league IS NULL OR "盟市" = $league) AND "注册资本" >= $least ORDER BY 1'
        ),
        "api/leagues.toml": 'query = "by_league"\nsummary = { zh = "各盟市户数", en = "Firms by league" }\n',
        "i18n/en.toml": ENGLISH,
        "tests/shape.toml": (
            '[[test]]\nquery = "by_league"\ncolumns = ["盟市", "户数"]\nrows_at_least = 3\n\n'
            '[[test]]\nquery = "total"\nparameters = { league = "包头市" }\nfirst = { "户数" = 20 }\n'
        ),
    }
    for name, text in changes.items():
        folder, mark, stem = name.partition("__")
        file = f"{folder}/{stem}" if mark else folder
        head, _, ending = file.rpartition("_")
        path = f"{head}.{ending}"
        if text is None:
            del files[path]
        else:
            files[path] = text
    return files


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return made.getvalue()


def released(office: Office, files: Mapping[str, str], kind: AudienceKind, *names: str) -> int:
    """Bring a bundle to its readers, each step by whose task it is; return the number of its version."""
    apps = office.platform.apps
    app, version = apps.submit(office["steward"], files)
    apps.review(office["reviewer"], app.id, version.number, approve=True, note="可以")
    apps.release(office["publisher"], app.id, version.number, kind, names)
    return version.number


def renamed(files: Mapping[str, str], app_id: str) -> dict[str, str]:
    return {**files, "app.toml": files["app.toml"].replace(APP, app_id)}


__all__ = ["APP", "FIRMS", "HEAD", "OVERVIEW", "OWNER", "SECRET", "bundle", "released", "renamed", "zipped"]
