"""``beijiang forecasts``: declare forecasts, have them made, read them beside their back-tests."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.mining.models import Effort, ForecastDraft, SourceKind
from beijiang.terminal import Column, asked_after, language, progress, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.mining.models import Forecast, ForecastCard, ForecastRun
    from beijiang.mining.service import Forecasts, SeriesLine, SeriesView

__all__ = ["forecast_commands"]

_WAITING = typer.Option(False, "--waiting", help="Only those whose card waits for the person.")
_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_FORECAST = typer.Argument(help="Id of the forecast, or the table that it fills.")
_FILE = typer.Argument(help="Forecast as TOML or JSON: source, series, period, value.", exists=True, dir_okay=False)
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_SEEN = typer.Option(None, help="The `seen` of the card as you read it; without it you are shown and asked.")
_NUMBER = typer.Option(0, "--run", help="Number of the run; without it the newest.")
_KEY = typer.Argument(None, help="What tells the series apart, in the order of the series columns.")

_FORECASTS = (
    Column("id", Text("标识", "id"), spare=True),
    Column("target", Text("结果表", "table"), whole=True),
    Column("name", Text("名称", "name")),
    Column("kind", Text("来源类别", "kind")),
    Column("source", Text("来源", "source")),
    Column("on_write", Text("随来源更新", "on write")),
    Column("revision", Text("修订", "revision"), right=True),
)
_CARD = (
    Column("target", Text("结果表", "table"), whole=True),
    Column("state", Text("状态", "state")),
    Column("holds", Text("现行修订已批准", "this revision approved")),
    Column("purpose", Text("用途", "purpose")),
    Column("limits", Text("不适用", "not for")),
    Column("found", Text("回测显示的限制", "limits found")),
    Column("data_version", Text("数据版本", "data")),
    Column("mase", Text("MASE", "MASE"), right=True),
    Column("naive", Text("朴素 MASE", "naive MASE"), right=True),
    Column("cover80", Text("80% 区间", "80% held"), right=True),
    Column("approver", Text("批准人", "approved by")),
    Column("seen", Text("显示标记", "seen"), spare=True),
)
_RUNS = (
    Column("number", Text("次", "run"), right=True),
    Column("at", Text("时间", "at")),
    Column("cause", Text("起因", "because")),
    Column("data_version", Text("数据版本", "data")),
    Column("last_period", Text("末期", "last period")),
    Column("series", Text("序列", "series"), right=True),
    Column("done", Text("有预测", "forecast"), right=True),
    Column("mase", Text("MASE", "MASE"), right=True),
    Column("naive", Text("朴素 MASE", "naive MASE"), right=True),
    Column("seconds", Text("秒", "seconds"), right=True),
    Column("error", Text("错误", "error")),
    Column("model", Text("模型库", "model"), spare=True),
    Column("calendar", Text("日历", "calendar"), spare=True),
)
_SERIES = (
    Column("key", Text("序列", "series"), whole=True),
    Column("method", Text("方法", "method")),
    Column("mase", Text("MASE", "MASE"), right=True),
    Column("naive", Text("朴素 MASE", "naive MASE"), right=True),
    Column("cover80", Text("80% 区间", "80% held"), right=True),
    Column("why", Text("为什么没有预测", "why no forecast")),
    Column("next", Text("怎么办", "what would help"), spare=True),
)
_VALUES = (
    Column("period", Text("期间", "period")),
    Column("middle", Text("预测", "forecast"), right=True),
    Column("low80", Text("80% 下限", "80% low"), right=True),
    Column("high80", Text("80% 上限", "80% high"), right=True),
    Column("low95", Text("95% 下限", "95% low"), right=True),
    Column("high95", Text("95% 上限", "95% high"), right=True),
)
_TESTS = (
    Column("method", Text("方法", "method")),
    Column("mase", Text("MASE", "MASE"), right=True),
    Column("smape", Text("sMAPE", "sMAPE"), right=True),
    Column("cover80", Text("80% 区间", "80% held"), right=True),
    Column("cover95", Text("95% 区间", "95% held"), right=True),
)
_KEPT = (
    Column("run", Text("次", "run"), right=True),
    Column("period", Text("期间", "period")),
    Column("middle", Text("预测", "forecast"), right=True),
    Column("actual", Text("实际", "came true"), right=True),
    Column("error", Text("误差", "error"), right=True),
    Column("held", Text("在 80% 区间内", "within 80%")),
)


def forecast_commands(get: Callable[[], Forecasts], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Forecasts of series, each beside its back-test.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(waiting: bool = _WAITING, person: str = _AS) -> None:
        """Show the forecasts in force."""
        found = get().to_approve(who(person)) if waiting else get().forecasts(who(person))
        show([_forecast(one) for one in found], _FORECASTS)

    @group.command("check")
    def check(file: Path = _FILE, person: str = _AS) -> None:
        """Show which series a declaration comes to, and why some have no forecast; nothing is kept."""
        found = get().check(who(person), _draft(file))
        rows = [{"key": " / ".join(key), **_why(reason)} for key, reason in found.without]
        show(rows, (_SERIES[0], *_SERIES[5:]))
        say(
            Text(
                f"{found.frequency.text.zh}，共 {found.series} 条序列，{found.ready} 条可以预测，末期 {found.last_period}。",
                f"{found.frequency.text.en}: {found.series} series, {found.ready} can be forecast, the last period is {found.last_period}.",
            )
        )

    @group.command("save")
    def save(file: Path = _FILE, reason: str = typer.Option("", help="Why."), person: str = _AS) -> None:
        """Put a forecast in force and make it."""
        actor = who(person)
        _run_now(get(), actor, get().save(actor, _draft(file), reason).id)

    @group.command("change")
    def change(forecast: str = _FORECAST, file: Path = _FILE, reason: str = _REASON, person: str = _AS) -> None:
        """Make a new revision of a forecast and make it anew."""
        actor = who(person)
        _run_now(get(), actor, get().change(actor, forecast, _draft(file), reason).id)

    @group.command("retire")
    def retire(forecast: str = _FORECAST, reason: str = _REASON, person: str = _AS) -> None:
        """Let a forecast run no more; its tables and its history stay."""
        ended = get().retire(who(person), forecast, reason)
        say(Text(f"预测“{ended.name}”已停用。", f'Forecast "{ended.name}" is retired.'))

    @group.command("run")
    def run(forecast: str = _FORECAST, person: str = _AS) -> None:
        """Make a forecast anew now."""
        _run_now(get(), who(person), forecast)

    _add_looking(group, get, who)
    _add_cards(group, get, who)
    return group


def _add_cards(group: typer.Typer, get: Callable[[], Forecasts], who: Callable[[str], Actor]) -> None:
    @group.command("card")
    def card(forecast: str = _FORECAST, person: str = _AS) -> None:
        """Show the model card: purpose, data, back-test, limits, who approved it."""
        _card(get().card(who(person), forecast))

    @group.command("describe")
    def describe(
        forecast: str = _FORECAST,
        purpose: str = typer.Option(..., help="What it is for."),
        limits: str = typer.Option(..., help="For what it is not."),
        person: str = _AS,
    ) -> None:
        """Say what a forecast is for and where it ends, for another to approve."""
        _card(get().describe(who(person), forecast, purpose, limits))

    @group.command("approve")
    def approve(forecast: str = _FORECAST, note: str = _REASON, seen: str = _SEEN, person: str = _AS) -> None:
        """Approve the card of a forecast that somebody else described. Without --seen it is shown first."""
        actor = who(person)
        if seen is None:
            found = get().card(actor, forecast)
            seen = asked_after(lambda: _card(found), found.shown.token)
        _card(get().decide_card(actor, forecast, approve=True, note=note, seen=seen))

    @group.command("return")
    def return_(forecast: str = _FORECAST, note: str = _REASON, person: str = _AS) -> None:
        """Send the card of a forecast back."""
        _card(get().decide_card(who(person), forecast, approve=False, note=note))


def _card(card: ForecastCard) -> None:
    said, run = card.waiting or card.approved, card.run
    row = {
        "target": card.forecast.target,
        "state": None if said is None else said.state.text.in_language(language()),
        "holds": card.holds,
        "purpose": None if said is None else said.purpose,
        "limits": None if said is None else said.limits,
        "found": " ".join(one.in_language(language()) for one in card.limits),
        "data_version": None if run is None else run.data_version,
        "mase": None if run is None or run.mase is None else round(run.mase, 3),
        "naive": None if run is None or run.naive_mase is None else round(run.naive_mase, 3),
        "cover80": None if run is None or run.cover80 is None else round(run.cover80, 3),
        "seen": card.shown.token,
        "approver": None if card.approved is None else card.approved.decided_by,
    }
    show([row], _CARD)


def _add_looking(group: typer.Typer, get: Callable[[], Forecasts], who: Callable[[str], Actor]) -> None:
    @group.command("runs")
    def runs(forecast: str = _FORECAST, person: str = _AS) -> None:
        """Show the runs of a forecast, newest first."""
        show([_run(one) for one in get().runs(who(person), forecast)], _RUNS)

    @group.command("series")
    def series(forecast: str = _FORECAST, number: int = _NUMBER, person: str = _AS) -> None:
        """Show the series of a run: method and back-test, or why there is no forecast."""
        _, lines = get().series(who(person), forecast, number)
        show([_line(one) for one in lines], _SERIES)

    @group.command("show")
    def show_(
        forecast: str = _FORECAST, key: list[str] | None = _KEY, number: int = _NUMBER, person: str = _AS
    ) -> None:
        """Show one series: forecast, back-test, and earlier forecasts against what came true."""
        _show_view(get().one_series(who(person), forecast, key or [], number))


def _draft(file: Path) -> ForecastDraft:
    """Read a forecast from a file.

    Raises:
        Invalid: it is no TOML or JSON object, or has words that no forecast has.

    """
    text = file.read_text("utf-8")
    try:
        said: Any = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
        source = str(said["source"])
        draft = ForecastDraft(
            name=str(said.pop("name", "")),
            source=str(said.pop("source")),
            target=str(said.pop("target", "") or f"{source}_预测"),
            kind=SourceKind(said.pop("kind", "table")),
            series=tuple(map(str, said.pop("series", []))),
            period=str(said.pop("period", "")),
            value=str(said.pop("value", "")),
            definition=str(said.pop("definition", "")),
            horizon=int(said.pop("horizon", 0)),
            effort=Effort(said.pop("effort", "usual")),
            on_write=bool(said.pop("on_write", True)),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unread(file, str(error)) from None
    if said:
        raise _unread(file, ", ".join(sorted(map(str, said))))
    return draft


def _unread(file: Path, why: str) -> Invalid:
    return Invalid(
        f"“{file.name}”不是预测定义：{why[:200]}。写法见 docs/how-to/forecast-a-series.md。",
        f"{file.name} is no forecast: {why[:200]}. See docs/how-to/forecast-a-series.md.",
        code="forecast_unfit",
    )


def _run_now(service: Forecasts, actor: Actor, forecast_id: str) -> None:
    with progress(Text("预测", "forecasting")) as bar:
        done = service.run_now(actor, forecast_id, lambda job: bar.update(job.progress.done, job.progress.total))
    show([_run(done)], _RUNS)
    say(
        Text(
            f"第 {done.number} 次运行：{done.series} 条序列，{done.done} 条有预测，用时 {done.seconds:.1f} 秒。",
            f"Run {done.number}: {done.series} series, {done.done} forecast, {done.seconds:.1f} s.",
        )
    )


def _forecast(one: Forecast) -> dict[str, Any]:
    return {
        "id": one.id,
        "target": one.target,
        "name": one.name,
        "kind": one.kind.text.in_language(language()),
        "source": one.source,
        "on_write": one.on_write,
        "revision": one.revision,
    }


def _run(run: ForecastRun) -> dict[str, Any]:
    return {
        "number": run.number,
        "at": run.at.isoformat(timespec="seconds"),
        "cause": run.cause.text.in_language(language()),
        "data_version": run.data_version,
        "last_period": run.last_period,
        "series": run.series,
        "done": run.done,
        "mase": _figure(run.mase),
        "naive": _figure(run.naive_mase),
        "seconds": round(run.seconds, 1),
        "error": "" if run.error is None else run.error.in_language(language()),
        "model": run.model,
        "calendar": run.calendar,
    }


def _why(found: Any) -> dict[str, str]:
    tongue = language()
    why = f"{found.why.text.in_language(tongue)}: {found.facts.in_language(tongue)}"
    return {"why": why, "next": found.next_step.in_language(tongue)}


def _line(line: SeriesLine) -> dict[str, Any]:
    key = " / ".join(line.key)
    if line.method is None:
        return {"key": key, "method": "", **(_why(line.without) if line.without else {})}
    naive = min((s.mase for m, s in line.scores.items() if m.value.endswith("naive")), default=None)
    shown = line.scores[line.method]
    return {
        "key": key,
        "method": line.method.text.in_language(language()),
        "mase": _figure(shown.mase),
        "naive": _figure(naive),
        "cover80": f"{shown.cover80:.0%}",
        "why": "",
    }


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _show_view(view: SeriesView) -> None:
    tongue = language()
    if view.line.without is not None:
        show([_line(view.line)], _SERIES)
        return
    figures = ("middle", "low80", "high80", "low95", "high95")
    show([{"period": e.period, **{f: _figure(getattr(e, f)) for f in figures}} for e in view.expected], _VALUES)
    show(
        [
            {
                "method": method.text.in_language(tongue) + (" *" if method is view.line.method else ""),
                "mase": _figure(score.mase),
                "smape": _figure(score.smape),
                "cover80": f"{score.cover80:.0%}",
                "cover95": f"{score.cover95:.0%}",
            }
            for method, score in view.line.scores.items()
        ],
        _TESTS,
    )
    if view.kept:
        show(
            [
                {
                    "run": one.forecast.run,
                    "period": one.forecast.period,
                    "middle": _figure(one.forecast.middle),
                    "actual": _figure(one.actual),
                    "error": "" if one.error is None else f"{one.error:+.1%}",
                    "held": one.held,
                }
                for one in view.kept
            ],
            _KEPT,
        )
    if not view.line.beats_naive:
        say(Text("没有模型优于朴素方法，显示的是朴素方法。", "No model beat the naive methods; a naive one is shown."))
