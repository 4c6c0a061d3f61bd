"""``beijiang recipes``: derived tables by steps of cleansing or by SQL."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.recipes.models import STEPS, RecipeDraft, Step, StepKind
from beijiang.terminal import Column, as_json, language, progress, say, show, verbatim

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.recipes.models import Recipe, RecipeRun, StepCount
    from beijiang.recipes.service import Preview, Recipes, StepSuggestion

__all__ = ["commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_RECIPE = typer.Argument(help="Id of the recipe, or the table that it fills.")
_FILE = typer.Argument(help="Recipe as TOML or JSON; see beijiang recipes steps.", exists=True, dir_okay=False)
_REASON = typer.Option(..., help="Why; kept in the evidence.")

_RECIPES = (
    Column("id", Text("标识", "id"), spare=True),
    Column("target", Text("结果表", "table"), whole=True),
    Column("name", Text("名称", "name")),
    Column("kind", Text("方式", "made by")),
    Column("sources", Text("来源", "sources")),
    Column("steps", Text("步数", "steps"), right=True),
    Column("on_write", Text("随来源更新", "on write")),
    Column("revision", Text("修订", "revision"), right=True),
)
_STEPS = (
    Column("n", Text("序号", "n"), right=True),
    Column("kind", Text("步骤", "step"), whole=True),
    Column("columns", Text("列", "columns")),
    Column("params", Text("参数", "parameters")),
    Column("on_fault", Text("无法识别时", "what cannot be read")),
    Column("changed", Text("改动行", "changed"), right=True),
    Column("faulty", Text("无法识别", "not read"), right=True),
)
_RUNS = (
    Column("id", Text("标识", "id"), spare=True),
    Column("at", Text("时间", "at")),
    Column("trigger", Text("起因", "because")),
    Column("revision", Text("修订", "revision"), right=True),
    Column("version", Text("版本", "version"), right=True),
    Column("rows", Text("行数", "rows"), right=True),
    Column("aside", Text("剔除", "left out"), right=True),
    Column("seconds", Text("秒", "seconds"), right=True),
    Column("making", Text("加工", "worked")),
    Column("worked", Text("加工行", "rows worked"), right=True),
    Column("why", Text("整表的原因", "why the whole")),
    Column("error", Text("错误", "error")),
)
_SUGGESTED = (
    Column("kind", Text("步骤", "step")),
    Column("columns", Text("列", "columns")),
    Column("values", Text("涉及值", "values"), right=True),
    Column("why", Text("依据", "why")),
)
_KINDS = (
    Column("kind", Text("类型", "kind"), whole=True),
    Column("name", Text("含义", "meaning")),
    Column("columns", Text("列数", "columns")),
    Column("params", Text("参数", "parameters")),
)


def commands(get: Callable[[], Recipes], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Recipes: derived tables by steps of cleansing or by SQL.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """Show the recipes in force."""
        show([_recipe(one) for one in get().recipes(who(person))], _RECIPES)

    @group.command("steps")
    def steps() -> None:
        """Show the kinds of steps and what each takes."""
        show([_kind(kind) for kind in StepKind], _KINDS)

    @group.command("show")
    def show_(recipe: str = _RECIPE, person: str = _AS) -> None:
        """Show a recipe step by step, with what the newest run counted."""
        actor = who(person)
        found = get().recipe(actor, recipe)
        runs = get().runs(actor, found.id)
        way = get().way(actor, found.id)
        say(
            Text(
                f"更新方式：{way.making.text.zh}（{way.why.zh}）。",
                f"Kept up to date: {way.making.text.en} ({way.why.en}).",
            )
        )
        if found.sql:
            show({**_recipe(found), "sql": found.sql})
            return
        counts = list(runs[0].counts) if runs and runs[0].revision == found.revision else []
        show(_steps(found.steps, counts), _STEPS)

    @group.command("suggest")
    def suggest(
        table: str = typer.Argument(help="Name of the table."),
        write: Path | None = typer.Option(None, help="Write them as a recipe to this file (JSON)."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Propose steps that a table seems to need."""
        found = get().suggest(who(person), table)
        if write is not None:
            body = {"target": f"{table}_清洗", "source": table, "steps": [one.step.to_json() for one in found]}
            write.write_text(json.dumps(body, ensure_ascii=False, indent=2) + "\n", "utf-8")
            say(Text(f"已写入 {write}。", f"Written to {write}."))
        show([_suggested(one) for one in found], _SUGGESTED)

    _add_writing(group, get, who)
    _add_runs(group, get, who)
    return group


def _add_writing(group: typer.Typer, get: Callable[[], Recipes], who: Callable[[str], Actor]) -> None:
    @group.command("preview")
    def preview(file: Path = _FILE, person: str = _AS) -> None:
        """Try a recipe on real rows; nothing is kept."""
        found = get().preview(who(person), _draft(file))
        show(_steps(found.draft.steps, found.counts), _STEPS)
        show([verbatim(one.after) for one in found.samples])
        _say_preview(found)

    @group.command("save")
    def save(file: Path = _FILE, reason: str = typer.Option("", help="Why."), person: str = _AS) -> None:
        """Put a recipe in force and run it."""
        actor = who(person)
        made = get().save(actor, _draft(file), reason)
        _run_now(get(), actor, made.id)

    @group.command("change")
    def change(recipe: str = _RECIPE, file: Path = _FILE, reason: str = _REASON, person: str = _AS) -> None:
        """Make a new revision of a recipe and run it."""
        actor = who(person)
        made = get().change(actor, recipe, _draft(file), reason)
        _run_now(get(), actor, made.id)

    @group.command("retire")
    def retire(recipe: str = _RECIPE, reason: str = _REASON, person: str = _AS) -> None:
        """Let a recipe run no more; its table and its history stay."""
        ended = get().retire(who(person), recipe, reason)
        say(Text(f"配方“{ended.name}”已停用。", f'Recipe "{ended.name}" is retired.'))

    @group.command("export")
    def export(recipe: str = _RECIPE, person: str = _AS) -> None:
        """Print a recipe as JSON, to be saved, compared and put in force elsewhere."""
        found = get().recipe(who(person), recipe)
        body = {
            "target": found.target,
            "name": found.name,
            "source": found.source,
            "steps": [step.to_json() for step in found.steps],
            "sql": found.sql,
            "on_write": found.on_write,
        }
        typer.echo(json.dumps(body, ensure_ascii=False, indent=2))


