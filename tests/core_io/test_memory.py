from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# A large block raises what glibc keeps by default to twice its size; thirty smaller ones come and go; megabytes are printed.
PROGRAM = """
import psutil
from panier_io.memory import frugal_heap
if {frugal}:
    frugal_heap()
bytes(20_000_000)
before = psutil.Process().memory_info().rss
blocks = [b"x" * 1_000_000 for _ in range(30)]
del blocks
print((psutil.Process().memory_info().rss - before) // 1_000_000)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps its heap in another way")
def test_freed_memory_goes_back_to_the_system_which_it_would_not_otherwise():
    kept = [
        int(subprocess.run([sys.executable, "-c", PROGRAM.format(frugal=frugal)], capture_output=True, check=True).stdout)
        for frugal in (False, True)
    ]
    assert kept[0] >= 20
    assert kept[1] <= 2
