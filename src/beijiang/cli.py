"""The terminal: every verb of the platform for the operator, a script, or a steward at the keyboard.

Exit status: 0 done, 1 failed (the message says why and what to do), 2 used wrongly, 130 interrupted.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException
from typer.main import get_command, get_group

from beijiang import __version__
from beijiang.kit import BeijiangError, Invalid, Language, NotFound, Text
from beijiang.terminal import Column, as_json, language, misuse, report, say, set_style, show

if TYPE_CHECKING:
    import socket

    from beijiang.build import Platform
    from beijiang.settings import Settings

T = TypeVar("T")

_home: Path | None = None
_makes_home = False

MAKE_HOMES = frozenset({"init", "demo", "serve", "doctor"})
"""Commands that prepare a home which is not there; the others would answer from an empty one after a typing error."""


@cache
def settings() -> Settings:
    """Return the settings of the chosen home."""
    from beijiang.settings import Settings

    return Settings.load(_home)


@cache
def platform() -> Platform:
    """Build the platform once, when the first command asks for it.

    Raises:
        NotFound: there is no such home, and the command is not one that makes it.

    """
    if not _makes_home and not settings().home.is_dir():
        raise NotFound(
            f"没有主目录 {settings().home}。请检查 --home（或 BEIJIANG_HOME），或先运行 beijiang init。",
            f"There is no home {settings().home}. Check --home or BEIJIANG_HOME, or run beijiang init first.",
            code="no_home",
        )
    from beijiang.build import build

    built = build(settings())
    if not gc.isenabled():  # see ``run``
        gc.freeze()  # what stands now stays: no collection need go through it again
        gc.enable()
    return built


def _get(pick: Callable[[Platform], T]) -> Callable[[], T]:
    return lambda: pick(platform())


def _reserve() -> Callable[[Platform], None]:
    """Take the address now, before a long build, and return what serves there later."""
    from beijiang.worker import answer_requests

    listener = _listen(settings().host, settings().port)
    return lambda built: answer_requests(built, listener)


def _listen(host: str, port: int) -> socket.socket:
    """Take the address; links lead there, unless the settings name the address that visitors use."""
    from beijiang.worker import address_of, listen

    listener = listen(host, port)
    if "public_url" not in settings().model_fields_set:
        os.environ["BEIJIANG_PUBLIC_URL"] = address_of(listener)  # read with the rest, below
        settings.cache_clear()
    return listener


def _ingest() -> typer.Typer:
    from beijiang.ingest.commands import (
        add_backfill,
        add_captures,
        add_mending,
        add_runs,
        add_schedules,
        commands,
        harvest,
    )

    group = commands(_get(lambda p: p.ingest))
    add_runs(group, _get(lambda p: p.sources))
    group.add_typer(harvest(_get(lambda p: p.harvests)), name="harvest")
    add_mending(group, _get(lambda p: p.bench))
    add_backfill(group, _get(lambda p: p.sources))
    add_schedules(group, platform)
    add_captures(group, _get(lambda p: p.captures))
    return group


def _sources() -> typer.Typer:
    from beijiang.ingest.commands import sources

    return sources(_get(lambda p: p.sources))


def _streams() -> typer.Typer:
    from beijiang.ingest.commands import streams

    return streams(_get(lambda p: p.streams), _get(lambda p: p.windows))


def _tables() -> typer.Typer:
    from beijiang.tables.commands import commands

    return commands(_get(lambda p: p.tables))


def _catalog() -> typer.Typer:
    from beijiang.catalog.commands import commands

    return commands(_get(lambda p: p.catalog), _get(lambda p: p.access))


def _protection() -> typer.Typer:
    from beijiang.protection.commands import commands, private

    group = commands(_get(lambda p: p.protection), _get(lambda p: p.access), _get(lambda p: p.releases))
    group.add_typer(private(_get(lambda p: p.private), _get(lambda p: p.access)), name="private")
    return group


def _quality() -> typer.Typer:
    from beijiang.quality.commands import add_mapping, add_monitors, add_profile, add_tickets, commands

    group = commands(_get(lambda p: p.quality), _get(lambda p: p.access))
    add_mapping(group, _get(lambda p: p.mappings), _get(lambda p: p.access))
    add_profile(group, _get(lambda p: p.profiles), _get(lambda p: p.access))
    add_monitors(group, _get(lambda p: p.monitors), _get(lambda p: p.access))
    add_tickets(group, _get(lambda p: p.tickets), _get(lambda p: p.quality), _get(lambda p: p.access))
    return group


def _recipes() -> typer.Typer:
    from beijiang.recipes.commands import commands

    return commands(_get(lambda p: p.recipes), _get(lambda p: p.access))


def _libraries() -> typer.Typer:
    from beijiang.fusion.commands import commands

    return commands(_get(lambda p: p.fusion), _get(lambda p: p.access))


def _exchange() -> typer.Typer:
    from beijiang.exchange import commands as exchange

    access = _get(lambda p: p.access)
    group = exchange.commands(_get(lambda p: p.exchange), access)
    exchange.add_counts(group, _get(lambda p: p.exchange), access)
    exchange.add_flight(group, _get(lambda p: p.flight), access)
    exchange.add_intersections(group, _get(lambda p: p.intersections), _get(lambda p: p.jobs), access)
    group.add_typer(exchange.demands(_get(lambda p: p.demands), access), name="demand")
    group.add_typer(exchange.disputes(_get(lambda p: p.disputes), access), name="dispute")
    group.add_typer(exchange.pushes(_get(lambda p: p.pushes), access), name="push")
    group.add_typer(exchange.ratings(_get(lambda p: p.ratings), access), name="rating")
    exchange.add_shares(group, _get(lambda p: p.shares), access)
    group.add_typer(exchange.recalls(_get(lambda p: p.recalls), access), name="recall")
    group.add_typer(exchange.templates(_get(lambda p: p.templates), access), name="template")
    group.add_typer(exchange.claims(_get(lambda p: p.templates), access), name="claim")
    group.add_typer(exchange.servings(_get(lambda p: p.servings), _get(lambda p: p.jobs), access), name="serving")
    exchange.add_packages(group, _get(lambda p: p.packages), access)
    exchange.add_tracing(group, _get(lambda p: p.tracing), access)
    group.add_typer(exchange.services(_get(lambda p: p.offered), access), name="service")
    return group


def _data() -> typer.Typer:
    from beijiang.opendata.commands import data

    return data(_get(lambda p: p.opendata))


def _contracts() -> typer.Typer:
    from beijiang.contracts.commands import commands

    return commands(_get(lambda p: p.contracts), _get(lambda p: p.access))


def _assess() -> typer.Typer:
    from beijiang.assess.commands import add_figures, add_plan, commands

    group = commands(_get(lambda p: p.assess), _get(lambda p: p.access))
    add_figures(group, _get(lambda p: p.figures), _get(lambda p: p.access))
    add_plan(group, _get(lambda p: p.plan), _get(lambda p: p.access))
    return group


def _lineage() -> typer.Typer:
    from beijiang.lineage.commands import commands

    return commands(_get(lambda p: p.lineage), _get(lambda p: p.access))


def _portal() -> typer.Typer:
    from beijiang.opendata.commands import members, voices, works

    group = typer.Typer(help="The portal: words of the public, registrations, works.", no_args_is_help=True)
    group.add_typer(members(_get(lambda p: p.registrations), _get(lambda p: p.access)), name="members")
    group.add_typer(voices(_get(lambda p: p.voices), _get(lambda p: p.access)), name="voices")
    group.add_typer(works(_get(lambda p: p.keepings), _get(lambda p: p.access)), name="works")
    return group


def _evidence() -> typer.Typer:
    from beijiang.evidence.commands import add_receipts, add_retention, add_witnesses, commands

    group = commands(_get(lambda p: p.evidence_reader))
    add_receipts(group, _get(lambda p: p.receipts), _get(lambda p: p.evidence))
    add_witnesses(group, _get(lambda p: p.witnesses))
    add_retention(group, _get(lambda p: p.retention))
    return group


def _verify() -> Callable[..., None]:
    from beijiang.evidence.commands import verify_command

    return verify_command()


def _unpack() -> Callable[..., None]:
    from beijiang.exchange.commands import unpack_command

    return unpack_command()


def _people() -> typer.Typer:
    from beijiang.access.commands import people

    return people(_get(lambda p: p.access))


def _organisations() -> typer.Typer:
    from beijiang.access.commands import organisations

    return organisations(_get(lambda p: p.access))


def _keys() -> typer.Typer:
    from beijiang.access.commands import keys

    return keys(_get(lambda p: p.access))


def _jobs() -> typer.Typer:
    from beijiang.jobs.commands import commands

    return commands(_get(lambda p: p.jobs))


def _standards() -> typer.Typer:
    from beijiang.standards.commands import add_laws, add_registry, commands

    group = commands(_get(lambda p: p.standards))
    add_registry(group, _get(lambda p: p.registry), _get(lambda p: p.access))
    add_laws(group, _get(lambda p: p.registry), _get(lambda p: p.access))
    return group


def _sql() -> typer.Typer:
    from beijiang.mining.commands import commands

    return commands(_get(lambda p: p.workbench), _get(lambda p: p.access))


def _find() -> Callable[..., None]:
    from beijiang.console.commands import find_command

    return find_command(platform)


def _demo() -> Callable[..., None]:
    from beijiang.demo.commands import demo_command

    return demo_command(settings, platform, _reserve)


WHOLE = 200
"""Characters of a line of help that is not cut."""


class Later(NamedTuple):
    """A group or command that is imported when it is used; its one line of help stands here."""

    help: str
    load: Callable[[], typer.Typer | Callable[..., None]]


LATER = {
    "ingest": Later("Take data in: land, type, check, commit, certify; quarantine and runs.", _ingest),
    "sources": Later("Sources: databases and services that tables are filled from.", _sources),
    "streams": Later("Streams: messages that keep coming, by webhook or MQTT, and their window tables.", _streams),
    "tables": Later("Lake tables: list, show, history, rollback, compact.", _tables),
    "catalog": Later("Catalog entries: find, complete, review, release, withdraw.", _catalog),
    "protection": Later(
        "Grades and masks of columns, rules on rows, release checks: see them, change them.", _protection
    ),
    "quality": Later("Quality: rules on tables, checks, failing rows, scores.", _quality),
    "recipes": Later("Recipes: derived tables by steps of cleansing or by SQL.", _recipes),
    "libraries": Later("Base and theme libraries: one record for each person, firm and place.", _libraries),
    "exchange": Later("Sharing: ask for data, decide, and end what was granted.", _exchange),
    "data": Later("Open data as everybody sees them: view.", _data),
    "contracts": Later("Data contracts (ODCS): hand in, agree, compare, hold tables against them.", _contracts),
    "lineage": Later("Lineage: where columns come from and go to; OpenLineage events.", _lineage),
    "assess": Later("Assessment of departments; statistical indicators; the work plan.", _assess),
    "portal": Later("The portal: words of the public, registrations, works.", _portal),
    "evidence": Later("The evidence log: check, search, export; receipts, witnesses, retention.", _evidence),
    "verify": Later("Verify a receipt, offline, on any machine: say what is proved and what is not.", _verify),
    "unpack": Later(
        "Open an encrypted package, offline, on any machine, and check every part against its SM3 digest.", _unpack
    ),
    "people": Later("Accounts: list, add, roles, disable, enable, reset, explain.", _people),
    "orgs": Later("Organisations: list, add.", _organisations),
    "keys": Later("API keys: list, issue, revoke.", _keys),
    "jobs": Later("Durable jobs: list, show, cancel.", _jobs),
    "standards": Later("What the standards say; the registry of data elements and code sets.", _standards),
    "sql": Later("Query governed tables with SQL; masks and rights hold as everywhere.", _sql),
    "find": Later("Find anything that a person may see in the console, and what can be done.", _find),
    "demo": Later("Build the demo region (once) and serve it: departments' messy files in, open data out.", _demo),
}
"""What the domains offer. Nothing of it is imported to print the first help page, which thus takes a blink."""


class Room(TyperGroup):
    """One group of commands; its list shows each line of help as a whole."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands with their line of help."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, c.get_short_help_str(WHOLE)) for name, c in self.commands.items()])


