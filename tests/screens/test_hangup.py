"""A monitor whose terminal goes away, with no signal to tell it."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from panier_gateway.settings import MonitorSettings
from panier_io.command import app
from panier_io.settings import load


@pytest.mark.parametrize("painted_for", ["connecting", "Terminal"])
async def test_a_monitor_whose_screen_is_gone_ends(tmp_path: Path, painted_for: str):
    settings = tmp_path / "monitor.toml"
    # Nobody listens there: the monitor says so, and goes on trying.
    settings.write_text('store = "north"\n[broker]\nhost = "127.0.0.1"\nport = 1\npassword = "x"\n')
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "panier_io.command", "monitor", "--settings", str(settings),
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        cwd=tmp_path, env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
    )  # fmt: skip
    os.close(slave)
    async with asyncio.timeout(60):
        painted = b""
        while painted_for.encode() not in painted:
            painted += await asyncio.to_thread(os.read, master, 65536)
        os.close(master)
        await process.wait()
    assert (tmp_path / "state/panier/panier-monitor.log").is_file()
    assert not (tmp_path / "panier-monitor.log").exists(), "nothing where it was started"


@pytest.mark.parametrize("state", ["", "relative"])
def test_without_a_state_directory_the_log_is_in_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str):
    monkeypatch.setenv("XDG_STATE_HOME", state)
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = tmp_path / "monitor.toml"
    settings.write_text('store = "north"\n[broker]\nhost = "127.0.0.1"\nport = 1\npassword = "x"\n')
    assert load(MonitorSettings, settings).log_file == tmp_path / ".local/state/panier/panier-monitor.log"


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "notes").touch()
    log = tmp_path / "notes/monitor.log"
    settings = tmp_path / "monitor.toml"
    settings.write_text(f'store = "north"\nlog_file = "{log}"\n[broker]\nhost = "127.0.0.1"\nport = 1\npassword = "x"\n')
    result = CliRunner().invoke(app, ["monitor", "--settings", str(settings)])
    assert result.exit_code == 1
    assert f"log_file: {log} cannot be written" in result.stderr
