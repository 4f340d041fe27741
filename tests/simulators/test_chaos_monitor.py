from __future__ import annotations

import pytest

from panier_simulators.chaos.monitor import Board, board

SCREEN = (
    "market-street  14:03  ● connected",
    "Need help  Offline  Incidents  Set aside  Shopping  Trips today  Sold USD  Help came in  Back office",
    "0          ! 1 of 3 ! 2        0          1         17           210.40    -             ok, 3 wait",
    "",
    "  Terminal      State           Trip Lines      Total  What is wrong                    Heard",
    "○ till-01       offline                                12 events not received yet        2 min",
    "  till-02       shopping       4 min     3       9.10                                      now",
    "▶ till-03       needs help     9 min     3       9.10  called 4 min ago                   20 s",
    " a Answer the call  q Quit",
)
FIGURES = {
    "Need help": "0", "Offline": "1 of 3", "Incidents": "2", "Set aside": "0", "Shopping": "1", "Trips today": "17",
    "Sold": "210.40", "Help came in": "-", "Back office": "ok, 3 wait",
}  # fmt: skip
SEEN = Board(is_connected=True, states={"till-01": "offline", "till-02": "shopping", "till-03": "needs help"}, figures=FIGURES)


def test_it_is_read_as_a_person_reads_it():
    assert board(SCREEN) == SEEN
    assert not board(("market-street  14:03  ✖ NOT CONNECTED since 14:02:11: what you see is from before.",)).is_connected


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        (SEEN, []),
        (Board(is_connected=True, states=dict(SEEN.states), figures={"Trips today": "17"}), []),
        (Board(is_connected=False, states=dict(SEEN.states), figures={}), [("monitor", "says that it is not connected")]),
        (
            Board(is_connected=True, states={**SEEN.states, "till-01": "idle", "till-04": "idle"}, figures={"Set aside": "1"}),
            [
                ("monitor, till-01", "is shown as offline, and is idle"),
                ("monitor, till-04", "is shown as not at all, and is idle"),
                ("monitor, Set aside", "is shown as '0', and is '1'"),
            ],
        ),
    ],
)
def test_what_is_shown_otherwise_than_it_is_is_named(truth: Board, said: list[tuple[str, str]]):
    assert list(SEEN.against(truth)) == said