class Asking(Room):
    """A group of which one command need not be named: what is no command is the question itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words behind the group's name."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["run", *args]
        return list(super().parse_args(ctx, args))


class Commands(MutableMapping[str, Any]):
    """The commands by name; those of ``LATER`` are made when they are first asked for."""

    def __init__(self, ready: MutableMapping[str, Any]) -> None:
        self.ready = ready

    def __getitem__(self, name: str) -> Any:
        if name not in self.ready:
            made = LATER[name].load()
            if isinstance(made, typer.Typer):
                made.rich_markup_mode = None
                made.info.cls = Asking if name == "sql" else Room
                self.ready[name] = get_group(made)
            else:
                alone = typer.Typer(add_completion=False, rich_markup_mode=None)
                alone.command(name)(made)
                self.ready[name] = get_command(alone)
            self.ready[name].name = name
        return self.ready[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self.ready[name] = command

    def __delitem__(self, name: str) -> None:
        del self.ready[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(LATER), **self.ready})

    def __len__(self) -> int:
        return len({*LATER, *self.ready})


class Rooms(TyperGroup):
    """The first level of the terminal."""

    def __init__(self, **details: Any) -> None:
        super().__init__(**details)
        self._named = Commands(self.commands)
        self.commands = self._named

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List all commands with their line of help, importing none."""
        del ctx
        lines = {name: later.help for name, later in LATER.items()}
        ready = {name: command.get_short_help_str(WHOLE) for name, command in self._named.ready.items()}
        with formatter.section("Commands"):
            formatter.write_dl([*{**lines, **ready}.items()])


