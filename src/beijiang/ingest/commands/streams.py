"""``beijiang streams``: messages that keep coming."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.ingest.commands.files import AS, actor_of, organisation_of
from beijiang.ingest.commands.proving import awaited, end_with, show_proofs
from beijiang.ingest.commands.sources import pairs, secrets
from beijiang.ingest.models import StreamDraft, StreamKind
from beijiang.kit import Actor, Text
from beijiang.tables import WindowMeasure, WindowSpec
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.ingest.models import Stream, StreamWindow
    from beijiang.ingest.service import Streams, Windows

__all__ = ["streams"]

_STREAMS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("数据流", "stream")),
    Column("kind", Text("方式", "kind")),
    Column("table", Text("表", "table")),
    Column("state", Text("状态", "state")),
    Column("connected", Text("已连接", "connected")),
    Column("received", Text("已收", "received"), right=True),
    Column("per_second", Text("每秒", "per second"), right=True),
    Column("waiting_bytes", Text("待入表字节", "bytes waiting"), right=True),
    Column("last_message_at", Text("最近消息", "last message")),
    Column("trouble", Text("问题", "trouble")),
)
_OPTION = typer.Option("--option", "-o", help="NAME=VALUE of the stream; again for more. NAME=@FILE reads a file.")
_SECRET = typer.Option(
    "--secret", help="NAME: asked for at the terminal, or read from BEIJIANG_SECRET_NAME or standard input."
)


def streams(get: Callable[[], Streams], windows: Callable[[], Windows]) -> typer.Typer:  # a list of small functions
    """Return the command group."""
    group = typer.Typer(
        help="Streams: messages that keep coming, by webhook or MQTT, and their window tables.", no_args_is_help=True
    )

    @group.command("add")
    def add(  # options of a command
        name: Annotated[str, typer.Argument(help="Name of the stream, as people call it.")],
        kind: Annotated[StreamKind, typer.Option(help="webhook: senders post; mqtt: the platform subscribes.")],
        into: Annotated[str, typer.Option(help="Table that takes the messages.")],
        key: Annotated[list[str] | None, typer.Option(help="Column of the key; again for more columns.")] = None,
        option: Annotated[list[str] | None, _OPTION] = None,
        secret: Annotated[list[str] | None, _SECRET] = None,
        org: str = typer.Option("", help="Department that it belongs to: id or name."),
        person: str = AS,
    ) -> None:
        """Set up a stream. Its options and their meaning: beijiang streams kinds."""
        registry = get()
        actor = _actor(registry, person)
        draft = StreamDraft(
            name=name,
            kind=kind,
            org_id=organisation_of(registry.ingest, actor, org, ""),
            table=into,
            key=tuple(key or ()),
            options={**_options(option or []), **secrets(secret or ())},
        )
        made = registry.add(actor, draft)
        show(made.to_json())
        say(Text(f"下一步：beijiang streams start {name}", f"Next: beijiang streams start {name}"))

    @group.command("kinds")
    def kinds(person: str = AS) -> None:
        """Show the kinds of stream and their options."""
        found = get().kinds(_actor(get(), person))
        show(found if as_json() else [_kind(k) for k in found])

    @group.command("list")
    def list_(person: str = AS) -> None:
        """List the department's streams and how they go."""
        registry = get()
        found = registry.streams(_actor(registry, person))
        show([s.to_json() for s in found] if as_json() else [_line(s) for s in found], _STREAMS)

    @group.command("show")
    def show_(name: str = typer.Argument(help="Stream: name, id or table."), person: str = AS) -> None:
        """Show one stream: options, state, connection, rate, what waits."""
        registry = get()
        show(registry.stream(_actor(registry, person), name).to_json())

    @group.command("change")
    def change(
        name: str = typer.Argument(help="Stream: name, id or table."),
        option: Annotated[list[str] | None, _OPTION] = None,
        secret: Annotated[list[str] | None, _SECRET] = None,
        person: str = AS,
    ) -> None:
        """Change options or secrets of a stream; what is not named stays."""
        registry = get()
        given = {**_options(option or []), **secrets(secret or ())}
        show(registry.change(_actor(registry, person), name, given).to_json())

    @group.command("start")
    def start(name: str = typer.Argument(help="Stream: name, id or table."), person: str = AS) -> None:
        """Begin to receive, or go on; the process that serves this home does it."""
        registry = get()
        registry.start(_actor(registry, person), name)
        say(
            Text(
                "已启动；由正在服务的进程（beijiang serve）接收。",
                "Started; the process that serves (beijiang serve) receives.",
            )
        )

    @group.command("pause")
    def pause(name: str = typer.Argument(help="Stream: name, id or table."), person: str = AS) -> None:
        """Receive no more; what was received still goes into the table."""
        registry = get()
        registry.pause(_actor(registry, person), name)
        say(Text("已暂停。", "Paused."))

    @group.command("remove")
    def remove(name: str = typer.Argument(help="Stream: name, id or table."), person: str = AS) -> None:
        """Forget a paused stream; its table stays."""
        registry = get()
        registry.remove(_actor(registry, person), name)

    _add_proofs(group, get)
    _add_windows(group, windows)
    return group


