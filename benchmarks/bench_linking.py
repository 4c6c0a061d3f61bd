"""Names of firms in documents linked to a library of the real registers: precision, recall, and a document of 200 pages.

The labelled sentences are made from the registers by a seed (see tests/mining/texts/labelled.py): full names, names without region
and legal form, homonyms in two leagues, names that nobody goes by. The registers lie beside the checkout and are never part of it.
``bench_linking.py SENTENCES`` judges more or fewer.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from report import Line, show

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "mining" / "texts"))
from filled_library import REGISTERS, filled, registered
from labelled import FORMS, Writer, judged

from beijiang.build import build
from beijiang.kit import Actor
from beijiang.mining import DocumentDraft, Mention
from beijiang.platform import Platform
from beijiang.settings import Settings

SENTENCES = int(sys.argv[1]) if len(sys.argv) > 1 else 700
PAGE = 750
"""Characters of a printed page."""
FILLER = "其余工作按照自治区的统一部署推进，各盟市要加强组织领导，确保各项任务按期完成并及时报告进展情况。"


def main() -> int:
    """Print the table; without the registers there is nothing to measure."""
    if not REGISTERS.exists():
        print("the real registers are not beside this checkout; nothing was measured")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        platform = build(Settings.for_tests(Path(folder)))
        platform.first_start()
        firms = registered()
        keeper = filled(platform, firms, "commerce_admin")
        writer = Writer(firms, seed=3)
        rows = writer.write(SENTENCES)
        found, _ = ask(platform, keeper, "\n".join(row.text for row in rows))
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        at = 0
        for row in rows:
            here = [one for one in found if at <= one.start < at + len(row.text) and one.chosen]
            for place, count in enumerate(judged(row, [(one.words, meant(one)) for one in here])):
                sums[row.form][place] += count
            at += len(row.text) + 1
        print(f"{'form of the name':24} {'right':>6} {'linked':>7} {'meant':>6}")
        for form in FORMS:
            print(f"{form:24} {sums[form][0]:6} {sums[form][1]:7} {sums[form][2]:6}")
        right, linked, wanted = (sum(one[place] for one in sums.values()) for place in range(3))
        text = "\n".join(row.text + FILLER for row in writer.write(200 * PAGE // 65))[: 200 * PAGE]
        _, seconds = ask(platform, keeper, text)
        what = f"200 pages ({len(text):,} characters), {len(firms):,} firms"
        show("names of firms linked to the library of legal entities", [Line(what, seconds, "limit", 5.0, 1.0)])
        print(
            f"precision {right / max(1, linked):.3f}   recall {right / max(1, wanted):.3f}   of {len(rows)} sentences"
        )
        platform.close()
    return 0


def ask(platform: Platform, keeper: Actor, text: str) -> tuple[list[Mention], float]:
    """Return what may be firms in a text, and the seconds that finding took."""
    name = f"{len(text)}.txt"
    made = platform.texts.add(keeper, "bigdata", DocumentDraft(name=name), io.BytesIO(text.encode()))
    began = time.perf_counter()
    found, _ = platform.texts.mentions(keeper, made.id)
    seconds = time.perf_counter() - began
    return [one for one in found if one.choices[0].kind.value == "company"], seconds


def meant(one: Mention) -> str:
    """Return the code of the firm that is meant."""
    return next((choice.note[:18] for choice in one.choices if choice.id == one.chosen), "")


if __name__ == "__main__":
    sys.exit(main())
