from __future__ import annotations

import pytest

from panier_simulators.chaos.mqtt import PacketSplitter, Publish, is_publish, published

CONNACK = bytes.fromhex("20020000")
PINGREQ = bytes.fromhex("c000")
QOS_1 = bytes.fromhex("32") + bytes([2 + 3 + 2 + 5]) + b"\x00\x03a/b" + b"\x00\x07" + b"hello"
QOS_0 = bytes.fromhex("30") + bytes([2 + 3 + 5]) + b"\x00\x03a/b" + b"hello"
LONG = bytes.fromhex("32") + bytes([0xAC, 0x02]) + b"\x00\x03a/b" + b"\x00\x08" + b"x" * 293


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_packets_are_told_apart_however_the_stream_comes(size: int):
    stream = CONNACK + QOS_1 + PINGREQ + LONG + QOS_0
    splitter = PacketSplitter()
    packets = [packet for at in range(0, len(stream), size) for packet in splitter.feed(stream[at : at + size])]
    assert packets == [CONNACK, QOS_1, PINGREQ, LONG, QOS_0]
    assert [is_publish(packet) for packet in packets] == [False, True, False, True, True]


def test_topic_and_payload_are_read_with_and_without_a_packet_identifier():
    assert published(QOS_1) == published(QOS_0) == Publish("a/b", b"hello")
    assert published(LONG) == Publish("a/b", b"x" * 293)
