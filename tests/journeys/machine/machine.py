"""A machine of its own with a real systemd, on this one: namespaces instead of hardware. Needs root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
SYSTEMD = Path("/lib/systemd/systemd")
_BOOT = Path(__file__).with_name("boot.sh")
_STUBS = ("sysinit.target", "basic.target", "shutdown.target", "umount.target", "shop.target")
_NAMESPACES = ("--pid", "--fork", "--kill-child", "--mount", "--net", "--ipc", "--uts", "--cgroup")


def why_not() -> str | None:
    """Why no such machine can be made here, or None."""
    if os.geteuid() != 0:
        return "namespaces of a whole machine need root"
    missing = [name for name in ("unshare", "nsenter", "pivot_root", "ip", "systemctl") if shutil.which(name) is None]
    if not SYSTEMD.exists() or missing:
        return f"needs systemd, util-linux and iproute2; missing here: {', '.join(missing) or SYSTEMD}"
    return None if _cgroups() else "no cgroup2 hierarchy is mounted"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that runs. `pid` is its systemd's, as seen from here."""

    pid: int

    def run(self, *words: str, check: bool = True) -> str:
        """Runs a command inside; gives what it said."""
        enter = ["nsenter", "--target", str(self.pid), "--all", "--", *words]
        done = subprocess.run(enter, capture_output=True, text=True, timeout=60)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def show(self, unit: str) -> dict[str, str]:
        """What systemd knows of a unit."""
        return dict(line.partition("=")[::2] for line in self.run("systemctl", "show", unit).splitlines())

    def until(self, unit: str, wanted: Callable[[dict[str, str]], bool], within: float = 60.0) -> dict[str, str]:
        """Waits until systemd says of a unit what is wanted."""
        ends = time.monotonic() + within
        while not wanted(found := self.show(unit)):
            if time.monotonic() > ends:
                state = f"{found['ActiveState']}/{found['SubState']}, {found.get('StatusText')}"
                raise AssertionError(f"{unit} is {state}: {self.said(unit)}")
            time.sleep(0.05)
        return found

    def until_active(self, unit: str, within: float = 60.0) -> dict[str, str]:
        """Waits until a unit has said READY."""
        return self.until(unit, lambda found: found["ActiveState"] == "active", within)

    def said(self, unit: str) -> str:
        """What a unit's process wrote, its end."""
        return self.run("cat", f"/run/{unit.removesuffix('.service')}.service.said", check=False)[-3000:]

    def signal(self, unit: str, name: str) -> None:
        """Sends a signal to the unit's main process."""
        self.run("systemctl", "kill", "--kill-whom=main", f"--signal={name}", unit)


@contextmanager
def machine(directory: Path, files: dict[str, str], data: str | None = None) -> Generator[Machine]:
    """Boots a machine with the units of firmware-config/systemd and `files` below its /etc; switches it off at the end.

    `data` holds a gateway's and a terminal's directories to begin with.
    """
    etc = directory / "etc"
    units = etc / "systemd" / "system"
    shutil.copytree(ROOT / "firmware-config" / "systemd", units)
    for stub in _STUBS:
        (units / stub).write_text("[Unit]\nDefaultDependencies=no\n")
    # Where this Python is, and its library, is a matter of this machine; the rest is the units as they stand.
    (units / "panier-.service.d" / "20-here.conf").write_text(
        "[Service]\nEnvironment=LD_LIBRARY_PATH=/opt/python/lib PYTHONDONTWRITEBYTECODE=1\n"
        "Environment=PYTHONPATH=/opt/source/core:/opt/source/device:/opt/source/gateway:/opt/source/backoffice\n"
    )
    for name in ("panier-gateway", "panier-backoffice"):
        (units / f"{name}.service.d").mkdir()
        (units / f"{name}.service.d" / "20-said.conf").write_text(
            "[Service]\nStandardOutput=append:/run/%n.said\nStandardError=inherit\n"
        )
    for name, text in files.items():
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        (etc / name).write_text(text)
    cgroups = [made for made in (cgroup / f"panier-{os.getpid()}" for cgroup in _cgroups()) if not made.mkdir(exist_ok=True)]
    root = directory / "root"
    root.mkdir()
    venv = Path(sys.executable).parent.parent
    words = [
        "unshare",
        *_NAMESPACES,
        "--",
        "/bin/sh",
        str(_BOOT),
        str(root),
        sys.base_prefix,
        str(venv),
        str(ROOT),
        str(etc),
        data or "",
    ]
    with (directory / "systemd.log").open("wb") as log:
        shell = "".join(f"echo $$ > {cgroup}/cgroup.procs; " for cgroup in cgroups) + 'exec "$@"'
        process = subprocess.Popen(["/bin/sh", "-c", shell, "sh", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield _booted(process, directory / "systemd.log")
    finally:
        process.kill()
        process.wait()
        for cgroup in cgroups:
            _remove(cgroup)


def _booted(process: subprocess.Popen[bytes], log: Path) -> Machine:
    ends = time.monotonic() + 60
    while time.monotonic() < ends and process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if children and Path(f"/proc/{children[0]}/comm").read_text().strip() == "systemd":
            found = Machine(int(children[0]))
            if found.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded", "starting"):
                return found
        time.sleep(0.1)
    raise AssertionError(f"systemd did not come up: {log.read_text(errors='replace')[-3000:]}")


def _cgroups() -> list[Path]:
    """Where this process stands in the hierarchies that systemd uses: cgroup2, and its own of cgroup1 where that is mounted."""
    here = dict(re.findall(r"^\d+:(.*):(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE))
    mounts = re.findall(r"^\S+ (\S+) (cgroup2?) (\S+)", Path("/proc/mounts").read_text(), re.MULTILINE)
    return [
        Path(at + here["" if kind == "cgroup2" else "name=systemd"])
        for at, kind, how in mounts
        if kind == "cgroup2" or "name=systemd" in how
    ]


def _remove(cgroup: Path) -> None:
    ends = time.monotonic() + 10
    while cgroup.exists() and time.monotonic() < ends:
        for below in sorted(cgroup.rglob("*/"), reverse=True):
            with suppress(OSError):
                below.rmdir()
        with suppress(OSError):
            cgroup.rmdir()
        time.sleep(0.05)
