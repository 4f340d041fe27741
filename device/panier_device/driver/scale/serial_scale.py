"""A scale on a serial line: RS-232, or USB that poses as one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import termios

import serial

from panier_device.driver.scale.port import Question, ScaleGarbled, ScaleGone, ScaleRefused, ScaleSilent, ScaleWeight, Send, Step
from panier_device.driver.scale.profile import ScaleProfile
from panier_device.driver.serial_port import open_port
from panier_io.log import logger

PATIENCE = 1.0
"""Seconds that a scale has for each answer: the time-out of SCP-01; it answers in hundredths when it is there."""
_AGAIN = 0.5
_QUOTED = 64
"""Bytes of an answer that are kept to be quoted: a scale may talk all day without being asked."""


class SerialScale:
    """Asks and listens on the event loop; opens the port again whenever it comes back. One question at a time."""

    def __init__(self, port: str, profile: ScaleProfile, *, patience: float = PATIENCE) -> None:
        self.name = port
        self.profile = profile
        self._dialogue = profile.dialogue()
        self._patience = patience
        self._port: serial.Serial | None = None
        self._turn = asyncio.Lock()
        self._steps: asyncio.Queue[Step | None] = asyncio.Queue()
        self._heard = bytearray()
        self._log = logger("scale").bind(port=port)
        self._complained = ""

    @property
    def present(self) -> bool:
        return self._port is not None

    @property
    def noise(self) -> int:
        return self._dialogue.noise

    async def run(self) -> None:
        while True:
            try:
                port = self._open()
            except (OSError, ValueError, termios.error) as error:
                self._complain(str(error))
            else:
                self._complained = ""
                self._log.info("scale_open")
                try:
                    await self._listen_until_gone(port)
                finally:
                    self._port = None
                    self._dialogue.reset()
                    self._steps.put_nowait(None)
                    with contextlib.suppress(OSError, termios.error):
                        port.close()
                self._log.warning("scale_gone")
            await asyncio.sleep(_AGAIN)

    async def weigh(self, question: Question) -> ScaleWeight:
        async with self._turn:
            if self._port is None:
                raise ScaleGone(self.name)
            while not self._steps.empty():
                self._steps.get_nowait()
            self._heard.clear()
            self._send(self._dialogue.ask(question))
            while True:
                outcome = await self._next()
                if isinstance(outcome, ScaleRefused):
                    raise outcome
                if isinstance(outcome, ScaleWeight):
                    return self._plausible(outcome)
                self._send(outcome)

    async def _next(self) -> Step:
        try:
            async with asyncio.timeout(self._patience):
                step = await self._steps.get()
        except TimeoutError:
            self._dialogue.reset()
            # What comes late must not pass for the answer to the next question.
            self._drop_late()
            if self._heard:
                raise ScaleGarbled(bytes(self._heard), "a whole answer") from None
            raise ScaleSilent(self._patience) from None
        if step is None:
            raise ScaleGone(self.name)
        return step

    def _plausible(self, weight: ScaleWeight) -> ScaleWeight:
        """A weight that this scale can show: noise that hits a digit makes another of it."""
        profile = self.profile
        if weight.grams > profile.capacity or (profile.unit == "kg" and weight.grams % profile.division):
            shows = f"up to {profile.capacity} g in steps of {profile.division} g"
            raise ScaleGarbled(bytes(self._heard), shows)
        return weight

    def _open(self) -> serial.Serial:
        profile = self.profile
        port = open_port(self.name, profile)
        if profile.parity != "none":
            # pyserial leaves parity unchecked, and it is all that some scales have: a byte that fails it is read as zero.
            held = termios.tcgetattr(port.fileno())
            held[0] |= termios.INPCK
            termios.tcsetattr(port.fileno(), termios.TCSANOW, held)
        self._port = port
        return port

    async def _listen_until_gone(self, port: serial.Serial) -> None:
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        descriptor = port.fileno()

        def readable() -> None:
            try:
                data = os.read(descriptor, 4096)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EINTR):
                    return
                data = b""
            if not data:
                loop.remove_reader(descriptor)
                gone.set()
                return
            self._heard += data[: _QUOTED - len(self._heard)]
            for step in self._dialogue.feed(data):
                self._steps.put_nowait(step)

        loop.add_reader(descriptor, readable)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(descriptor)

    def _send(self, send: Send) -> None:
        if self._port is None:
            raise ScaleGone(self.name)
        try:
            os.write(self._port.fileno(), send.data)
        except BlockingIOError:
            # Nobody takes the bytes: the silence that follows says it.
            return
        except OSError as error:
            raise ScaleGone(self.name) from error

    def _drop_late(self) -> None:
        if self._port is not None:
            with contextlib.suppress(OSError, termios.error):
                termios.tcflush(self._port.fileno(), termios.TCIFLUSH)

    def _complain(self, reason: str) -> None:
        # Once a reason, not twice a second for as long as the scale stands in the storeroom.
        if reason != self._complained:
            self._complained = reason
            self._log.warning("scale_missing", reason=reason)
