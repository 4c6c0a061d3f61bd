"""The command line answers at once: nothing heavy is loaded to print a help page."""

import json
import subprocess
import sys

import typer.main

from beijiang.cli import LATER, terminal_app

HEAVY = {
    "duckdb",
    "deltalake",
    "pandas",
    "polars",
    "pyarrow",
    "sklearn",
    "dbos",
    "openpyxl",
    "pypinyin",
    "numpy",
    "cedarpy",
    "sqlglot",
    "sqlalchemy",
    "pydantic",
    "fastapi",
}


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import json, sys\n"
        "from beijiang.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code in (0, None), end.code\n"
        "sys.stderr.write(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr))
    assert "beijiang" in loaded
    assert not loaded & HEAVY
    assert "serve" in done.stdout


def test_the_first_help_page_says_what_the_groups_say_of_themselves() -> None:
    group = typer.main.get_command(terminal_app)
    commands = group.commands  # type: ignore[attr-defined]
    assert {"init", "serve", "doctor", *LATER} == set(commands)
    for name, later in LATER.items():
        assert commands[name].name == name
        assert commands[name].get_short_help_str(200) == later.help


def test_a_group_that_is_imported_late_answers() -> None:
    code = "from beijiang.cli import main\nmain(['standards', '--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "regions" in done.stdout
