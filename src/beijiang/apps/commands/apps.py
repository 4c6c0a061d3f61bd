"""``beijiang app``: write an application in a folder, check it, see it, submit it; review, release and roll back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from beijiang.apps.commands.serving import add_server
from beijiang.apps.commands.told import APPS, VERSIONS, told_checks
from beijiang.apps.folder import folder_files
from beijiang.apps.models import AudienceKind, CardState, starter
from beijiang.apps.models.drawing import shown
from beijiang.apps.plain import alert_facts, grant_facts, job_facts
from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.mining import per_cent
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.apps.models import App, AppVersion, Card, Network
    from beijiang.apps.service import AppJobs, Apps, AppServers, Checked, PageView

__all__ = ["commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_FOLDER = typer.Argument(help="Folder of the application.", exists=True, file_okay=False)
_APP = typer.Argument(help="Id of the application.")
_NUMBER = typer.Argument(help="Number of the version.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_SET = typer.Option([], "--set", help="A parameter as name=value; may be given several times.")

_USAGE = (
    Column("day", Text("日期", "day"), whole=True),
    Column("version", Text("版本", "version"), right=True),
    Column("opens", Text("打开", "opens"), right=True),
    Column("viewers", Text("人数", "viewers"), right=True),
    Column("failed", Text("失败", "failed"), right=True),
    Column("denied", Text("无权", "denied"), right=True),
    Column("slow", Text("迟到", "late"), right=True),
    Column("calls", Text("接口", "calls"), right=True),
    Column("runs", Text("作业", "jobs"), right=True),
    Column("readings", Text("读取", "readings"), right=True),
    Column("seconds", Text("秒", "seconds"), right=True),
    Column("scanned", Text("行", "rows"), right=True),
)
_SERVED = (
    Column("requests", Text("服务请求", "server requests"), right=True),
    Column("errors", Text("服务出错", "server errors"), right=True),
    Column("served_seconds", Text("服务用时", "server seconds"), right=True),
    Column("sent", Text("服务字节", "server bytes"), right=True),
)
_JOBS = (
    Column("name", Text("作业", "job"), whole=True),
    Column("schedule", Text("时间", "when")),
    Column("table", Text("写入表", "writes")),
    Column("to", Text("提醒", "tells")),
    Column("last_at", Text("上次", "last")),
    Column("next_at", Text("下次", "next")),
    Column("rows", Text("行数", "rows"), right=True),
    Column("error", Text("失败原因", "why it failed")),
)
_ALERTS = (
    Column("text", Text("提醒", "alert")),
    Column("job", Text("作业", "job")),
    Column("rows", Text("行数", "rows"), right=True),
    Column("at", Text("开始", "since")),
    Column("ended_at", Text("结束", "ended")),
)
_GRANTS = (
    Column("table", Text("表", "table"), whole=True),
    Column("grant", Text("授权", "grant"), whole=True),
    Column("in_force", Text("有效", "in force")),
    Column("columns", Text("开放的列（* 脱敏）", "columns (* masked)")),
    Column("rows_filtered", Text("限定行", "rows limited")),
)


Serve: TypeAlias = "Callable[[Path, Callable[[], Actor], int], None]"
"""Serve the pages of a folder to whom, at which port (0: a free one), until Ctrl-C."""


def commands(
    get: Callable[[], Apps],
    jobs: Callable[[], AppJobs],
    access: Callable[[], Access],
    servers: Callable[[], AppServers],
    serve: Serve,
) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Hosted applications: write, check, preview, submit, release.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    _add_writing(group, get, who)
    _add_preview(group, get, who, serve)
    _add_looking(group, get, who)
    _add_deciding(group, get, who)
    _add_jobs(group, jobs, who)
    add_server(group, servers, who)
    return group


def _add_writing(group: typer.Typer, get: Callable[[], Apps], who: Callable[[str], Actor]) -> None:
    @group.command("new")
    def new(
        folder: Path = typer.Argument(help="Folder to make; its name is the id of the application."),  # noqa: B008
        owner: str = typer.Option(..., help="Department that answers for it; see beijiang orgs list."),
        table: str = typer.Option(..., help="Table that its first page counts."),
    ) -> None:
        """Make the folder of a new application that passes its own checks."""
        if folder.exists():
            raise Invalid(f"{folder} 已经存在。", f"{folder} is there already.", code="app_folder")
        for name, text in starter(folder.name, owner, table).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        say(
            Text(
                f"已建立 {folder}。下一步：beijiang app check {folder}",
                f"Made {folder}. Next: beijiang app check {folder}",
            )
        )

    @group.command("check")
    def check(folder: Path = _FOLDER, person: str = _AS) -> None:
        """Run every automatic check that a submission has to pass."""
        _tell(get().check(who(person), folder_files(folder)))

    @group.command("test")
    def test(folder: Path = _FOLDER, person: str = _AS) -> None:
        """Run the tests of an application on the platform's tables."""
        _tell(get().test(who(person), folder_files(folder)))

    @group.command("submit")
    def submit(folder: Path = _FOLDER, person: str = _AS) -> None:
        """Check an application and hand it in for review as a new version."""
        app, version = get().submit(who(person), folder_files(folder))
        say(
            Text(
                f"已提交 {app.id} 第 {version.number} 版，等待数据局审核。",
                f"Submitted version {version.number} of {app.id}; it waits for review.",
            )
        )


