from __future__ import annotations

import asyncio
import os
import select
import sys
import time
from collections.abc import AsyncIterator

import pytest

from panier_simulators.screen import NotSeen, SimulatedTerminal


@pytest.fixture
async def terminal(request: pytest.FixtureRequest) -> AsyncIterator[SimulatedTerminal]:
    """A terminal that runs the Python script of the test's parameter."""
    held = SimulatedTerminal((sys.executable, "-c", request.param), name="t1")
    await held.start()
    yield held
    await held.stop()


def script(text: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("terminal", [text], indirect=True)


@script("import os; print('size', *os.get_terminal_size(1), 'tty', os.isatty(0)); input()")
async def test_the_program_sees_a_terminal_of_a_handheld_s_size(terminal: SimulatedTerminal) -> None:
    await terminal.wait_for(lambda rows: rows[0] == "size 40 24 tty True", 10)


@script("print('\\033[2;5Hé★', end='', flush=True); print('\\033[1;1Htop', flush=True); input()")
async def test_text_stands_where_the_program_put_it(terminal: SimulatedTerminal) -> None:
    await terminal.wait_for(lambda rows: rows[:2] == ("top", "    é★"), 10)


@script("while True: print('you said', input(), flush=True)")
async def test_keys_reach_the_program_and_the_answer_is_stamped_when_it_arrives(terminal: SimulatedTerminal) -> None:
    before = time.monotonic()
    assert terminal.send("hello\r")
    seen = await terminal.wait_for(lambda rows: next((row for row in rows if "hello" in row and "said" in row), None), 10)
    assert seen.value == "you said hello"
    assert before < seen.at <= time.monotonic()


@script("print('ready', flush=True); input()")
async def test_what_never_comes_is_reported_with_the_screen(terminal: SimulatedTerminal) -> None:
    await terminal.wait_for(lambda rows: "ready" in rows, 10)
    with pytest.raises(NotSeen, match=r"t1: a unicorn did not come(.|\n)*│ready"):
        await terminal.wait_for(lambda rows: "unicorn" in rows, 0.05, "a unicorn")


@script("import os; print(f'pid {os.getpid()}', flush=True); input()")
async def test_a_killed_program_is_started_again_on_a_blank_screen(terminal: SimulatedTerminal) -> None:
    first = (await terminal.wait_for(lambda rows: rows[0] if rows[0].startswith("pid") else None, 10)).value
    terminal.kill()
    second = await terminal.wait_for(lambda rows: rows[0] if rows[0].startswith("pid") and rows[0] != first else None, 10)
    assert second.value == f"pid {terminal.pid}"
    assert terminal.restarts == 1


@script("import os, tty; tty.setraw(0); os.write(1, b'\\033[c'); print(os.read(0, 9), flush=True); os.read(0, 9)")
async def test_questions_to_the_terminal_are_answered(terminal: SimulatedTerminal) -> None:
    await terminal.wait_for(lambda rows: any("[?6" in row for row in rows), 10)


@script("print('\\033[>4;2m\\033[?2026$p\\033[>1u\\033[?2048hplain', flush=True); input()")
async def test_private_sequences_of_newer_terminals_leave_no_trace(terminal: SimulatedTerminal) -> None:
    await terminal.wait_for(lambda rows: rows[0] == "plain", 10)


@script("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()")
async def test_a_program_that_will_not_end_is_killed(terminal: SimulatedTerminal) -> None:
    await terminal.wait_for(lambda rows: rows[0] == "deaf", 10)
    pid = terminal.pid
    await terminal.stop(within=0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


KILLED_SIMULATOR = """
import asyncio, os, sys
from panier_simulators.screen import SimulatedTerminal

async def main():
    terminal = SimulatedTerminal((sys.executable, "-c", "import signal; print('here', flush=True); signal.pause()"))
    await terminal.start()
    await terminal.wait_for(lambda rows: rows[0] == "here", 10)
    print(terminal.pid, flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def test_a_program_is_hung_up_when_the_simulator_that_held_its_screen_dies() -> None:
    simulator = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED_SIMULATOR, stdout=asyncio.subprocess.PIPE)
    output, _ = await simulator.communicate()
    try:
        watch = os.pidfd_open(int(output))
    except ProcessLookupError:
        return  # gone already
    ended, _, _ = select.select([watch], [], [], 10)
    os.close(watch)
    assert ended, "the program outlived its screen"
