"""Exports: a result as a file that says how it is graded, who took it, when, and on which receipt."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from beijiang.access import Permission
from beijiang.kit import NotFound
from beijiang.mining.models import ExportForm
from beijiang.mining.service.running import Running
from beijiang.protection import FileMark, QueryClass, QueryOrder, files
from beijiang.tables import Exit

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.protection import SqlResult

__all__ = ["Exported", "Exporting"]

MEDIA: Final = {
    ExportForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportForm.CSV: "text/csv; charset=utf-8",
    ExportForm.CSV_MACHINE: "application/zip",
    ExportForm.PARQUET: "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """A file on its way, and what was taken."""

    file_name: str
    media_type: str
    content: Iterator[bytes]
    result: SqlResult


class Exporting(Running):
    """Take a result along."""

    def export(
        self,
        actor: Actor,
        text: str,
        form: ExportForm,
        purpose: str = "",
        *,
        door: QueryClass = QueryClass.INTERACTIVE,
        query_id: str = "",
    ) -> Exported:
        """Run a query for a file, at the exit ``export``; the label is in its name and in the file itself.

        Raises:
            Refused: the answer is graded too high to leave as a file (``export_graded``), or as ``run`` does.

        """
        self.access.require(actor, Permission.PROTECTION_SQL_RUN)
        result = self._run(actor, text, purpose, QueryOrder(door=door, exit=Exit.EXPORT, id=query_id))
        mark = self._mark(actor, result, purpose)
        name = f"查询结果_{result.grade}_{result.receipt}"
        if form is ExportForm.CSV_MACHINE:
            kind, content = "zip", self._zipped(name, result, mark)
        else:
            kind, content = form.value, self.files(result.rows, form.value, mark)
        proved = files.fingerprinted(content, result.note_sent)
        return Exported(f"{name}.{kind}", MEDIA[form], proved, result)

    def _mark(self, actor: Actor, result: SqlResult, purpose: str) -> FileMark:
        at = self.clock.now().astimezone(ZoneInfo(self.settings.time_zone))
        facts = {
            "grade": result.grade,
            "receipt": result.receipt,
            "person": actor.name,
            "organisation": self._organisation(actor),
            "at": at.isoformat(timespec="seconds"),
            "purpose": purpose,
            "tables": "、".join(result.tables),
            "masked": "、".join(one.name for one in result.shown if one.masked),
            "in_doubt": "、".join(result.in_doubt),
            "complete": "no" if result.truncated else "yes",
        }
        whose = f"{facts['person']} {facts['organisation']}".strip()
        when = at.strftime("%Y-%m-%d %H:%M:%S")
        line = f"级别 Grade {result.grade} | 导出 Exported by {whose} | {when} | 回执 Receipt {result.receipt}"
        if result.truncated:
            line += f" | 只含前 {result.rows.num_rows} 行 Only the first {result.rows.num_rows} rows"
        return FileMark(line, facts)

    def _organisation(self, actor: Actor) -> str:
        if actor.org_id is None:
            return ""
        try:
            return self.access.organisation(actor.org_id).name_zh
        except NotFound:
            return actor.org_id

    def _zipped(self, name: str, result: SqlResult, mark: FileMark) -> Iterator[bytes]:
        """Return the CSV unchanged for programs, with its side-car (after CSVW's ``-metadata.json``)."""
        sheet = io.BytesIO()
        notes = {
            **mark.facts,
            "columns": [{"name": c.name, "type": c.type, "grade": c.grade, "masked": c.masked} for c in result.shown],
        }
        with zipfile.ZipFile(sheet, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(f"{name}.csv", b"".join(self.files(result.rows, "csv", None)))
            packed.writestr(f"{name}.csv-metadata.json", json.dumps(notes, ensure_ascii=False, indent=1))
        yield sheet.getvalue()
