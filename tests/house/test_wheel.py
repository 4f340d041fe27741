"""One wheel, an extra per role: each role runs with its own extra alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", out, ROOT],
        check=True,
        timeout=120,
    )
    return next(out.glob("panier-*.whl"))


def installed(wheel: Path, extra: str, into: Path) -> Path:
    """The Python of a new environment that holds the wheel with one extra; skips where no registry answers."""
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, into], check=True, timeout=60)
    python = into / "bin" / "python"
    run = subprocess.run(
        [UV, "pip", "install", "--quiet", "--python", python, "--constraint", ROOT / "requirements.lock", f"{wheel}[{extra}]"],
        capture_output=True,
        text=True,
        timeout=170,
    )
    if run.returncode and any(word in run.stderr.lower() for word in ("dns error", "connect", "offline", "timed out")):
        pytest.skip(reason=f"no package registry answers: {run.stderr.strip()[-120:]}")
    assert run.returncode == 0, run.stderr
    return python


@pytest.mark.parametrize(
    ("role", "absent"),
    [
        ("device", ["fastapi", "sqlalchemy", "duckdb", "pandas", "bcrypt"]),
        ("backoffice", ["evdev", "serial", "textual"]),
    ],
)
def test_a_role_runs_with_its_own_extra_alone(wheel: Path, tmp_path: Path, role: str, absent: list[str]):
    python = installed(wheel, role, tmp_path / role)
    quiet = {**os.environ, "PYTHONPATH": ""}
    probe = f"import importlib.util as u; print([m for m in {absent!r} if u.find_spec(m)])"
    assert subprocess.run([python, "-c", probe], capture_output=True, text=True, env=quiet).stdout.strip() == "[]"
    run = subprocess.run([python.with_name("panier"), role, "--help"], capture_output=True, text=True, env=quiet, timeout=60)
    assert run.returncode == 0, run.stderr
    other = "backoffice" if role == "device" else "device"
    refused = subprocess.run(
        [python.with_name("panier"), other, "--check"], capture_output=True, text=True, env=quiet, timeout=60
    )
    assert refused.returncode != 0
    assert f"pip install 'panier[{other}]'" in refused.stderr