def _add_preview(group: typer.Typer, get: Callable[[], Apps], who: Callable[[str], Actor], serve: Serve) -> None:
    @group.command("preview")
    def preview(
        folder: Path = _FOLDER,
        page: str = typer.Argument("", help="Page to show; the first one if left out."),
        values: list[str] = _SET,
        person: str = _AS,
        watch: bool = typer.Option(False, "--watch", help="Show it in a browser, renewed whenever a file is saved."),
        port: int = typer.Option(0, help="Port of --watch on this machine; a free one if left out."),
    ) -> None:
        """Show a page with its cards as somebody would see it; nothing is kept."""
        if watch:
            who(person)
            serve(folder, lambda: who(person), port)
            return
        view = get().try_page(who(person), folder_files(folder), page, _values(values))
        say(view.page.title)
        for card in view.cards.values():
            _show_card(view, card)


def _add_looking(group: typer.Typer, get: Callable[[], Apps], who: Callable[[str], Actor]) -> None:
    @group.command("list")
    def list_(person: str = _AS) -> None:
        """Show the applications that one has to do with."""
        show([_app(one) for one in get().apps(who(person))], APPS)

    @group.command("usage")
    def usage(app: str = _APP, person: str = _AS) -> None:
        """Show how an application was used in the last 30 days, in coarse numbers."""
        days = get().usage(who(person), app)
        served = _SERVED if any(one.requests for one in days) else ()
        show([one.to_json() for one in days], (*_USAGE, *served))

    @group.command("show")
    def show_(app: str = _APP, person: str = _AS) -> None:
        """Show the versions of an application and what was decided on them."""
        _, versions = get().app(who(person), app)
        show([_version(one) for one in versions], VERSIONS)


