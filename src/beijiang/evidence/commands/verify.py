"""``beijiang verify``: judge a receipt on any machine; no home is opened and nothing is asked of a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import Invalid, Text
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.evidence.verifier import Opened, Trust

__all__ = ["verify_command"]

_MARKS = {True: Text("✓ 成立", "✓ proved"), False: Text("✗ 不成立", "✗ refuted"), None: Text("? 未证明", "? left open")}
_FINDINGS = (Column("result", Text("结果", "result"), whole=True), Column("what", Text("事项", "what"), whole=True))


def verify_command() -> Callable[..., None]:
    """Return the command."""

    def verify(
        receipt: Path = typer.Argument(help="Receipt file."),  # noqa: B008 - the way of Typer
        key: list[str] = typer.Option([], help="Trusted key of the log or of a witness; repeat for more."),  # noqa: B008
        handover: list[Path] = typer.Option([], help="Note of a key that follows a trusted one; repeat for more."),  # noqa: B008
        checkpoint: Path | None = typer.Option(None, help="Checkpoint that came another way."),  # noqa: B008
        quorum: int = typer.Option(0, help="Witnesses that must have signed."),
        request: str = typer.Option("", help="What was asked: 'GET /path?query'."),
        response: Path | None = typer.Option(None, help="The file that was received."),  # noqa: B008
        salt: str = typer.Option("", help="What came with the answer to a verification, a count or a service."),
    ) -> None:
        """Verify a receipt, offline, on any machine: say what is proved and what is not.

        Ends with 0 when it holds, with 1 when not.
        """
        from beijiang.evidence.verifier import Trust, examine_file

        for path in (receipt, checkpoint, response, *handover):
            if path is not None and not path.is_file():
                raise Invalid(f"没有文件 {path}。", f"There is no file {path}.", code="no_file")
        prefix = f"{salt}\n" if salt else ""  # goes before both, with a line break
        against = Trust(
            keys=tuple(map(_key, key)),
            quorum=quorum,
            checkpoint=checkpoint.read_text(encoding="utf-8") if checkpoint else "",
            request=request and prefix + request,
            response=prefix.encode() + response.read_bytes() if response else None,
            handovers=tuple(path.read_text(encoding="utf-8") for path in handover),
        )
        found = examine_file(receipt, against)
        _show(found, against)
        if not found.ok:
            raise typer.Exit(1)

    return verify


def _key(text: str) -> Any:
    from beijiang.evidence.verifier import Key

    try:
        return Key.parse(text)
    except ValueError:
        raise Invalid(
            f"“{text[:80]}”不是公钥，应写作 名称+编号+Base64。",
            f"“{text[:80]}” is no key; write name+id+base64.",
            code="bad_verifier_key",
        ) from None


def _show(found: Opened, against: Trust) -> None:
    rows = [
        {"result": _MARKS[one.ok].in_language(language()), "what": Text(one.zh, one.en).in_language(language())}
        for one in found.findings
    ]
    if as_json():
        findings = [{"ok": one.ok, "zh": one.zh, "en": one.en} for one in found.findings]
        show({"ok": found.ok, "record": found.record, "findings": findings})
        return
    if found.record is not None:
        say(_told(found.record))
    show(rows, _FINDINGS)
    if found.ok:
        say(Text("回执成立。", "The receipt holds."))
    else:
        say(Text("回执不成立，或所给依据不足。", "The receipt does not hold, or too little was given to judge it by."))
    if against.response is None:
        say(
            Text(
                "未核对收到的文件；如需核对，请加 --response。",
                "The file received was not compared; give it as --response.",
            )
        )


def _told(record: dict[str, Any]) -> Text:
    who, table, version = record["actor"]["name"], record["target"], record.get("version") or "-"
    return Text(
        f"{record['at']} {who} 经 {record.get('exit')} 读取“{table}”第 {version} 版，决定：{record['decision']}，用途：{record.get('purpose') or '-'}，策略：{(record.get('policy') or '-')[:16]}。",
        f"{record['at']}: {who} read “{table}”, version {version}, by {record.get('exit')}; decision {record['decision']}, purpose {record.get('purpose') or '-'}, policy {(record.get('policy') or '-')[:16]}.",
    )
