"""Asks scale, printer, payment terminal and broker how they are, before a shopper needs them."""

from __future__ import annotations

import asyncio
import secrets
import socket
from dataclasses import dataclass

from panier_device.driver.escpos_printer import EscposPrinter
from panier_device.driver.port import DeviceGone
from panier_device.driver.scale.port import Question, ScaleGone, ScaleRefused
from panier_device.driver.scale.serial_scale import SerialScale
from panier_device.hardware import amiss
from panier_device.printing import PrinterState
from panier_io.connection import Connection
from panier_io.session import Address

_QUESTION = Question(price_per_kg=100)
"""Any price: a scale that reckons itself answers to none of 0."""
_PATIENCE = 3.0
"""Seconds that a broker has to answer in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device said, in words; `is_wrong` where it keeps a shopper from working."""

    says: str
    is_wrong: bool = False


async def ask_scale(scale: SerialScale) -> Answer:
    """What it weighs now. That nothing lies on it, or too much, is an answer, too."""
    running = asyncio.create_task(scale.run())
    try:
        await asyncio.sleep(0)  # one turn of the loop, in which the port is opened or is not
        if not scale.present:
            return Answer(f"{scale.name} cannot be opened: does another process hold it?", is_wrong=True)
        weight = await scale.weigh(_QUESTION)
    except ScaleGone as error:
        return Answer(str(error), is_wrong=True)
    except ScaleRefused as error:
        return Answer(str(error) if error.is_failure else f"answers: {error}", error.is_failure)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return Answer(f"answers: {weight.grams} g")


async def ask_printer(printer: EscposPrinter) -> Answer:
    """Its paper, its cover, its cutter; of one that answers nothing, only that its wire can be opened."""
    try:
        status = await printer.status()
    except DeviceGone as error:
        return Answer(str(error), is_wrong=True)
    finally:
        printer.close()
    words = amiss((), None, PrinterState(fault=status.fault, is_near_end=status.paper == "near_end"))
    if status.fault is not None:
        return Answer(words, is_wrong=True)
    if not printer.answers:
        return Answer("its line is open; this profile cannot be asked for paper and cover")
    return Answer(f"answers: {words or 'ready, with paper'}")


async def ask_broker(at: Address) -> None:
    """Comes back where it lets the terminal in. Raises Refused, and NotConnected or OSError where nobody answers.

    Asked under a name of the moment: a terminal that runs keeps its connection.
    """
    connection, me = Connection(keepalive=5), f"doctor-{secrets.token_hex(8)}"
    try:
        async with asyncio.timeout(_PATIENCE):
            await connection.open(at.host, at.port, client_id=me, username=at.username, password=at.password, will=None)
    finally:
        connection.close()


def ask_payment_terminal(host: str, port: int, answer_s: float) -> Answer:
    """Whether somebody is at its address; nothing is said there, and nothing is charged."""
    try:
        socket.create_connection((host, port), timeout=answer_s).close()
    except OSError as error:
        return Answer(
            f"nothing answers at {host}:{port} ({error.strerror or error}): switch the payment terminal on, and look for its "
            "address and port in its menu",
            is_wrong=True,
        )
    return Answer(f"{host}:{port} can be reached")