def _add_deciding(group: typer.Typer, get: Callable[[], Apps], who: Callable[[str], Actor]) -> None:
    @group.command("review")
    def review(
        app: str = _APP,
        number: int = _NUMBER,
        approve: bool = typer.Option(..., "--approve/--return", help="Approve it, or send it back."),
        note: str = typer.Option(..., help="Why; the department reads it."),
        own_grants: bool = typer.Option(False, "--own-grants", help="Allow it to read under grants of its department."),
        person: str = _AS,
    ) -> None:
        """Approve a version or send it back; nobody reviews his own."""
        found = get().review(who(person), app, number, approve=approve, note=note, own_grants=own_grants)
        say(Text(f"第 {number} 版：{found.state.text.zh}。", f"Version {number}: {found.state.text.en}."))

    @group.command("grants")
    def grants(app: str = _APP, number: int = _NUMBER, person: str = _AS) -> None:
        """Show what the grants open under which a version reads."""
        found = [grant_facts(one) for one in get().opens(who(person), app, number)]
        for one in found if not as_json() else ():
            one["columns"] = ", ".join(f"{c['name']} {c['grade']}{'*' if c['masked'] else ''}" for c in one["columns"])
        show(found, _GRANTS)

    @group.command("release")
    def release(
        app: str = _APP,
        number: int = _NUMBER,
        to: AudienceKind = typer.Option(..., help="people, departments or public."),  # noqa: B008
        names: list[str] = typer.Option([], "--name", help="A department's id or a person's login."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Give readers an approved version."""
        found = get().release(who(person), app, number, to, names)
        say(Text(f"{found.id} 第 {number} 版已发布。", f"Version {number} of {found.id} is released."))

    @group.command("audience")
    def audience(
        app: str = _APP,
        number: int = _NUMBER,
        to: AudienceKind = typer.Option(..., help="people, departments or public."),  # noqa: B008
        names: list[str] = typer.Option([], "--name", help="A department's id or a person's login."),  # noqa: B008
        reason: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Give the version in use to other readers."""
        found = get().audience(who(person), app, number, to, names, reason=reason)
        say(Text(f"{found.id} 改为发布给：{to.text.zh}。", f"{found.id} is released to: {to.text.en}."))

    @group.command("rollback")
    def rollback(app: str = _APP, number: int = _NUMBER, reason: str = _REASON, person: str = _AS) -> None:
        """Go back to a version that was released before."""
        found = get().rollback(who(person), app, number, reason)
        say(Text(f"{found.id} 已回退到第 {number} 版。", f"{found.id} is back at version {number}."))

    @group.command("switch")
    def switch(
        app: str = _APP,
        off: bool = typer.Option(..., "--off/--on", help="Switch it off, or on again."),
        reason: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Switch an application off or on; the next request meets it."""
        found = get().switch(who(person), app, off=off, reason=reason)
        say(Text(f"{found.id} 已{'停用' if off else '启用'}。", f"{found.id} is switched {'off' if off else 'on'}."))


def _add_jobs(group: typer.Typer, get: Callable[[], AppJobs], who: Callable[[str], Actor]) -> None:
    @group.command("jobs")
    def jobs(app: str = _APP, person: str = _AS) -> None:
        """Show the jobs of the version in use and where they stand."""
        found = [job_facts(*one) for one in get().standing(who(person), app)]
        for one in found:
            one["error"] = "" if one["error"] is None else Text(**one["error"]).in_language(language())
        show(found, _JOBS)

    @group.command("fill")
    def fill(app: str = _APP, version: int = _NUMBER, person: str = _AS) -> None:
        """Fill the tables that the pages of an approved version read, before it is released."""
        queued = get().fill(who(person), app, version)
        say(Text(f"已排队 {len(queued)} 个作业。", f"Queued: {len(queued)}."))

    @group.command("run-job")
    def run_job(app: str = _APP, job: str = typer.Argument(help="Name of the job."), person: str = _AS) -> None:
        """Have a job run now."""
        queued = get().run(who(person), app, job)
        say(Text(f"作业已排队：{queued}。", f"The job is queued: {queued}."))

    @group.command("alerts")
    def alerts(app: str = _APP, person: str = _AS) -> None:
        """Show the latest alerts of an application."""
        found = [alert_facts(one) for one in get().alerts(who(person), app)]
        for one in found:
            one["text"] = Text(**one["text"]).in_language(language())
        show(found, _ALERTS)


def _values(pairs: list[str]) -> Mapping[str, str]:
    found = {}
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not mark:
            raise Invalid("--set 写成 名称=值。", "Write --set name=value.", code="usage")
        found[name] = value
    return found


def _tell(checked: Checked) -> None:
    told_checks([one.to_json() for one in checked.checks], [one.to_json() for one in checked.faults])
    if not checked.good:
        raise typer.Exit(1)


def _show_card(view: PageView, card: Card) -> None:
    """Show one card: its title and rows, or why there are none."""
    spoken = language()
    if "title" in card.block.facts:
        say(view.bundle.word(str(card.block.facts["title"])))
    if card.state is not CardState.READY:
        say(card.why or card.state.text)
    elif card.data is not None and card.data.network is not None:
        _show_network(card.data.network)
    elif card.data is not None:
        names = {name: view.bundle.word(name).in_language(spoken) for name in card.data.columns}
        show([{names[name]: shown(value, spoken) for name, value in row.items()} for row in card.data.rows])


def _show_network(found: Network) -> None:
    """Show what a graph says of a party, or which parties may be meant."""
    if not found.asked:
        say(Text("请用 --set 写企业名称或统一社会信用代码。", "Name an enterprise by --set, by name or credit code."))
    parties = found.shown.parties if found.shown else found.meant
    show(
        [
            {
                "ref": one.ref,
                "name": one.name,
                "kind": one.kind.text.in_language(language()),
                "share": per_cent(one.share) if one.share is not None else "",
            }
            for one in parties
        ]
    )


def _app(app: App) -> dict[str, Any]:
    return {
        "id": app.id,
        "name": app.name.in_language(language()),
        "owner": app.org_id,
        "version": app.current,
        "released_to": "" if app.release is None else app.release.kind.text.in_language(language()),
        "off": app.off,
    }


def _version(version: AppVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "label": version.label,
        "state": version.state.text.in_language(language()),
        "by": version.by,
        "at": version.at.isoformat(),
        "note": version.note,
    }
