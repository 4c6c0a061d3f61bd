"""``beijiang quality``: rules, checks, failing rows, scores, decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.quality.commands.lines import RULES, rule_line
from beijiang.quality.commands.proposing import add_suggestions
from beijiang.quality.models import KINDS, Kind, RuleDraft, Scorecard, Severity, points
from beijiang.terminal import Column, as_json, asked_after, language, progress, say, show, verbatim

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.quality.models import Fact, Hold, Run
    from beijiang.quality.service import Quality, Standing

__all__ = ["commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_TABLE = typer.Argument(help="Name of the table.")
_RULE = typer.Argument(help="Id of the rule.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_VERSION = typer.Argument(help="The version that readers are to get.")
_SEEN = typer.Option(None, help="The `seen` of `quality held` as you read it; without it you are shown and asked.")
_KIND = typer.Argument(help="Kind of the rule; see beijiang quality kinds.")
_COLUMN = typer.Option([], "--column", help="Column that it is about; may be given several times.")
_SET = typer.Option([], "--set", help="Parameter as NAME=VALUE; may be given several times.")
_NAME = typer.Option("", help="Name of the rule; made of its columns when empty.")
_SEVERITY = typer.Option(Severity.MAJOR, help="A failing critical rule keeps readers on the last good version.")
_THRESHOLD = typer.Option(1.0, help="Least share that must pass, 0 to 1.")
_INDICATOR = typer.Option("", help="Indicator of GB/T 36344 that it counts for; the usual one when empty.")
_WHERE = typer.Option("", help="Only rows that meet this condition are assessed.")
_WEIGHT = typer.Option([], "--weight", help="Weight as CODE=NUMBER; two or four digits.")

_BOARD = (
    Column("table", Text("表", "table"), whole=True),
    Column("org_id", Text("部门", "organisation"), spare=True),
    Column("score", Text("得分", "score"), right=True),
    Column("assessed", Text("已评指标", "indicators"), right=True),
    Column("rules", Text("规则", "rules"), right=True),
    Column("failed", Text("未通过", "failed"), right=True),
    Column("held", Text("对读者", "readers")),
    Column("checked", Text("检查时间", "checked"), spare=True),
)
_FACTS = (
    Column("rule", Text("标识", "id"), spare=True),
    Column("name", Text("规则", "rule")),
    Column("indicator", Text("指标", "indicator")),
    Column("a", Text("A", "A"), right=True),
    Column("b", Text("B", "B"), right=True),
    Column("x", Text("X", "X"), right=True),
    Column("failing", Text("问题数", "failing"), right=True),
    Column("severity", Text("级别", "severity")),
    Column("outcome", Text("结果", "outcome")),
)
_KINDS = (
    Column("kind", Text("类型", "kind"), whole=True),
    Column("name", Text("含义", "meaning")),
    Column("columns", Text("列数", "columns")),
    Column("params", Text("参数", "parameters")),
    Column("indicators", Text("指标", "indicators")),
)
_SCORE = (
    Column("code", Text("代码", "code")),
    Column("name", Text("维度或指标", "dimension or indicator")),
    Column("score", Text("得分", "score"), right=True),
    Column("a", Text("A", "A"), right=True),
    Column("b", Text("B", "B"), right=True),
)
_CARDS = (
    Column("version", Text("版本", "version"), right=True),
    Column("name", Text("名称", "name")),
    Column("dimensions", Text("维度权重", "dimensions")),
    Column("indicators", Text("指标权重", "indicators")),
    Column("critical_cap", Text("严重封顶", "cap"), right=True),
    Column("reason", Text("理由", "reason")),
)


def commands(get: Callable[[], Quality], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Quality: rules on tables, checks, failing rows, scores.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("board")
    def board(person: str = _AS) -> None:
        """Show how the tables stand: held versions first, then by score, worst first."""
        show([_standing(one) for one in get().board(who(person))], _BOARD)

    @group.command("kinds")
    def kinds() -> None:
        """Show the kinds of rules, what each takes and which indicators it feeds."""
        show([_kind(kind) for kind in Kind], _KINDS)

    _add_rules(group, get, who)
    add_suggestions(group, get, who)
    _add_runs(group, get, who)
    _add_releases(group, get, who)
    _add_scores(group, get, who)
    return group


def _add_rules(group: typer.Typer, get: Callable[[], Quality], who: Callable[[str], Actor]) -> None:
    @group.command("rules")
    def rules(table: str = _TABLE, person: str = _AS) -> None:
        """Show the rules in force of a table."""
        show([rule_line(rule) for rule in get().rules(who(person), table)], RULES)

    @group.command("add")
    def add(
        table: str = _TABLE,
        kind: Kind = _KIND,
        column: list[str] = _COLUMN,
        param: list[str] = _SET,
        name: str = _NAME,
        severity: Severity = _SEVERITY,
        threshold: float = _THRESHOLD,
        indicator: str = _INDICATOR,
        where: str = _WHERE,
        trial: bool = typer.Option(False, "--try", help="Only count; keep nothing."),
        person: str = _AS,
    ) -> None:
        """Put a rule in force, for example: add 企业登记信息 check --column 统一社会信用代码 --set algorithm=uscc."""
        draft = RuleDraft(
            kind=kind,
            columns=tuple(column),
            params=_params(param),
            name=name,
            severity=severity,
            threshold=threshold,
            indicator=indicator,
            where=where,
        )
        if trial:
            tried = get().try_out(who(person), table, draft)
            show([{"name": tried.draft.name, "b": tried.b, "failing": tried.failing}])
            return
        show([rule_line(get().add(who(person), table, draft))], RULES)

    @group.command("change")
    def change(
        rule: str = _RULE,
        param: list[str] = _SET,
        severity: Severity | None = typer.Option(None, help="New severity."),  # noqa: B008
        threshold: float | None = typer.Option(None, help="New least share."),
        where: str | None = typer.Option(None, help="New condition on the rows that are assessed."),
        reason: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Make a new revision of a rule; what is not named stays."""
        old = get().history(who(person), rule)[-1]
        new = replace(
            old,
            params={**old.params, **_params(param)},
            severity=old.severity if severity is None else severity,
            threshold=old.threshold if threshold is None else threshold,
            where=old.where if where is None else where,
        )
        show([rule_line(get().change(who(person), rule, new, reason))], RULES)

    @group.command("retire")
    def retire(rule: str = _RULE, reason: str = _REASON, person: str = _AS) -> None:
        """Take a rule out of force; its history stays."""
        ended = get().retire(who(person), rule, reason)
        say(Text(f"规则“{ended.name}”已停用。", f'Rule "{ended.name}" is retired.'))


