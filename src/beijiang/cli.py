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
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, TyperException
from typer.main import get_command, get_group

from beijiang import __version__
from beijiang.groups import LATER
from beijiang.kit import BeijiangError, Invalid, Language, Text
from beijiang.opened import choose, listen_at, platform, settings
from beijiang.terminal import Column, as_json, language, misuse, report, say, set_style, show

MAKE_HOMES = frozenset({"init", "demo", "serve", "doctor"})
"""Commands that prepare a home which is not there; the others would answer from an empty one after a typing error."""

WHOLE = 200
"""Characters of a line of help that is not cut."""


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
    listener = listen_at(host or settings().host, settings().port if port < 0 else port)
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal of another encoding shows what it can
            stream.reconfigure(errors="backslashreplace")
    home, words = _global_options(list(sys.argv[1:] if arguments is None else arguments))
    choose(home, makes=words[:1] != [] and words[0] in MAKE_HOMES)
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


def _global_options(words: list[str]) -> tuple[Path | None, list[str]]:
    """Take ``--home DIR``, ``--json`` and ``--lang`` from wherever they stand; return the home and the rest."""
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
    set_style(as_json=as_json, language=Language(chosen["--lang"] or Language.ZH))
    return Path(chosen["--home"]) if chosen["--home"] else None, rest


def _leave(wants_json: bool, zh: str, en: str) -> None:
    set_style(as_json=wants_json, language=language())
    report(Invalid(zh, en, code="usage"))
    sys.exit(2)


if __name__ == "__main__":
    run()
