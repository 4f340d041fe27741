"""A monitor whose terminal goes away, with no signal to tell it."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("painted_for", ["connecting", "Terminal"])
async def test_a_monitor_whose_screen_is_gone_ends(tmp_path: Path, painted_for: str):
    settings = tmp_path / "monitor.toml"
    # Nobody listens there: the monitor says so, and goes on trying.
    settings.write_text(
        f'store = "north"\nlog_file = "{tmp_path / "monitor.log"}"\n[broker]\nhost = "127.0.0.1"\nport = 1\npassword = "x"\n'
    )
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "panier_io.command", "monitor", "--settings", str(settings),
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    async with asyncio.timeout(60):
        painted = b""
        while painted_for.encode() not in painted:
            painted += await asyncio.to_thread(os.read, master, 65536)
        os.close(master)
        await process.wait()
