"""Automatic checks of a bundle: what it needs is there and granted, queries are allowed, quick enough and what tests expect."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from beijiang.access import Permission
from beijiang.apps.models import AppTest, BlockKind, Bundle, CardData, Check, filled_by, handed_in, values_of
from beijiang.apps.models.drawing import shown
from beijiang.apps.service.promises import Checked, Promises
from beijiang.kit import ANONYMOUS, BeijiangError, Language, Text
from beijiang.protection import ControlRule, QueryClass, asks
from beijiang.tables import Exit

if TYPE_CHECKING:
    from beijiang.apps.models import Query
    from beijiang.kit import Actor
    from beijiang.protection import Seen

__all__ = ["Checked", "Checking", "OpenedGrant"]

_Words: TypeAlias = tuple[str, str]

BUDGET: Final = 5.0
"""Seconds that one query may take when nothing is kept of it."""


@dataclass(frozen=True, slots=True)
class OpenedGrant:
    """A grant that an application reads under, and what it opens; None where it opens nothing now."""

    table: str
    grant: str
    seen: Seen | None


class Checking(Promises):
    """Check bundles."""

    def check(self, actor: Actor, files: Mapping[str, str]) -> Checked:
        """Check a bundle as somebody of its department; nothing is kept.

        Raises:
            Invalid: it cannot be read; every fault is named (``app_faulty``).
            Denied: the actor may not build for the department that it names.

        """
        bundle = handed_in(files)
        self.access.require(actor, Permission.APPS_APP_BUILD, bundle.manifest.owner)
        found = Checked(bundle)
        found.checks.append(
            Check(
                name="languages",
                text=Text("结构与两种语言", "structure and both languages"),
                good=True,
                found=Text(
                    f"{len(bundle.pages)} 页，{len(bundle.english)} 条英文",
                    f"{len(bundle.pages)} pages, {len(bundle.english)} texts",
                ),
            )
        )
        found.checks.append(
            Check(
                name="accessibility",
                text=Text("无障碍", "accessibility"),
                good=True,
                found=Text("标题、链接和表头都读得出来", "headings, links and heads of tables can be read out"),
            )
        )
        self._check_roles(found, files)
        self._check_resources(actor, found, files)
        self._check_contracts(actor, found, files)
        self._check_own_grants(found, files)
        self._check_networks(actor, found)
        grades = self._check_queries(actor, found)
        if found.good:
            answers = self._check_answers(actor, found)
            self._check_columns(found, answers)
            self._check_tests(actor, found)
            highest = max(grades.values(), default="L1")
            found.checks.append(
                Check(
                    name="public",
                    text=Text("可以向公众发布", "may be released to the public"),
                    good=True,
                    found=self._public(bundle, highest),
                )
            )
        return found

    def test(self, actor: Actor, files: Mapping[str, str]) -> Checked:
        """Run the tests of a bundle as somebody of its department, and nothing else.

        Raises:
            Invalid, Denied: as ``check`` does.

        """
        bundle = handed_in(files)
        self.access.require(actor, Permission.APPS_APP_BUILD, bundle.manifest.owner)
        found = Checked(bundle)
        self._check_tests(actor, found)
        return found

    def _closed_to_public(self, bundle: Bundle) -> tuple[str, ...]:
        """Return the queries that a visitor would get no answer of."""
        defaults, own = values_of(bundle.manifest.parameters, {}), self.own_grants(bundle)
        closed = []
        for query in bundle.queries.values():
            try:
                self.sql.describe(ANONYMOUS, query.text, self.spoken(query, defaults), own)
            except BeijiangError:
                closed.append(query.name)
        return tuple(closed)

    def _public(self, bundle: Bundle, grade: str) -> Text:
        closed = self._closed_to_public(bundle)
        if not closed and bundle.manifest.roles:
            return Text(
                f"可以（最高 {grade}），但限定了角色，没有登录的人打不开",
                f"yes (at most {grade}), but for its roles only: nobody opens it without signing in",
            )
        if not closed:
            return Text(f"可以（最高 {grade}）", f"yes (at most {grade})")
        return Text(f"不可以：{'、'.join(closed)} 用到未开放的数据", f"no: {', '.join(closed)} read what is not open")

    def _check_resources(self, actor: Actor, found: Checked, files: Mapping[str, str]) -> None:
        """Every table that is named exists, and its department holds what it needs; unknown and hidden look the same."""
        from beijiang.apps.models.faults import line_of

        before, filled = len(found.faults), filled_by(found.bundle)
        for name in found.bundle.manifest.resources:
            if name in filled:
                continue  # its columns are those of the job's query, which is looked at in its place
            if self.gate.seen(actor, self.gate.find(name), Exit.APP) is None:
                found.faults.say(
                    "app.toml",
                    line_of(files["app.toml"], "resources"),
                    (
                        f"没有表 {name[:60]}，或本部门无权使用",
                        f"there is no table {name[:60]}, or the department may not use it",
                    ),
                    (
                        "改表名，或先申请共享（方式含“应用承载”）",
                        "mend the name, or ask for it in sharing, by way of hosted applications",
                    ),
                )
        self._check_own_tables(found, files)
        names = found.bundle.manifest.resources
        found.add(
            "resources",
            ("数据资源与授权", "resources and grants"),
            before,
            (f"{len(names)} 张表", f"{len(names)} tables"),
        )

    def _check_own_tables(self, found: Checked, files: Mapping[str, str]) -> None:
        """No job fills a table of another version or application with something else."""
        from beijiang.apps.models.faults import line_of

        with self.db.read() as connection:
            taken = self._clashes(connection, found.bundle)
        if taken is not None:
            job, app, number = taken
            found.faults.say(
                job.file,
                line_of(files[job.file], "table"),
                (
                    f"应用 {app} 的第 {number} 版也写表 {job.table}，而内容不同",
                    f"version {number} of {app} fills the table {job.table} too, with something else",
                ),
                ("换一个表名，读者在用的表不变", "name another table; the one that readers have stays as it is"),
            )

    def _check_own_grants(self, found: Checked, files: Mapping[str, str]) -> None:
        """Every grant that the application reads under is its department's, in force, and opens hosted applications."""
        from beijiang.apps.models.faults import line_of

        named, before = found.bundle.manifest.own_grants, len(found.faults)
        for one in self.opened(found.bundle):
            if one.seen is None:
                found.faults.say(
                    "app.toml",
                    line_of(files["app.toml"], one.table, "own_grants"),
                    (
                        f"本部门没有表 {one.table[:60]} 的有效授权 {one.grant[:60]}，或它不含“应用承载”方式",
                        f"the department holds no grant {one.grant[:60]} of {one.table[:60]} now, or not by way of hosted applications",
                    ),
                    ("改授权编号，或先申请共享", "mend the id of the grant, or ask for it in sharing"),
                )
        if named:
            count = len(named)
            found.add(
                "own_grants",
                ("应用自己的授权", "grants of its own"),
                before,
                (f"{count} 项，审核时须另行同意", f"{count}, which the review has to allow"),
            )

    def _check_networks(self, actor: Actor, found: Checked) -> None:
        """Every graph is the department's, open to others, and made of tables that the application names."""
        before, count = len(found.faults), 0
        for name, page in found.bundle.pages.items():
            for block in (one for one in page.blocks if one.kind is BlockKind.NETWORK):
                count += 1
                for what, mend in self._graph_faults(actor, found.bundle, str(block.facts["graph"])):
                    found.faults.say(f"pages/{name}.md", block.line, what, mend)
        if count:
            found.add("graphs", ("关系图", "graphs of relations"), before, (f"{count} 处", f"{count} blocks"))

    def _graph_faults(self, actor: Actor, bundle: Bundle, name: str) -> Sequence[tuple[_Words, _Words]]:
        """Return what is wrong with a graph that a page shows, each with how to mend it."""
        shown = name[:60]
        try:
            draft = self.networks.named(actor, bundle.manifest.owner, name).draft
        except BeijiangError:
            gone = (f"本部门没有关系图 {shown}", f"the department has no graph {shown}")
            return [(gone, ("改图名，或先声明它", "mend the name, or declare it first"))]
        faults: list[tuple[_Words, _Words]] = []
        if not draft.shared:
            closed = (f"关系图 {shown} 没有共享", f"the graph {shown} is not shared")
            faults.append((closed, ("在图的声明里打开共享", "share it in its declaration")))
        named = {self.gate.find(one) for one in bundle.manifest.resources}
        own = self.own_grants(bundle)
        for table in (draft.subjects.table, draft.holdings.table):
            if self.gate.find(table) not in named:
                unnamed = (
                    f"关系图用到了 app.toml 没有声明的表 {table}",
                    f"it reads {table}, which app.toml does not name",
                )
                faults.append((unnamed, ("加入 resources", "add it to resources")))
            if self.gate.find(table) in own:
                narrow = (
                    f"表 {table} 按应用自己的授权读取，关系图不能这样读",
                    f"{table} is read under a grant of its own; a graph cannot",
                )
                faults.append((narrow, ("去掉关系图，或去掉这项授权", "leave out the graph, or that grant")))
        return faults

    def opened(self, bundle: Bundle) -> Sequence[OpenedGrant]:
        """Return what each grant opens that an application reads under; no row is read."""
        return [
            OpenedGrant(table=table, grant=own.id, seen=self.gate.opened_by(table, own, Exit.APP))
            for table, own in self.own_grants(bundle).items()
        ]

    def _check_queries(self, actor: Actor, found: Checked) -> Mapping[str, str]:
        """Every query passes the gateway, reads only what the application names, and shows nothing of the highest grade."""
        before, grades = len(found.faults), {}
        named = {self.gate.find(name) for name in found.bundle.manifest.resources}
        defaults, own = values_of(found.bundle.manifest.parameters, {}), self.own_grants(found.bundle)
        for query in found.bundle.queries.values():
            try:
                told = self.sql.describe(actor, query.text, self.spoken(query, defaults), own)
            except BeijiangError as error:
                line = error.detail.get("line", 1)
                at = line if isinstance(line, int) else 1
                found.faults.say(query.file, at, (error.text.zh.rstrip("。"), error.text.en.rstrip(".")), _MEND)
                continue
            for table in (seen.table for seen in told.reads if seen.table not in named):
                found.faults.say(
                    query.file,
                    1,
                    (f"用到了 app.toml 没有声明的表 {table}", f"it reads {table}, which app.toml does not name"),
                    ("加入 resources", "add it to resources"),
                )
            grades[query.name] = told.grade
            if asks(ControlRule.NO_APPLICATION, told.grade, self.clock.now().astimezone(self.zone).date()):
                found.faults.say(
                    query.file,
                    1,
                    (
                        f"结果为 {told.grade} 级，不能在应用里展示",
                        f"its answer is graded {told.grade} and is shown in no application",
                    ),
                    ("改为计数或汇总", "count or sum instead"),
                )
        count = len(grades)
        found.add("queries", ("查询与分级", "queries and grades"), before, (f"{count} 条查询", f"{count} queries"))
        return grades

    def _check_answers(self, actor: Actor, found: Checked) -> Mapping[str, CardData]:
        """Every query answers within its time with the defaults of the parameters."""
        before, answers, slowest = len(found.faults), {}, 0.0
        defaults = values_of(found.bundle.manifest.parameters, {})
        for query in found.bundle.queries.values():
            begun = time.monotonic()
            answer = self._asked(actor, found, query, defaults, (query.file, 1))
            seconds = time.monotonic() - begun
            if answer is None:
                continue
            answers[query.name] = answer
            slowest = max(slowest, 0.0 if answer.cached else seconds)
            if not answer.cached and seconds > BUDGET:
                found.faults.say(
                    query.file,
                    1,
                    (f"用了 {seconds:.1f} 秒，超过 {BUDGET:g} 秒", f"it took {seconds:.1f} s, over {BUDGET:g} s"),
                    ("先筛选再汇总，或改用加工好的表", "filter before you sum, or read a table made for it"),
                )
        found.add(
            "budget",
            ("时间预算", "time budget"),
            before,
            (f"最慢 {slowest:.2f} 秒", f"the slowest took {slowest:.2f} s"),
        )
        return answers

    def _check_columns(self, found: Checked, answers: Mapping[str, CardData]) -> None:
        """Blocks name columns that their queries give, and the heads of tables and legends have their English."""
        before = len(found.faults)
        for name, page in found.bundle.pages.items():
            for block in (one for one in page.blocks if one.query in answers):
                given = answers[block.query].columns
                file = f"pages/{name}.md"
                for column in (one for one in block.columns if one not in given):
                    offered = "、".join(given)
                    found.faults.say(
                        file,
                        block.line,
                        (
                            f"查询 {block.query} 没有列 {column[:60]}",
                            f"the query {block.query} gives no column {column[:60]}",
                        ),
                        (f"可用：{offered}", f"there are: {offered}"),
                    )
                for column in (one for one in given if not one.isascii() and one not in found.bundle.english):
                    found.faults.say(
                        f"queries/{block.query}.sql",
                        1,
                        (f"列名“{column[:60]}”没有英文", f"the column “{column[:60]}” has no English"),
                        (f'在 i18n/en.toml 里写 "{column[:60]}" = "…"', f'add "{column[:60]}" = "…" to i18n/en.toml'),
                    )
        found.add("columns", ("页面用到的列", "columns that pages use"), before, ("都有", "all there"))

    def _check_tests(self, actor: Actor, found: Checked) -> None:
        before = len(found.faults)
        for test in found.bundle.tests:
            self._check_test(actor, found, test)
        count = len(found.bundle.tests)
        found.add(
            "tests", ("应用自带的测试", "tests of the application"), before, (f"{count} 项通过", f"{count} passed")
        )

    def _check_test(self, actor: Actor, found: Checked, test: AppTest) -> None:
        query = found.bundle.queries[test.query]
        try:
            values = values_of(found.bundle.manifest.parameters, test.parameters)
        except BeijiangError as error:
            found.faults.say(test.file, 1, (error.text.zh.rstrip("。"), error.text.en.rstrip(".")), _MEND)
            return
        answer = self._asked(actor, found, query, values, (test.file, 1))
        if answer is None:
            return
        for zh, en in _misses(test, answer):
            found.faults.say(
                test.file,
                1,
                (f"{test.query}：{zh}", f"{test.query}: {en}"),
                ("改查询或改期望", "mend the query or what is expected"),
            )

    def _asked(
        self, actor: Actor, found: Checked, query: Query, values: Mapping[str, Any], place: tuple[str, int]
    ) -> CardData | None:
        try:
            return self._answer(actor, found.bundle, query, values, QueryClass.INTERACTIVE)
        except BeijiangError as error:
            found.faults.say(*place, (error.text.zh.rstrip("。"), error.text.en.rstrip(".")), _MEND)
            return None


_MEND: Final = ("改查询后再检查", "mend the query and check again")


def _misses(test: AppTest, answer: CardData) -> Sequence[tuple[str, str]]:
    """Return what a test expects and the answer is not; values are compared as readers see them."""
    found = []
    if test.columns and test.columns != answer.columns:
        given, wanted = ", ".join(answer.columns), ", ".join(test.columns)
        found.append((f"列是 {given}，应为 {wanted}", f"the columns are {given} and should be {wanted}"))
    if len(answer.rows) < test.rows_at_least:
        found.append(
            (
                f"有 {len(answer.rows)} 行，应至少 {test.rows_at_least} 行",
                f"there are {len(answer.rows)} rows and should be at least {test.rows_at_least}",
            )
        )
    first = answer.rows[0] if answer.rows else {}
    for column, wanted in (test.first or {}).items():
        given = shown(first.get(column), Language.EN)
        if given != shown(wanted, Language.EN):
            found.append((f"首行 {column} 是 {given}", f"{column} of the first row is {given}"))
    return found
