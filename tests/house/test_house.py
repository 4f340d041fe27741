"""The house itself: who may import what at run time, that the tree keeps its promises, and that the README tells the truth."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from panier_backoffice.console.attention import KINDS

ROOT = Path(__file__).parents[2]
ROLES = ("panier", "panier_io", "panier_device", "panier_gateway", "panier_backoffice", "panier_simulators")


def loaded_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after `statement`."""
    code = f"import sys\n{statement}\nprint('\\n'.join(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(run.stdout.split())


def test_the_language_of_the_shop_loads_no_input_or_output_library():
    loaded = loaded_after(
        "import panier.trip, panier.message, panier.receipt, panier.feed, panier.intake, panier.till, panier.barcode"
    )
    assert not loaded & {"sqlite3", "asyncio", "serial", "evdev", "paho", "aiomqtt", "textual", "fastapi", "sqlalchemy"}


@pytest.mark.parametrize("role", ["device", "gateway", "backoffice", "simulators"])
def test_a_roles_command_module_loads_nothing_heavy(role: str):
    loaded = loaded_after(f"import panier_{role}.command")
    assert not loaded & {"textual", "fastapi", "sqlalchemy", "duckdb", "pandas", "aiomqtt", "serial", "httpx"}


def test_a_terminal_begins_without_what_only_printers_and_sheets_need():
    loaded = loaded_after("import panier_device.terminal, panier_device.doctor.check")
    assert {"textual", "serial"} <= loaded
    assert not loaded & {"escpos", "PIL", "qrcode", "yaml", "barcode", "zxingcpp", "evdev", "reportlab", "sqlalchemy", "fastapi"}


def test_an_edge_store_opens_without_pandas_even_where_it_is_installed():
    loaded = loaded_after("from pathlib import Path\nfrom panier_io.store import open_database\nopen_database(Path(':memory:'))")
    assert "sqlite_utils" in loaded
    assert "pandas" not in loaded


def test_every_registered_command_exists_and_explains_itself():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run = subprocess.run([sys.executable, "-m", "panier_io.command", "--help"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    for name in project["entry-points"]["panier.commands"]:
        assert re.search(rf"^\s+{name}\s+\S", run.stdout, re.MULTILINE), f"{name} has no help line:\n{run.stdout}"


def test_make_says_that_it_installs_before_it_begins(tmp_path: Path):
    words = ["make", "demo", f"VENV={tmp_path / 'venv'}", "PYTHON=false"]
    # Under `make test` it would be a sub-make, which says where it is.
    alone = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    run = subprocess.run(words, cwd=ROOT, env=alone, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert run.stderr.startswith(f"Installing into {tmp_path / 'venv'}, this once: ")
    assert run.stdout == "Could not make a virtual environment; on Debian: apt install python3-venv\n"


def test_the_operating_guide_and_the_console_explain_every_kind_of_incident():
    guide = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| incident (.*?) \|", guide, re.MULTILINE)
    explained = {kind for row in rows for kind in re.findall(r"`(\w+)`", row)}
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "gateway").rglob("*.py"))
    # As an argument before its words, or as the first of a pair with them.
    told = set(re.findall(r'(?:\b_?(?:of|incident)\((?:[^()"]|"[^"]*")*?|yield |told = \[\()"([a-z_]+)", ', code))
    assert {"left_open", "conflict", "payment_mismatch", "price_mismatch", "entry_refused"} <= told
    # The back office tells of some itself.
    assert told <= explained == KINDS.keys()


def test_an_unknown_command_ends_with_status_two_and_says_so():
    run = subprocess.run([sys.executable, "-m", "panier_io.command", "gatewy"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert "gatewy" in run.stderr


@pytest.mark.parametrize("document", ["README.md", "docs/architecture.md", "docs/protocol.md", "docs/hardware/README.md"])
def test_files_that_a_document_names_exist(document: str):
    text = (ROOT / document).read_text()
    named = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert named or document != "README.md"
    missing = [name for name in named if not (ROOT / document).parent.joinpath(name).exists()]
    assert not missing


def test_every_page_on_hardware_is_in_its_overview():
    folder = ROOT / "docs" / "hardware"
    pages = {page.name for page in folder.glob("*.md")} - {"README.md"}
    assert pages == set(re.findall(r"^\| \[(\S+)\]", (folder / "README.md").read_text(), re.MULTILINE))


def test_every_file_of_firmware_config_is_read_by_something():
    import json

    for file in (ROOT / "firmware-config").rglob("*"):
        if file.suffix == ".toml":
            assert tomllib.loads(file.read_text()), f"{file} is empty"
        elif file.suffix == ".json":
            assert json.loads(file.read_text()), f"{file} is empty"
        elif file.is_file():
            assert file.read_text().strip(), f"{file} is empty"


def test_no_document_holds_a_gap_to_be_filled():
    gaps = [
        f"{file.name}: {line}"
        for file in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"))
        for line in file.read_text().splitlines()
        if re.fullmatch(r"[A-Z]{4,}", line)
    ]
    assert not gaps


def test_no_module_is_named_for_nothing():
    vague = {"utils", "helpers", "common", "manager", "base", "misc"}
    found = [file for role in ROLES for file in ROOT.glob(f"*/{role}/**/*.py") if file.stem in vague]
    assert not found