def _add_runs(group: typer.Typer, get: Callable[[], Quality], who: Callable[[str], Actor]) -> None:
    @group.command("check")
    def check(table: str = _TABLE, person: str = _AS) -> None:
        """Hold the newest version against its rules. Exit status 1 where a critical rule fails."""
        with progress(Text("检查", "checking")) as bar:
            run = get().check_now(who(person), table, lambda job: bar.update(job.progress.done, job.progress.total))
        _print_run(run)
        if run.blocking:
            raise typer.Exit(1)

    @group.command("show")
    def show_report(table: str = _TABLE, person: str = _AS) -> None:
        """Show the newest run of a table: A, B and X of each rule."""
        found = get().report(who(person), table)
        if found.run is None:
            say(Text("还没有检查过。请运行 beijiang quality check。", "Not checked yet. Run beijiang quality check."))
            return
        _print_run(found.run)
        if found.hold is not None:
            had = found.served or Text("无", "none").in_language(language())
            say(
                Text(
                    f"读者得不到第 {found.hold.version} 版，现用版本：{had}。",
                    f"Readers do not get version {found.hold.version}; they have version {had}.",
                )
            )

    @group.command("failing")
    def failing(
        table: str = _TABLE,
        rule: str = _RULE,
        limit: int = typer.Option(20, min=1, max=500, help="Rows shown at most."),
        person: str = _AS,
    ) -> None:
        """Show rows that fail a rule in the newest run, through the gate: masked as everywhere."""
        actor = who(person)
        found = get().report(actor, table).run
        if found is None:
            raise Invalid("还没有检查过。", "Not checked yet.", code="run_not_found")
        rows = get().failing(actor, found.id, rule).rows.slice(0, limit)
        show([verbatim(row) for row in rows.to_pylist()])


def _add_releases(group: typer.Typer, get: Callable[[], Quality], who: Callable[[str], Actor]) -> None:
    @group.command("held")
    def held(table: str = _TABLE, version: int = _VERSION, person: str = _AS) -> None:
        """Show what keeps a version back: the rules that fail, and on how many rows."""
        _print_hold(get().kept_back(who(person), table, version))

    @group.command("release")
    def release(
        table: str = _TABLE,
        version: int = _VERSION,
        reason: str = _REASON,
        seen: str = _SEEN,
        person: str = _AS,
    ) -> None:
        """Give readers a version although critical rules fail. Without --seen the rules are shown first."""
        actor = who(person)
        if seen is None:
            hold = get().kept_back(actor, table, version)
            seen = asked_after(lambda: _print_hold(hold), hold.shown.token)
        made = get().release(actor, table, version, reason, seen=seen)
        say(Text(f"{made.table} 第 {made.version} 版已放行。", f"Version {made.version} of {made.table} is released."))


