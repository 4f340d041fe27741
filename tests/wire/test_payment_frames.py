"""Conversations with a payment terminal that both ends agree on, byte for byte: the device's dialogues and the simulator."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from panier_device.payment.line import LineProtocol
from panier_device.payment.port import Charge
from panier_device.payment.zvt import ZvtProtocol, ZvtTerms
from panier_simulators.payment.book import Book
from panier_simulators.payment.server import SimulatedPaymentTerminal

TALKS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "payment_frames.json").read_text(encoding="utf-8"))
CHARGE = Charge(reference="till-1.aaaaaa.3", amount=1234, currency="EUR", mark="0001.000001.1128131415")
PROTOCOLS = {"tcp": LineProtocol(5.0, 180.0), "zvt": ZvtProtocol(ZvtTerms(password=123456))}
NAMES = [f"{talk['protocol']} {talk['asks']}" for talk in TALKS]


def raw(said: str, protocol: str) -> bytes:
    return bytes.fromhex(said) if protocol == "zvt" else said.encode()


@pytest.mark.parametrize("talk", TALKS, ids=NAMES)
def test_the_device_says_its_part(talk: dict[str, Any]) -> None:
    protocol = talk["protocol"]
    asks = {"prepare": "EUR"}.get(talk["asks"], CHARGE)
    dialogue = getattr(PROTOCOLS[protocol], talk["asks"])(asks)
    sent = dialogue.begin()
    for who, said in talk["said"]:
        if who == "terminal":
            sent += dialogue.feed(raw(said, protocol))
        else:
            assert sent.startswith(raw(said, protocol)), (sent.hex(" "), said)
            sent = sent[len(raw(said, protocol)) :]
    assert sent == b""
    assert [dialogue.answer.outcome, dialogue.answer.trace] == talk["comes to"]


@pytest.mark.parametrize("talk", TALKS, ids=NAMES)
async def test_the_simulator_says_its_part(talk: dict[str, Any]) -> None:
    protocol, book = talk["protocol"], Book()
    book.charge(500, "EUR", "before")
    async with SimulatedPaymentTerminal(protocol, book=book) as terminal, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", terminal.port)
        for who, said in talk["said"]:
            if who == "till":
                writer.write(raw(said, protocol))
            else:
                assert await reader.readexactly(len(raw(said, protocol))) == raw(said, protocol)
        writer.close()
