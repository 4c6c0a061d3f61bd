"""``beijiang models``: feature views, training sets, models and their register, scores."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.mining.models import PARAMETERS, Algorithm, ModelDraft, ScoreDraft, SetDraft, ViewDraft
from beijiang.terminal import Column, as_json, asked_after, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.mining.models import FeatureView, LearnedModel, ScorePlan, ScoreRun, TrainingSet
    from beijiang.mining.service.learning import Learning

__all__ = ["models"]

D = TypeVar("D", bound=BaseModel)

_WAITING = typer.Option(False, "--waiting", help="Only those that wait for the person.")
_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_FILE = typer.Argument(
    help="What is wanted, as TOML or JSON; see the how-to learn-from-data.md.", exists=True, dir_okay=False
)
_MODEL = typer.Argument(help="Id of the model.")
_TO = typer.Option(..., "--to", help="File to write.")
_SEEN = typer.Option(None, help="The `seen` of the model as you read it; without it you are shown and asked.")
_NOTE = typer.Option(..., "--note", help="Why; kept in the evidence.")

_ALGORITHMS = (
    Column("id", Text("算法", "algorithm"), whole=True),
    Column("name", Text("名称", "name")),
    Column("task", Text("任务", "task")),
    Column("parameters", Text("参数（常用，最小，最大）", "parameters (usual, least, most)")),
)
_VIEWS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("table", Text("表", "table")),
    Column("keys", Text("主体键", "keys")),
    Column("event_time", Text("事件时间", "event time")),
    Column("features", Text("特征", "features")),
    Column("revision", Text("修订", "revision"), right=True),
)
_SETS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("state", Text("状态", "state")),
    Column("table", Text("表", "table")),
    Column("label", Text("标签", "label")),
    Column("rows", Text("行数", "rows"), right=True),
    Column("left_out", Text("剔除", "left out"), right=True),
    Column("grade", Text("级别", "grade")),
    Column("digest", Text("摘要", "digest"), spare=True),
)
_MODELS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("state", Text("状态", "state")),
    Column("algorithm", Text("算法", "algorithm")),
    Column("grade", Text("级别", "grade")),
    Column("figures", Text("指标", "figures")),
    Column("digest", Text("摘要", "digest"), spare=True),
)
_PLANS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("model", Text("模型", "model")),
    Column("table", Text("表", "table")),
    Column("target", Text("评分表", "table of scores")),
    Column("rhythm", Text("何时", "when")),
)
_RUNS = (
    Column("at", Text("时间", "at")),
    Column("state", Text("结果", "state")),
    Column("rows", Text("行数", "rows"), right=True),
    Column("version", Text("版本", "version"), right=True),
    Column("seconds", Text("秒", "seconds"), right=True),
    Column("moved", Text("最大偏移", "moved most")),
    Column("error", Text("错误", "error")),
)
_WEIGHTS = (
    Column("name", Text("特征", "feature"), whole=True),
    Column("mean", Text("打乱后变差（无标签：变化）", "worse (without a label: changed) when shuffled"), right=True),
    Column("spread", Text("波动", "spread"), right=True),
)
_PROFILES = (
    Column("group", Text("组", "group"), right=True),
    Column("rows", Text("行数", "rows"), right=True),
    Column("name", Text("特征", "feature"), whole=True),
    Column("words", Text("均值或最常见的值", "mean, or commonest value")),
    Column("off", Text("与全部行相差", "off from all rows"), right=True),
)
_FIGURES = (
    Column("name", Text("指标", "figure"), whole=True),
    Column("value", Text("模型", "model"), right=True),
    Column("naive", Text("最简单的猜测", "simplest guess"), right=True),
)
_SHIFTS = (
    Column("name", Text("特征", "feature"), whole=True),
    Column("index", Text("稳定性指数", "stability index"), right=True),
    Column("level", Text("判断", "judged")),
)


def models(get: Callable[[], Learning], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(
        help="Models that learn from governed tables: features, training sets, register, scores.", no_args_is_help=True
    )

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("algorithms")
    def algorithms() -> None:
        """Show the algorithms that are offered, and what may be set of each."""
        show([_algorithm(one) for one in Algorithm], _ALGORITHMS)

    _add_features(group, get, who)
    _add_models(group, get, who)
    _add_scores(group, get, who)
    return group


def _add_features(group: typer.Typer, get: Callable[[], Learning], who: Callable[[str], Actor]) -> None:
    @group.command("views")
    def views(person: str = _AS) -> None:
        """Show the feature views."""
        show([_view(one) for one in get().views(who(person))], _VIEWS)

    @group.command("declare-view")
    def declare(file: Path = _FILE, view: str = typer.Option("", help="Change this one."), person: str = _AS) -> None:
        """Declare a feature view, or make a new revision of one."""
        actor, draft = who(person), _read(file, ViewDraft)
        made = get().change_view(actor, view, draft) if view else get().declare_view(actor, draft)
        show([_view(made)], _VIEWS)

    @group.command("retire-view")
    def retire_view(view: str = typer.Argument(help="Id of the feature view."), person: str = _AS) -> None:
        """Take a feature view out of use."""
        get().retire_view(who(person), view)
        say(Text("特征视图已停用。", "The feature view is out of use."))

    @group.command("sets")
    def sets(person: str = _AS) -> None:
        """Show the training sets."""
        show([_set(one) for one in get().training_sets(who(person))], _SETS)

    @group.command("make-set")
    def make_set(file: Path = _FILE, person: str = _AS) -> None:
        """Make a training set, through the gate, as this person may see."""
        show([_set(get().make_set_now(who(person), _read(file, SetDraft)))], _SETS)

    @group.command("compare")
    def compare(set_id: str = typer.Argument(help="Id of the training set."), person: str = _AS) -> None:
        """Show the models that learned from one training set beside each other."""
        show([_model(one) for one in get().compared(who(person), set_id)], _MODELS)


def _add_models(group: typer.Typer, get: Callable[[], Learning], who: Callable[[str], Actor]) -> None:
    @group.command("list")
    def list_(waiting: bool = _WAITING, person: str = _AS) -> None:
        """Show the models."""
        found = get().to_approve(who(person)) if waiting else get().models(who(person))
        show([_model(one) for one in found], _MODELS)

    @group.command("train")
    def train(file: Path = _FILE, person: str = _AS) -> None:
        """Train a model on a training set and try it on rows held out."""
        _card(get().train_now(who(person), _read(file, ModelDraft)))

    @group.command("show")
    def show_(model: str = _MODEL, person: str = _AS) -> None:
        """Show a model's card: figures against the simplest guess, and which features matter."""
        _card(get().model(who(person), model))

    @group.command("submit")
    def submit(model: str = _MODEL, note: str = typer.Option("", "--note", help="Words."), person: str = _AS) -> None:
        """Hand a model in for review."""
        show([_model(get().submit_model(who(person), model, note))], _MODELS)

    @group.command("approve")
    def approve(model: str = _MODEL, note: str = _NOTE, seen: str = _SEEN, person: str = _AS) -> None:
        """Approve a model that somebody else trained and handed in. Without --seen it is shown first."""
        actor = who(person)
        if seen is None:
            found = get().model(actor, model)
            seen = asked_after(lambda: _card(found), found.shown.token)
        show([_model(get().decide_model(actor, model, approve=True, note=note, seen=seen))], _MODELS)

    @group.command("return")
    def return_(model: str = _MODEL, note: str = _NOTE, person: str = _AS) -> None:
        """Send a model back as a draft."""
        show([_model(get().decide_model(who(person), model, approve=False, note=note))], _MODELS)

    @group.command("retire")
    def retire(model: str = _MODEL, note: str = _NOTE, person: str = _AS) -> None:
        """Take a model out of use."""
        show([_model(get().retire_model(who(person), model, note))], _MODELS)

    @group.command("export")
    def export(model: str = _MODEL, to: Path = _TO, person: str = _AS) -> None:
        """Write a model's file; one of sensitive data leaves after its approval only."""
        found, content = get().export_model(who(person), model)
        to.write_bytes(content)
        say(Text(f"已写入 {to}（{found.grade} 级）。", f"Written to {to} (grade {found.grade})."))


