"""Frames are those of OASIS MQTT 3.1.1, chapter 3; CONNECT with a will is what paho-mqtt 2.1 writes."""

from __future__ import annotations

import gc
import os
import random
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier_io.packet import (
    LARGEST,
    ConnAck,
    Packet,
    PacketBroken,
    PacketDecoder,
    PingResp,
    PubAck,
    Published,
    SubAck,
    Will,
    connect,
    puback,
    publish,
    subscribe,
)

HEARD: list[tuple[str, Packet]] = [
    ("20 02 00 00", ConnAck(0)),
    ("20 02 01 05", ConnAck(5)),
    ("40 02 12 34", PubAck(0x1234)),
    ("90 04 00 07 00 80", SubAck(7, b"\x00\x80")),
    ("d0 00", PingResp()),
    ("30 07 00 03 61 2f 62 68 69", Published("a/b", b"hi")),
    ("31 05 00 03 61 2f 62", Published("a/b", b"")),
    ("32 09 00 03 61 2f 62 00 0a 68 69", Published("a/b", b"hi", 10)),
    ("3b 0a 00 04 c3 a9 2f 62 00 0a 68 69", Published("é/b", b"hi", 10)),
    ("30 c8 01 00 03 61 2f 62" + " 78" * 195, Published("a/b", b"x" * 195)),
]
BROKEN = [
    "10 00",  # CONNECT is not a broker's to say
    "00 00", "f0 00", "48 54 54 50", "20 01 00", "40 03 00 01 02", "90 02 00 01", "d0 01 00", "30 00", "30 01 00",
    "30 02 00 01", "32 03 00 01 61", "34 05 00 01 61 00 01",  # quality of service 2
    "36 05 00 01 61 00 01", "30 03 00 01 ff", "30 ff ff ff ff 01", "30 ff ff ff 7f",
]  # fmt: skip


def told(packet: Packet) -> bytes:
    return next(bytes.fromhex(frame) for frame, heard in HEARD if heard == packet)


packets = st.lists(st.sampled_from([heard for _, heard in HEARD]), max_size=8)


@pytest.mark.parametrize(("frame", "packet"), HEARD)
def test_each_packet_of_a_broker_is_read(frame: str, packet: Packet) -> None:
    assert PacketDecoder().feed(bytes.fromhex(frame)) == [packet]


@pytest.mark.parametrize("frame", BROKEN)
def test_what_no_broker_may_say_ends_the_reading(frame: str) -> None:
    with pytest.raises(PacketBroken):
        PacketDecoder().feed(bytes.fromhex(frame))


def test_a_packet_that_would_be_too_large_is_refused_before_it_is_gathered() -> None:
    size = LARGEST + 1
    length = bytes((size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14 & 0x7F | 0x80, size >> 21))
    with pytest.raises(PacketBroken, match="the most is"):
        PacketDecoder().feed(b"\x30" + length)


def test_connect_says_identity_will_and_keepalive() -> None:
    # As paho-mqtt 2.1 writes it for the same arguments.
    said = connect(client_id="till-1", username="till-1", password="s3", keepalive=5, will=Will("a/up/status", b"{}"))
    assert said.hex(" ") == (
        "10 2f 00 04 4d 51 54 54 04 ee 00 05 00 06 74 69 6c 6c 2d 31 00 0b 61 2f 75 70 2f 73 74 61 74 75 73 00 02 7b 7d"
        " 00 06 74 69 6c 6c 2d 31 00 02 73 33"
    )
    assert connect(client_id="g", username="u", password="p", keepalive=300).hex(" ") == (
        "10 13 00 04 4d 51 54 54 04 c2 01 2c 00 01 67 00 01 75 00 01 70"
    )


def test_subscribe_publish_and_puback_are_written_as_the_standard_says() -> None:
    assert subscribe(1, ["a/#", "b"]).hex(" ") == "82 0c 00 01 00 03 61 2f 23 00 00 01 62 00"
    assert publish("a", b"hi").hex(" ") == "30 05 00 01 61 68 69"
    assert publish("a", b"hi", retain=True, identifier=258).hex(" ") == "33 07 00 01 61 01 02 68 69"
    assert puback(65_535).hex(" ") == "40 02 ff ff"


@pytest.mark.parametrize("size", [124, 125, 16_380, 16_381, 900_000])
def test_lengths_of_one_to_three_bytes_come_back_as_they_were_said(size: int) -> None:
    assert PacketDecoder().feed(publish("a", bytes(size))) == [Published("a", bytes(size))]


@given(packets, st.randoms(use_true_random=False))
def test_any_chunking_gives_the_same_packets(heard: list[Packet], chance: random.Random) -> None:
    stream = b"".join(map(told, heard))
    cuts = sorted({0, len(stream), *(chance.randrange(len(stream) + 1) for _ in range(chance.randrange(20)))})
    decoder = PacketDecoder()
    assert [packet for begin, end in pairwise(cuts) for packet in decoder.feed(stream[begin:end])] == heard
    decoder = PacketDecoder()
    assert [packet for byte in stream for packet in decoder.feed(bytes((byte,)))] == heard


def mutated(chance: random.Random) -> bytes:
    stream = bytearray(b"".join(bytes.fromhex(chance.choice(HEARD)[0]) for _ in range(chance.randrange(1, 4))))
    for _ in range(chance.randrange(4)):
        match chance.randrange(4):
            case 0:
                del stream[chance.randrange(len(stream) + 1) :]
            case 1:
                stream[chance.randrange(len(stream) + 1) : 0] = chance.randbytes(chance.randrange(6))
            case 2 if stream:
                stream[chance.randrange(len(stream))] = chance.randrange(256)
            case _:
                stream += chance.randbytes(chance.randrange(40))
    return bytes(stream)


def hear(stream: bytes) -> str:
    try:
        return f"{len(PacketDecoder().feed(stream))} packets"
    except PacketBroken as error:
        return error.code


def test_mutated_bytes_raise_nothing_but_our_own_error() -> None:
    chance = random.Random(1)
    assert {hear(mutated(chance)) for _ in range(5_000)} >= {"packet_broken", "0 packets", "1 packets", "3 packets"}


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_our_own_error(stream: bytes) -> None:
    hear(stream)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_millions_of_streams_raise_nothing_but_our_own_error_and_leave_no_memory_behind() -> None:
    """By hand: `pytest -m soak -n 0 -s tests/core_io/test_packet.py`."""
    inputs = int(os.environ.get("PANIER_SOAK_INPUTS", "5000000"))
    chance, seen, began, before = random.Random(1), Counter[str](), time.monotonic(), 0
    for number in range(inputs):
        seen[hear(mutated(chance))] += 1
        if number == inputs // 10:
            gc.collect()
            before = resident()
    gc.collect()
    grown = (resident() - before) / 2**20
    sys.stdout.write(f"\n{inputs:,} streams, {time.monotonic() - began:.0f} s, memory grew by {grown:.1f} MB: {dict(seen)}\n")
    assert grown < 8
    assert seen["packet_broken"] > inputs // 10