def _add_proofs(group: typer.Typer, get: Callable[[], Streams]) -> None:
    @group.command("verify")
    def verify(name: str = typer.Argument(help="Stream: name, id or table."), person: str = AS) -> None:
        """Read every landed message again and hold the table against it. Exit status 1 where rows differ."""
        registry = get()
        actor = _actor(registry, person)
        job_id = registry.verify_later(actor, name)
        job = awaited(job_id, lambda moved: registry.await_verification(actor, job_id, moved))
        end_with(
            registry.certificate_of(actor, job),
            Text(
                "表与已落盘的消息不一致，差异已列出。回滚到之前的版本并重新启动数据流，即从那里起再次入表。",
                "The table is not what the landed messages make; see the list. Roll it back to a version before and start the stream again: what came after is taken in once more.",
            ),
        )

    @group.command("certificates")
    def certificates(
        name: str = typer.Argument(help="Stream: name, id or table."),
        limit: int = typer.Option(20, min=1, max=500, help="How many, newest first."),
        person: str = AS,
    ) -> None:
        """List the certificates of a stream's batches and verifications, newest first."""
        registry = get()
        show_proofs(registry.certificates(_actor(registry, person), name, limit))


def _add_windows(group: typer.Typer, get: Callable[[], Windows]) -> None:
    @group.command("window")
    def window(  # options of a command
        name: str = typer.Argument(help="Stream: name, id or table."),
        into: str = typer.Option(help="Table that takes the windows; a new one."),
        time: str = typer.Option(help="Column of the moment to which a row belongs."),
        size: int = typer.Option(min=1, help="Length of a window, in seconds."),
        measure: Annotated[
            list[str], typer.Option(help="count, or NAME=FUNCTION:COLUMN (sum, mean, min, max, last); again for more.")
        ] = [],  # noqa: B006  # typer copies it
        slide: int = typer.Option(0, min=0, help="Seconds from one window to the next; 0: as long as a window."),
        group_by: Annotated[list[str] | None, typer.Option("--group", help="Grouping column; again for more.")] = None,
        lateness: int = typer.Option(0, min=0, help="Seconds for which a window takes late rows after its end."),
        person: str = AS,
    ) -> None:
        """Make a table of aggregates over windows of time that follows a stream."""
        registry = get()
        spec = WindowSpec(
            time=time,
            size=size,
            slide=slide or size,
            groups=tuple(group_by or ()),
            measures=tuple(WindowMeasure.parse(m) for m in measure),
            lateness=lateness,
        )
        show(registry.add(_actor(registry.streams, person), name, into, spec).to_json())

    @group.command("windows")
    def windows(name: str = typer.Argument("", help="Stream; all if empty."), person: str = AS) -> None:
        """List window tables, how far they are, and how many readings came too late for them."""
        registry = get()
        found = registry.windows(_actor(registry.streams, person), name or None)
        show([w.to_json() for w in found] if as_json() else [_window(w) for w in found])

    @group.command("unwindow")
    def unwindow(table: str = typer.Argument(help="Window table."), person: str = AS) -> None:
        """Let a window table follow no more; it stays."""
        registry = get()
        registry.remove(_actor(registry.streams, person), table)


def _window(window: StreamWindow) -> dict[str, Any]:
    spec: Any = window.spec
    source: Any = window.note.get("source", {})
    return {
        "table": window.table,
        "source": window.source,
        "size": spec["size"],
        "slide": spec["slide"],
        "measures": ", ".join(spec["measures"]),
        "version": source.get("version", 0),
        "late": source.get("late", 0),
    }


def _actor(registry: Streams, person: str) -> Actor:
    return actor_of(registry.ingest, person)


def _options(words: list[str]) -> dict[str, Any]:
    given = pairs(words)
    return {
        name: Path(value[1:]).read_text("utf-8") if isinstance(value, str) and value.startswith("@") else value
        for name, value in given.items()
    }


def _kind(kind: dict[str, Any]) -> dict[str, Any]:
    schema = kind["options"]
    needed = set(schema.get("required", ()))
    names = [n + ("*" if n in needed else "") for n in schema["properties"] if n not in kind["secrets"]]
    text = kind["text"][str(language())[:2]]
    return {"kind": kind["kind"], "text": text, "options": ", ".join(names), "secrets": ", ".join(kind["secrets"])}


def _line(stream: Stream) -> dict[str, Any]:
    live: dict[str, Any] = {**stream.live}
    trouble: Any = stream.trouble or live.get("trouble")
    return {
        **live,
        "id": stream.id,
        "name": stream.name,
        "kind": stream.kind.text.in_language(language()),
        "table": stream.table,
        "state": stream.state.text.in_language(language()),
        "trouble": "" if trouble is None else trouble[str(language())[:2]],
    }
