"""The directory as a spreadsheet in the console: a steward brings a GBK file, mends what is told by line, and takes it away again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

GOOD = (
    "信息资源名称,信息资源分类,信息资源摘要,信息项名称,数据类型\n学位登记,201003,各校学位,学校,字符型\n,,,学位数,整型\n"
)


def send(desk: Any, text: str, what: str) -> Any:
    content = text.encode("gb18030")
    return desk.post("/console/directory", {"what": what}, files={"file": ("目录.csv", content, "text/csv")})


def test_a_file_is_checked_mended_and_read_in(office: Any, desk: Callable[..., Any]) -> None:
    steward = desk("steward")
    answer = send(steward, GOOD.replace("整型", "数字"), "take")
    assert answer.status_code == 422
    assert "没有数据类型“数字”" in answer.text
    assert '<td class="n">3</td>' in answer.text
    assert "检查通过，还没有保存：将新增 1" in send(steward, GOOD, "check").text
    assert "已保存：新增 1" in send(steward, GOOD, "take").text
    assert "学位登记" in steward.get("/console/catalog?_find=学位登记").text
    told = steward.get("/console/directory/export.csv")
    assert "学位数" in told.content.decode("utf-8-sig")
    assert told.headers["cache-control"] == "no-store"
    assert "学位数" not in desk("bureau_reviewer").get("/console/directory").text
    assert send(desk("bureau_reviewer"), GOOD, "take").status_code == 403
    assert "没有“信息资源名称”这一列" in send(steward, "a,b\n1,2\n", "take").text
    assert desk("sys_admin").get("/console/directory").status_code == 403
