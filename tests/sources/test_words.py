"""Every act on sources has a word in the auditor's list."""

from __future__ import annotations

import re
from pathlib import Path

import beijiang.ingest.service as rooms
from beijiang.console.words import actions


def test_every_recorded_act_of_ingest_has_a_word() -> None:
    folder = Path(rooms.__file__).parent
    acts = {name for path in folder.glob("*.py") for name in re.findall(r'actor, "(ingest\.\w+)"', path.read_text())}
    assert {"ingest.certify", "ingest.source_add", "ingest.verify"} <= acts
    assert acts - set(actions()) == set()
