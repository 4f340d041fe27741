"""Who has the settings of a shop in the environment can start the demo beside it: no program of ours inherits them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from panier_simulators.demo.premises import run_panier
from panier_simulators.demo.role import RoleFailed
from panier_simulators.screen import SimulatedTerminal
from panier_simulators.surroundings import inherited

GATEWAY = 'store = "market-street"\n'


@pytest.fixture(autouse=True)
def exported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BACKOFFICE_API_TOKEN", "GATEWAY_STORE", "DEVICE_BROKER__HOST", "MONITOR_STORE"):
        monkeypatch.setenv(f"PANIER_{name}", "A Name of Another Shop")
    monkeypatch.setenv("panier_gateway_currency", "lire")
    monkeypatch.setenv("PANIER_TROUBLE", "/somewhere")


def test_all_but_the_settings_of_a_shop_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "24")
    ours = inherited("LINES")
    assert [name for name in ours if name.upper().startswith("PANIER_")] == ["PANIER_TROUBLE"]
    assert ours["PATH"] == os.environ["PATH"]
    assert "LINES" not in ours


async def test_a_short_command_goes_by_the_file_that_the_demo_wrote(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f'{GATEWAY}data_dir = "{tmp_path}"\n', encoding="utf-8")
    await run_panier("gateway", "--check", "--settings", str(file))
    file.write_text(f'{GATEWAY}currency = "lire"\n', encoding="utf-8")
    with pytest.raises(RoleFailed, match="currency"):
        await run_panier("gateway", "--check", "--settings", str(file))


async def test_a_terminal_s_program_sees_none_of_them() -> None:
    script = "import os; print(*(name for name in os.environ if 'PANIER' in name.upper()), flush=True); input()"
    terminal = SimulatedTerminal((sys.executable, "-c", script), name="t1")
    await terminal.start()
    await terminal.wait_for(lambda rows: rows[0] == "PANIER_TROUBLE", 10)
    await terminal.stop()
