"""A process that dies at any instant loses no receipt that it has handed out."""

import signal
import sys
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from beijiang.db import Database
from beijiang.evidence import Evidence
from beijiang.kit import SystemClock
from nursery import Child

WRITER = """
import sys, threading
from pathlib import Path
from beijiang.db import Database
from beijiang.evidence import Evidence
from beijiang.kit import Actor, ActorKind, SystemClock

folder = Path(sys.argv[1])
evidence = Evidence(Database(f"sqlite:///{folder / 'metadata.db'}"), SystemClock(), folder / "evidence")
actor = Actor(id="per_1", name="王丽", kind=ActorKind.PERSON)
lock = threading.Lock()

def work():
    while True:
        receipt = evidence.record_read(actor, exit="page", target="人口", version=1, policy="p", columns=("a",),
                                       rows=None, grade="L1", purpose="x")
        with lock:
            print(receipt, flush=True)

for _ in range(4):
    threading.Thread(target=work).start()
"""


@pytest.mark.parametrize("delay", [0.05, 0.3, 0.8])
def test_every_receipt_handed_out_before_a_kill_is_in_the_log(tmp_path: Path, delay: float) -> None:
    db = Database(f"sqlite:///{tmp_path / 'metadata.db'}")
    db.create_all()
    process = Child([sys.executable, "-c", WRITER, str(tmp_path)], stdout=PIPE, text=True)
    assert process.stdout is not None
    receipts = [process.stdout.readline().strip()]
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    receipts += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    evidence = Evidence(db, SystemClock(), tmp_path / "evidence")
    assert receipts[0]
    for receipt in receipts:
        assert evidence.find(receipt) is not None
    report = evidence.check()
    assert report.ok, report.problems
    assert report.records >= len(receipts)
    evidence.close()
    db.close()
