"""A virtual machine with a kernel of its own, in which the drivers meet real input devices, hidraw and USB.

qemu emulates (TCG), so it needs no rights and no virtualisation. The kernel is the distribution's full one, kept in a cache;
its initial file system is busybox, this Python with the drivers, and the modules that play the hardware.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CACHE = Path.home() / ".cache" / "panier" / "kernel"
PROGRAMS = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "cpio": "cpio", "depmod": "kmod"}
MODULES = (
    "configfs", "evdev", "uinput", "uhid", "hid-generic", "usbhid", "cdc-acm", "dummy_hcd", "libcomposite", "usb_f_acm",
    "usb_f_hid",
)  # fmt: skip
LIBRARIES = (
    "annotated_types", "evdev", "pydantic", "pydantic_core", "serial", "structlog", "typing_extensions.py", "typing_inspection",
)  # fmt: skip
NOT_NEEDED = shutil.ignore_patterns(
    "site-packages", "test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3", "config-*", "*.a"
)
INIT = """#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sysfs /sys; $B mount -t devtmpfs devtmpfs /dev; $B mount -t tmpfs tmpfs /tmp
while read module; do $B insmod $module || echo "cannot load $module"; done < /modules.list
$B mount -t configfs configfs /sys/kernel/config
export PYTHONHOME={home} PYTHONPATH=/site:/src/core:/src/device PYTHONUNBUFFERED=1 LD_LIBRARY_PATH={libraries}
{python} /src/guest.py > /dev/ttyS1
$B sync; $B poweroff -f
"""


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What each check inside the machine said: {name: {"wrong": "" or why, ...}}."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program, path="/usr/bin:/usr/sbin:/bin") is None]
    if missing:
        pytest.skip(reason=f"a virtual machine needs: apt-get install {' '.join(missing)}")
    kernel, version = _kernel()
    place = tmp_path_factory.mktemp("machine")
    results, console = place / "results", place / "console"
    initial = _initial_files(place, kernel, version)
    with console.open("wb") as log:
        subprocess.run(
            [
                "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "1024", "-display", "none", "-no-reboot",
                "-nic", "none", "-kernel", str(kernel / "boot" / f"vmlinuz-{version}"), "-initrd", str(initial),
                "-append", "console=ttyS0 panic=-1 quiet", "-serial", "stdio", "-serial", f"file:{results}",
            ],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, timeout=600, check=False,
        )  # fmt: skip
    lines = [json.loads(line) for line in results.read_text(errors="replace").splitlines() if line.startswith("{")]
    assert lines, f"the machine said nothing; its console ended with:\n{console.read_text(errors='replace')[-3000:]}"
    return {line["check"]: line for line in lines}


def _kernel() -> tuple[Path, str]:
    """A folder with boot/ and lib/modules/ of one kernel, and its version."""
    unpacked = CACHE / "unpacked"
    if not unpacked.is_dir():
        found = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=False)
        names = [line.split()[-1] for line in found.stdout.splitlines() if "Depends:" in line]
        CACHE.mkdir(parents=True, exist_ok=True)
        if not names or subprocess.run(["apt-get", "download", names[0]], cwd=CACHE, capture_output=True, check=False).returncode:
            pytest.skip(reason="no kernel: `apt-get download` of what linux-image-amd64 depends on failed (is this Debian?)")
        package = next(CACHE.glob("linux-image-*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(package), str(unpacked)], check=True)
    version = next((unpacked / "lib" / "modules").iterdir()).name
    if not (unpacked / "lib" / "modules" / version / "modules.dep.bin").exists():
        subprocess.run(["/usr/sbin/depmod", "-b", str(unpacked), version], check=True)
    return unpacked, version


def _initial_files(place: Path, kernel: Path, version: str) -> Path:
    root = place / "root"
    for folder in ("bin", "dev", "proc", "sys", "tmp", "site", "src", "modules"):
        (root / folder).mkdir(parents=True)
    shutil.copy2("/bin/busybox", root / "bin")
    (root / "modules.list").write_text("".join(f"{one}\n" for one in _modules(root, kernel, version)))
    home, python = Path(sys.base_prefix), Path(sys.executable).resolve()
    library = Path("lib") / f"python{sys.version_info.major}.{sys.version_info.minor}"
    shutil.copytree(home / library, root / home.relative_to("/") / library, ignore=NOT_NEEDED)
    _copy(python, root)
    for name in LIBRARIES:
        source = next(Path(folder) / name for folder in sys.path if (Path(folder) / name).exists())
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, root / "site" / name)
    for part in ("core", "device", "firmware-config"):
        shutil.copytree(ROOT / part, root / "src" / part)
    shutil.copy2(Path(__file__).with_name("guest.py"), root / "src")
    libraries = _shared_libraries([python, *root.rglob("*.so")])
    for one in libraries:
        _copy(one, root)
    init = root / "init"
    folders = ":".join(sorted({str(one.parent) for one in libraries}))
    init.write_text(INIT.format(home=home, python=python, libraries=folders))
    init.chmod(0o755)
    packed = place / "initrd"
    with packed.open("wb") as out:
        listed = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=listed, stdout=out, check=True)
    return packed


def _modules(root: Path, kernel: Path, version: str) -> Iterator[str]:
    """Copies each module and what it needs; their paths in the machine, in the order of loading."""
    seen: set[str] = set()
    for name in MODULES:
        told = subprocess.run(
            ["/usr/sbin/modprobe", "-d", str(kernel), "-S", version, "--show-depends", name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for line in told.splitlines():
            path = Path(line.split()[1]) if line.startswith("insmod") else None
            if path and path.name not in seen:
                seen.add(path.name)
                shutil.copy2(path, root / "modules")
                yield f"/modules/{path.name}"


def _shared_libraries(programs: list[Path]) -> set[Path]:
    told = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False).stdout
    words = (word for line in told.splitlines() for word in line.split() if word.startswith("/") and not word.endswith(":"))
    return {Path(word) for word in words if Path(word).is_file()}


def _copy(file: Path, root: Path) -> None:
    target = root / file.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, target)


@pytest.fixture
def said(told: dict[str, dict[str, str]]) -> Callable[[str], dict[str, str]]:
    """What one check said."""

    def find(name: str) -> dict[str, str]:
        assert name in told, f"the machine did not come to {name}; it said {sorted(told)}"
        return told[name]

    return find
