"""What the back office took is kept for a week, for the case that it forgets."""

from __future__ import annotations

import pytest

DAY = 86_400_000


@pytest.fixture
def hand_in(intake, ledger):
    """Posts items, which the back office takes."""

    def post_and_keep(*identities: str, now: int) -> None:
        for identity in identities:
            ledger.post("incident", identity, "{}")
        parcels = ledger.parcels(9)
        intake.counterfoils.keep(parcels, now)
        ledger.delivered(parcels)

    return post_and_keep


@pytest.mark.parametrize(
    ("counted", "went_back"),
    [
        ([1, 2, 3], [False, False, False]),
        ([7, 8, 20, 21], [False] * 4),  # answers that were lost leave gaps
        ([7, 8, 5, 6, 7], [False, False, True, False, False]),
        ([7, 7], [False, True]),
        ([7, 0, 0, 8], [False] * 4),  # an older version does not count
        ([0, 0], [False, False]),
    ],
)
def test_a_number_that_came_before_shows_a_backup(intake, counted, went_back):
    assert [intake.counterfoils.goes_back(number) for number in counted] == went_back


def test_what_was_handed_in_is_handed_in_again_in_the_same_order_and_once(intake, ledger, hand_in):
    hand_in("first", "second", now=1)
    hand_in("third", now=2)
    ledger.post("incident", "waits", "{}")
    assert intake.counterfoils.hand_in_again() == 3
    assert [parcel.identity for parcel in ledger.parcels(9)] == ["waits", "first", "second", "third"]
    assert intake.counterfoils.hand_in_again() == 0


def test_after_a_week_it_is_gone(intake, ledger, hand_in):
    hand_in("old", now=1)
    hand_in("new", now=3 * DAY)
    assert not intake.tidy(now=8 * DAY)
    assert intake.counterfoils.hand_in_again() == 1
    assert [parcel.identity for parcel in ledger.parcels(9)] == ["new"]


def test_many_go_a_piece_at_a_time(intake, hand_in):
    for number in range(50):
        hand_in(*(f"{number}.{place}" for place in range(8)), now=1)
    assert intake.tidy(now=8 * DAY)
    assert intake.tidy(now=8 * DAY)
    assert not intake.tidy(now=8 * DAY)
    assert intake.counterfoils.hand_in_again() == 0
