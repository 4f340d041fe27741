from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from panier_simulators.fleet import NoScanner, Post, Report, Store, quantiles
from panier_simulators.sample.shop import SampleTrip
from panier_simulators.shopper import Manner, Shopping

SERIAL = """
store = "store-1"
device = "{device}"
[[scanners]]
kind = "serial"
port = "{folder}/{device}.scanner"
profile = "generic"
"""
WEDGE = """
store = "store-1"
device = "{device}"
[[scanners]]
kind = "wedge"
source = "stream"
path = "{folder}/{device}.wedge"
"""


def _settings(folder: Path, device: str, text: str) -> Path:
    file = folder / f"{device}.toml"
    file.write_text(text.format(device=device, folder=folder))
    return file


def test_a_terminal_s_settings_say_which_readers_to_simulate(tmp_path: Path) -> None:
    serial = Post.read(_settings(tmp_path, "d1", SERIAL))
    assert [(path.name, programming.baud) for path, programming in serial.serial] == [("d1.scanner", 9600)]
    wedge = Post.read(_settings(tmp_path, "d2", WEDGE))
    assert [(path.name, habit.layout) for path, habit in wedge.wedges] == [("d2.wedge", "us")]
    french = Post.read(_settings(tmp_path, "d4", WEDGE + 'layout = "fr"\n[[scanners]]\nkind = "hidpos"\npath = "/h"\n'))
    assert [habit.layout for _, habit in french.wedges] == ["fr"]
    assert french.hidpos == ((Path("/h"), "honeywell"),)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('source = "stream"', 'source = "evdev"', "names no scanner to simulate"),
        (
            'kind = "wedge"\nsource = "stream"',
            'kind = "serial"\nport = "/x"\nprofile = "none"',
            "no scanner profile 'none'; there are",
        ),
        ('source = "stream"', 'source = "stream"\nlayout = "gr"', "no keyboard of layout 'gr' can be simulated; there are us"),
    ],
)
def test_settings_that_cannot_be_simulated_say_what_is_wanted(tmp_path: Path, old: str, new: str, reason: str) -> None:
    with pytest.raises(NoScanner, match=reason):
        Post.read(_settings(tmp_path, "d3", WEDGE.replace(old, new)))


async def test_a_store_shops_every_trip_once_while_a_terminal_dies(
    tmp_path: Path,
    basket: SampleTrip,
    price: Callable[[SampleTrip], int],
    manner: Manner,
    handheld: Callable[..., tuple[str, ...]],
) -> None:
    files = [_settings(tmp_path, "d1", SERIAL), _settings(tmp_path, "d2", WEDGE)]

    def command(settings: Path) -> Sequence[str]:
        post = Post.read(settings)
        return (
            handheld(post.device, "serial", post.serial[0][0])
            if post.serial
            else handheld(post.device, "wedge", post.wedges[0][0])
        )

    trips = [replace(basket, basket=number) for number in range(8)]
    heard: list[int] = []
    async with Store([Post.read(file) for file in files], manner=manner, seed=3, command=command) as store:
        await store.wait_until_ready(within=20)

        def hear(shopping: Shopping) -> None:
            heard.append(shopping.basket)
            if len(heard) == 2:
                store.places[0].terminal.kill()

        done = await store.replay(trips, hear)
        assert store.places[0].glance.is_on
    assert sorted(heard) == list(range(8))
    assert {one.device for one in done} == {"d1", "d2"}
    assert {one.total for one in done} == {price(basket)}
    report = Report.of(done, trips)
    assert (report.trips, report.lines, report.units, report.skipped) == (8, 32, 72, 0)
    assert report.scan_to_screen_ms["p50"] > 0


def test_quantiles_of_few_values_are_those_values() -> None:
    assert quantiles([]) == {"p50": 0.0, "p99": 0.0}
    assert quantiles([4.0]) == {"p50": 4.0, "p99": 4.0}
    assert quantiles([float(value) for value in range(1, 102)]) == {"p50": 51.0, "p99": 100.0}