def _add_scores(group: typer.Typer, get: Callable[[], Learning], who: Callable[[str], Actor]) -> None:
    @group.command("plans")
    def plans(person: str = _AS) -> None:
        """Show the plans by which tables of scores are made."""
        show([_plan(one) for one in get().plans(who(person))], _PLANS)

    @group.command("plan-scores")
    def plan_scores(file: Path = _FILE, person: str = _AS) -> None:
        """Set up a table of scores of an approved model."""
        show([_plan(get().plan_scores(who(person), _read(file, ScoreDraft)))], _PLANS)

    @group.command("score")
    def score(plan: str = typer.Argument(help="Id of the plan."), person: str = _AS) -> None:
        """Make scores now, and show how far the data have moved from what was learned."""
        run = get().score_now(who(person), plan)
        if as_json():
            show([_run(run)], _RUNS)
            return
        show([_run(run)], _RUNS)
        show([_shift(one) for one in run.shifts], _SHIFTS)

    @group.command("runs")
    def runs(plan: str = typer.Argument(help="Id of the plan."), person: str = _AS) -> None:
        """Show the runs of a plan, newest first."""
        show([_run(one) for one in get().runs(who(person), plan)[1]], _RUNS)

    @group.command("end-plan")
    def end(plan: str = typer.Argument(help="Id of the plan."), person: str = _AS) -> None:
        """Let a plan make no more scores; its table stays."""
        get().end_plan(who(person), plan)
        say(Text("评分计划已停止，评分表保留。", "The plan has ended; its table stays."))