def _add_scores(group: typer.Typer, get: Callable[[], Quality], who: Callable[[str], Actor]) -> None:
    @group.command("score")
    def score(table: str = _TABLE, person: str = _AS) -> None:
        """Show the score of a table by dimension and indicator, with what it rests on."""
        service = get()
        found = service.report(who(person), table).score
        names = {i.code: i for i in service.standards.quality_indicators()}
        lines: list[dict[str, Any]] = []
        for dimension in found.dimensions if found else ():
            heading = next(i.dimension for code, i in names.items() if code[:2] == dimension.code)
            lines.append(
                {"code": dimension.code, "name": heading.in_language(language()), "score": points(dimension.score)}
            )
            lines += [
                {
                    "code": i.code,
                    "name": "  " + names[i.code].name.in_language(language()),
                    "score": points(i.score),
                    "a": i.a,
                    "b": i.b,
                }
                for i in dimension.indicators
                if i.score is not None
            ]
        total = None if found is None else found.total
        words = Text("总分", "total").in_language(language())
        show([{"code": "", "name": words, "score": points(total)}, *lines], _SCORE)

    @group.command("scorecards")
    def scorecards(person: str = _AS) -> None:
        """Show the versions of the scorecard, the one in force first."""
        show([_card(card) for card in get().scorecards(who(person))], _CARDS)

    @group.command("set-scorecard")
    def set_scorecard(
        preset: str = typer.Argument("1", help="Shipped weights to begin from: 1, -1, -2, or their name."),
        weight: list[str] = _WEIGHT,
        cap: float | None = typer.Option(None, help="Most that a dimension scores while a critical rule fails."),
        reason: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Put other weights in force; scores are computed anew from the raw counts."""
        base = get().preset(preset)
        given = {code: _weight(words) for code, words in _params(weight).items()}
        card = replace(
            base,
            dimensions={**base.dimensions, **{c: w for c, w in given.items() if len(c) == 2}},  # noqa: PLR2004
            indicators={**base.indicators, **{c: w for c, w in given.items() if len(c) != 2}},  # noqa: PLR2004
            critical_cap=base.critical_cap if cap is None else cap,
        )
        show([_card(get().set_scorecard(who(person), card, reason))], _CARDS)


def _params(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in words:
        name, sign, value = one.partition("=")
        if not sign:
            raise Invalid(f"“{one}”应写成 名称=值。", f'"{one}" is written NAME=VALUE.', code="bad_option")
        found[name.strip()] = value
    return found


def _weight(words: str) -> float:
    try:
        return float(words)
    except ValueError:
        raise Invalid(f"权重“{words}”不是数字。", f'Weight "{words}" is no number.', code="bad_weight") from None


def _print_run(run: Run) -> None:
    show([_fact(fact) for fact in run.facts], _FACTS)
    if not as_json():
        words = (
            f"第 {run.version} 版，{run.rows:,} 行，{len(run.failed)} 项未通过，用时 {run.seconds:.2f} 秒。",
            f"Version {run.version}, {run.rows:,} rows, {len(run.failed)} failed, {run.seconds:.2f} s.",
        )
        say(Text(*words))


def _print_hold(hold: Hold) -> None:
    if not as_json():
        say(
            Text(
                f"{hold.table} 第 {hold.version} 版未通过 {len(hold.rules)} 条规则。",
                f"Version {hold.version} of {hold.table} fails {len(hold.rules)} rules.",
            )
        )
    show([{**_fact(fact), "seen": hold.shown.token} for fact in hold.facts], _FACTS)


def _standing(one: Standing) -> dict[str, Any]:
    held = Text("用上一个合格版本", "stay on the last good version")
    return {
        "table": one.table,
        "org_id": one.org_id,
        "score": None if one.score is None else points(one.score.total),
        "assessed": None if one.score is None else f"{one.score.assessed}/20",
        "rules": one.rules,
        "failed": 0 if one.run is None else len(one.run.failed),
        "held": "" if one.hold is None else held.in_language(language()),
        "checked": None if one.run is None else one.run.at,
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "rule": fact.rule_id,
        "name": fact.name,
        "indicator": fact.indicator,
        "a": fact.a,
        "b": fact.b,
        "x": None if fact.x is None else round(fact.x, 4),
        "failing": fact.failing,
        "severity": fact.severity.text.in_language(language()) if fact.rule_id else "",
        "outcome": fact.outcome.text.in_language(language()),
    }


def _kind(kind: Kind) -> dict[str, Any]:
    spec = KINDS[kind]
    least, most = spec.columns
    return {
        "kind": kind.value,
        "name": kind.text.in_language(language()),
        "columns": str(least) if least == most else f"{least}+" if most is None else f"{least}-{most}",
        "params": " ".join(f"{p.name}{'' if p.required else '?'}" for p in spec.params),
        "indicators": " ".join(spec.indicators),
    }


def _card(card: Scorecard) -> dict[str, Any]:
    return {
        "version": card.version,
        "name": card.name.in_language(language()),
        "dimensions": " ".join(f"{c}={w:g}" for c, w in card.dimensions.items()),
        "indicators": " ".join(f"{c}={w:g}" for c, w in card.indicators.items()),
        "critical_cap": card.critical_cap,
        "reason": card.reason,
    }