def _add_runs(group: typer.Typer, get: Callable[[], Recipes], who: Callable[[str], Actor]) -> None:
    @group.command("run")
    def run(recipe: str = _RECIPE, person: str = _AS) -> None:
        """Run a recipe now."""
        _run_now(get(), who(person), recipe)

    @group.command("runs")
    def runs(recipe: str = _RECIPE, person: str = _AS) -> None:
        """Show the runs of a recipe, newest first."""
        show([_run(one) for one in get().runs(who(person), recipe)], _RUNS)

    @group.command("faulty")
    def faulty(
        run_id: str = typer.Argument(help="Id of the run."),
        step: int = typer.Argument(help="Number of the step, from 1."),
        limit: int = typer.Option(20, min=1, max=500, help="Rows shown at most."),
        person: str = _AS,
    ) -> None:
        """Show the source's rows that a step could not read, through the gate: masked as everywhere."""
        rows = get().faulty(who(person), run_id, step - 1).rows.slice(0, limit)
        show([verbatim(row) for row in rows.to_pylist()])


def _run_now(service: Recipes, actor: Actor, recipe: str) -> None:
    with progress(Text("加工", "making rows")) as bar:
        done = service.run_now(actor, recipe, lambda job: bar.update(job.progress.done, job.progress.total))
    show([_run(done)], _RUNS)


def _draft(file: Path) -> RecipeDraft:
    """Read a recipe from a file; the keys are those of the JSON API."""
    try:
        text = file.read_text("utf-8")
        body: dict[str, Any] = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
        return RecipeDraft(
            target=str(body.get("target", "")),
            source=str(body.get("source", "")),
            steps=tuple(Step.from_json(step) for step in body.get("steps", [])),
            sql=str(body.get("sql", "")),
            name=str(body.get("name", "")),
            on_write=bool(body.get("on_write", True)),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Invalid(
            f"读不懂配方文件 {file.name}：应为 TOML 或 JSON，含 target、source 与 steps（或 sql）。各步写法见 beijiang recipes steps。",
            f"{file.name} is no recipe: TOML or JSON with target, source and steps (or sql). See beijiang recipes steps.",
            code="recipe_file",
        ) from None


def _say_preview(found: Preview) -> None:
    if found.rows is not None:
        say(
            Text(
                f"结果 {found.rows:,} 行，剔除 {found.aside:,} 行。没有保存。",
                f"{found.rows:,} rows, {found.aside:,} left out. Nothing is saved.",
            )
        )
    if found.masked:
        names = "、".join(found.masked)
        say(Text(f"样例中这些列按您的权限脱敏：{names}。", f"Masked for you in the sample: {names}."))


def _recipe(one: Recipe) -> dict[str, Any]:
    return {
        "id": one.id,
        "target": one.target,
        "name": one.name,
        "kind": one.kind.value if as_json() else one.kind.text.in_language(language()),
        "sources": "、".join(one.sources),
        "steps": len(one.steps),
        "on_write": one.on_write,
        "revision": one.revision,
    }


def _kind(kind: StepKind) -> dict[str, Any]:
    spec = STEPS[kind]
    least, most = spec.columns
    return {
        "kind": kind.value,
        "name": kind.text.in_language(language()),
        "columns": str(least) if least == most else f"{least}+" if most is None else f"{least}-{most}",
        "params": ", ".join(f"{p.name}{'*' if p.required else ''}" for p in spec.params),
    }


def _steps(steps: tuple[Step, ...], counts: Any) -> list[dict[str, Any]]:
    found: list[StepCount | None] = [*counts, *[None] * (len(steps) - len(counts))]
    return [
        {
            "n": n,
            "kind": step.kind.value if as_json() else step.kind.text.in_language(language()),
            "columns": "、".join(step.columns),
            "params": " ".join(f"{name}={value}" for name, value in step.params.items()),
            "on_fault": step.on_fault.text.in_language(language()) if STEPS[step.kind].can_fail else "",
            "changed": None if count is None else count.changed,
            "faulty": None if count is None else count.faulty,
        }
        for n, (step, count) in enumerate(zip(steps, found, strict=True), 1)
    ]


def _run(one: RecipeRun) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": one.at.isoformat(timespec="seconds"),
        "trigger": one.trigger.value if as_json() else one.trigger.text.in_language(language()),
        "revision": one.revision,
        "version": one.version,
        "rows": one.rows,
        "aside": one.aside,
        "seconds": round(one.seconds, 2),
        "making": one.making.value if as_json() else one.making.text.in_language(language()),
        "worked": one.worked,
        "why": "" if one.why is None else one.why.in_language(language()),
        "error": "" if one.error is None else one.error.in_language(language()),
    }


def _suggested(one: StepSuggestion) -> dict[str, Any]:
    return {
        "kind": one.step.kind.value if as_json() else one.step.kind.text.in_language(language()),
        "columns": "、".join(one.step.columns),
        "values": one.values,
        "why": one.why.in_language(language()),
    }