def _read(file: Path, kind: type[D]) -> D:
    """Read a draft.

    Raises:
        Invalid: the file cannot be read, or says something that is not known.

    """
    try:
        text = file.read_text("utf-8")
        content = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "-"
        raise Invalid(
            f"{file.name}：“{where}”不对（{first['msg']}）。",
            f'{file.name}: "{where}" is wrong ({first["msg"]}).',
            code="learning_unfit",
        ) from None
    except (OSError, ValueError) as error:
        raise Invalid(f"{file.name} 读不了：{error}", f"{file.name} cannot be read: {error}", code="bad_file") from None


def _card(model: LearnedModel) -> None:
    if as_json():
        show([{**model.model_dump(mode="json"), "seen": model.shown.token}], _MODELS)
        return
    show([_model(model)], _MODELS)
    rows = [{"name": n, "value": f"{v:.4f}", "naive": _number(model.naive.get(n))} for n, v in model.figures.items()]
    show(rows, _FIGURES)
    if model.weights:
        weights = [{"name": w.name, "mean": f"{w.mean:.4f}", "spread": f"{w.spread:.4f}"} for w in model.weights]
        show(weights, _WEIGHTS)
    if model.profiles:
        of = [(one, trait) for one in model.profiles for trait in one.traits]
        show(
            [
                {"group": p.group, "rows": p.rows, "name": t.name, "words": t.words, "off": f"{t.off:+.2f}"}
                for p, t in of
            ],
            _PROFILES,
        )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _algorithm(one: Algorithm) -> dict[str, Any]:
    told = "; ".join(f"{name} {usual:g} ({low:g}..{high:g})" for name, (usual, low, high) in PARAMETERS[one].items())
    words = language()
    return {
        "id": one.value,
        "name": one.text.in_language(words),
        "task": one.task.text.in_language(words),
        "parameters": told,
    }


def _view(one: FeatureView) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.title.in_language(language()),
        "table": one.table,
        "keys": ", ".join(one.keys),
        "event_time": one.event_time,
        "features": ", ".join(feature.name for feature in one.features),
        "revision": one.revision,
    }


def _set(one: TrainingSet) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.title.in_language(language()),
        "state": one.state.text.in_language(language()),
        "table": one.draft.table,
        "label": one.draft.label,
        "rows": one.rows,
        "left_out": one.left_out,
        "grade": one.grade,
        "digest": one.digest,
    }


def _model(one: LearnedModel) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.title.in_language(language()),
        "state": one.state.text.in_language(language()),
        "algorithm": one.draft.algorithm.text.in_language(language()),
        "grade": one.grade,
        "figures": "; ".join(f"{name} {value:.4f}" for name, value in one.figures.items()),
        "digest": one.digest,
    }


def _plan(one: ScorePlan) -> dict[str, Any]:
    draft = one.draft
    when = draft.rhythm.text.in_language(language())
    return {"id": one.id, "model": draft.model, "table": draft.table, "target": draft.target, "rhythm": when}


def _run(one: ScoreRun) -> dict[str, Any]:
    worst = one.worst
    return {
        "at": one.at.isoformat(timespec="seconds"),
        "state": one.state.text.in_language(language()),
        "rows": one.rows,
        "version": one.version,
        "seconds": round(one.seconds, 1),
        "moved": "" if worst is None else f"{worst.name} {worst.index:.3f} {worst.level.text.in_language(language())}",
        "error": "" if one.error is None else one.error.text.in_language(language()),
    }


def _shift(one: Any) -> dict[str, Any]:
    return {"name": one.name, "index": f"{one.index:.4f}", "level": one.level.text.in_language(language())}
