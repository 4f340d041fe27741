"""`panier bench intake --quick`: a real gateway and broker, few devices; what it says is held, not how fast it was."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from panier.message import EventBatch, decode, event_from_json
from panier.trip import fold
from panier_simulators.bench.command import bench
from panier_simulators.bench.crowd import ITEMS, Device
from panier_simulators.chaos.mqtt import identifier, published


class _Heard:
    """A line's other end, that keeps what is published."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def publish(self, topic: bytes, payload: bytes, *, retain: bool = False) -> None:
        self.payloads.append(payload)


def test_what_a_simulated_device_says_is_trips_that_fold() -> None:
    device = Device(7, "secret", 1)
    heard = device._line = _Heard()  # type: ignore[assignment]
    device.scan(ITEMS + 2)
    batch = decode(EventBatch, heard.payloads[0])
    trip = fold(event_from_json(event) for event in batch.events)
    assert batch.journal == device.journal
    assert trip.trip == f"{device.name}.{device.journal}.1"
    assert trip.finished is not None
    assert (trip.finished.units, trip.finished.total) == (trip.units, sum(line.unit_price * line.quantity for line in trip.lines))


def test_a_publish_tells_by_which_bytes_it_wants_to_be_acknowledged() -> None:
    packet = b"\x32\x09\x00\x03a/b\x12\x34hi"
    assert identifier(packet) == b"\x12\x34"
    assert published(packet).payload == b"hi"
    assert identifier(b"\x30\x07\x00\x03a/bhi") == b""


@pytest.mark.slow
def test_every_event_is_acknowledged_and_on_the_disk_once_and_every_figure_is_there() -> None:
    told = CliRunner().invoke(bench, ["intake", "--quick", "--json"])
    result = json.loads(told.stdout)
    assert result["holds"]["nothing_lost"]
    assert result["events"] == result["on_disk"] > 500
    assert (result["refused"], result["behind"]) == (0, 0)
    assert result["connected"]["devices"] == 20
    assert result["catch_up"]["waiting"] == 450
    assert [row["window"] for row in result["ramp"]] == [row["window"] for row in result["broker_alone"]] == [1, 2]
    assert all(row["per_second"] > 0 for row in [*result["ramp"], *result["broker_alone"]])
    assert all(row[time] > 0 for row in (result["steady"], result["connected"]) for time in ("p50_ms", "p99_ms"))
    assert all(process["peak_mb"] > 0 for process in result["steady"]["processes"].values())
    assert told.exit_code == (0 if all(result["holds"].values()) else 1)