terminal_app = typer.Typer(
    name="beijiang",
    cls=Rooms,
    help="云上北疆: take a region's raw data in, make it trustworthy, and let people use it safely. "
    "Everywhere: --home DIR, --json, --lang zh-CN|en.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@terminal_app.command()
def init() -> None:
    """Prepare a home: folders, metadata database, the region's organisations, and the first three administrators."""
    codes = platform().first_start()
    if not codes:
        say(Text("主目录早已就绪，没有改动。", "The home was ready already; nothing was changed."))
        if as_json():
            show([])
        return
    say(Text("主目录已就绪。一次性口令只显示这一次。", "The home is ready. The one-time codes are shown this once."))
    columns = [Column("login", Text("账号", "login")), Column("one_time_code", Text("一次性口令", "one-time code"))]
    show([{"login": login, "one_time_code": code} for login, code in codes.items()], columns)


@terminal_app.command()
def serve(
    host: str = typer.Option("", help="Address to listen on; default from the settings."),
    port: int = typer.Option(-1, help="Port to listen on; default from the settings."),
    flight: bool | None = typer.Option(None, help="Serve Arrow Flight SQL too; default from the settings."),
    flight_port: int = typer.Option(-1, help="Port of Flight SQL; default from the settings."),
) -> None:
    """Serve the portal, the console and the API, and work off jobs, until Ctrl-C."""
    from beijiang.worker import serve as run

    _choose_flight(flight, flight_port)
    listener = _listen(host or settings().host, settings().port if port < 0 else port)
    run(platform(), listener)


def _choose_flight(flight: bool | None, port: int) -> None:
    """Let arguments decide before the settings, which are read once and before anything is built."""
    for name, value in (("BEIJIANG_FLIGHT", flight), ("BEIJIANG_FLIGHT_PORT", None if port < 0 else port)):
        if value is not None:
            os.environ[name] = str(value).lower()
    settings.cache_clear()


@terminal_app.command()
def doctor() -> None:
    """Check that this installation can do its work; say what is wrong and how to mend it."""
    findings = platform().health.examine()
    columns = [
        Column("check", Text("检查项", "check"), whole=True),
        Column("ok", Text("通过", "ok")),
        Column("finding", Text("结果", "finding")),
    ]
    show([{"check": f.name, "ok": f.ok, "finding": f.text.in_language(language())} for f in findings], columns)
    if not all(f.ok for f in findings):
        raise typer.Exit(1)


def run() -> None:
    """Run the command of this process and leave at once.

    Loading makes a million objects and hardly any rubbish, so nobody looks for rubbish until the platform stands; and
    taking them all apart in the end takes longer than most commands, so the process leaves them to the system.
    """
    gc.disable()
    try:
        main()
    except SystemExit as done:
        code = done.code
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        gc.unfreeze()
        sys.exit(code)  # which waits for them
    atexit._run_exitfuncs()  # noqa: SLF001  # no public name for this half of the exit
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 0)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit status."""
    global _makes_home  # noqa: PLW0603  # like _home, it exists before anything is built
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal of another encoding shows what it can
            stream.reconfigure(errors="backslashreplace")
    words = _global_options(list(sys.argv[1:] if arguments is None else arguments))
    _makes_home = words[:1] != [] and words[0] in MAKE_HOMES
    try:
        code = _answer(words)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        report(misuse(error.format_message(), context.command_path if context is not None else "beijiang"))
        code = error.exit_code
    except (Abort, KeyboardInterrupt):
        code = 130
    except BeijiangError as error:
        report(error)
        code = 1
    except BrokenPipeError:
        sys.stdout = None  # nobody reads any more, so the last flush must not complain
        code = 1
    except OSError as error:
        what = " ".join(str(part) for part in (error.filename, error.strerror or type(error).__name__) if part)
        report(Invalid(f"操作系统拒绝了：{what}。", f"The operating system refused: {what}.", code="system_refused"))
        code = 1
    except Exception as error:  # the last handler of the terminal: the inside goes to the log, not to the person
        logging.getLogger(__name__).debug("unexpected failure", exc_info=error)
        report(
            BeijiangError(
                f"程序内部出错（{type(error).__name__}），没有丢失数据。请先运行 beijiang doctor 检查安装。",
                f"Something failed inside ({type(error).__name__}); no data is lost. Run beijiang doctor to check the installation.",
            )
        )
        code = 1
    finally:
        if platform.cache_info().currsize:
            platform().close()
    sys.exit(code if isinstance(code, int) else 0)


def _answer(words: list[str]) -> object:
    """Run the command; a full disk or a reader who left shows here, where it can still be told."""
    code: object = terminal_app(words, prog_name="beijiang", standalone_mode=False)
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _global_options(words: list[str]) -> list[str]:
    """Take ``--home DIR``, ``--json`` and ``--lang`` from wherever they stand; return the rest."""
    global _home  # noqa: PLW0603  # the one piece of state that exists before anything is built
    rest: list[str] = []
    as_json = False
    chosen = {"--home": "", "--lang": ""}
    while words:
        word = words.pop(0)
        name, _, value = word.partition("=")
        if word == "--":
            rest += [word, *words]
            break
        if word == "--json":
            as_json = True
        elif name in chosen:
            if "=" not in word and words and not words[0].startswith("--"):
                value = words.pop(0)
            if not value:
                _leave(as_json or "--json" in words, f"{name} 需要一个值。", f"{name} needs a value.")
            chosen[name] = value
        elif word == "--version" and not rest:
            sys.stdout.write(f"beijiang {__version__}\n")
            sys.exit(0)
        else:
            rest.append(word)
    if chosen["--lang"] and chosen["--lang"] not in set(Language):
        _leave(as_json, "--lang 只能是 zh-CN 或 en。", "--lang is zh-CN or en.")
    _home = Path(chosen["--home"]) if chosen["--home"] else None
    set_style(as_json=as_json, language=Language(chosen["--lang"] or Language.ZH))
    return rest


def _leave(wants_json: bool, zh: str, en: str) -> None:
    set_style(as_json=wants_json, language=language())
    report(Invalid(zh, en, code="usage"))
    sys.exit(2)


if __name__ == "__main__":
    run()
