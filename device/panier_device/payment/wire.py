"""A payment terminal at the other end of a TCP connection: one connection a conversation, whatever is spoken over it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from panier_device.payment.dialogue import Dialogue, Protocolled
from panier_device.payment.port import Answer, BrokenAnswer, Charge, NotReady, PaymentTrouble, TerminalBusy
from panier_io.log import logger

_CONNECT_S = 5.0
_SEEKING_S = 60.0
"""Seconds without a word that are usual once the terminal has spoken: the shopper looks for the card."""


class TcpPaymentTerminal:
    """Speaks `protocol` with the terminal at `host`, `port`; who is asked and says no first word for `silent_s` is in trouble."""

    def __init__(self, host: str, port: int, protocol: Protocolled, silent_s: float) -> None:
        self.name = f"{host}:{port}"
        self.trouble: PaymentTrouble = ""
        self.changed: Callable[[], None] = lambda: None
        self.broken = 0
        """Answers so far that were no answers."""
        self._at = (host, port)
        self._protocol = protocol
        self._silent_s = silent_s
        self._currency = ""
        self._has_spoken = False
        self._wishes_end = asyncio.Event()
        self._log = logger("payment").bind(terminal=self.name)

    async def look(self) -> None:
        # Before a shopper ever paid here, that there is a line has to do: the store's currency may not be known yet.
        await self._converse(self._protocol.prepare(self._currency) if self._currency else None)

    async def prepare(self, currency: str) -> str:
        dialogue, self._currency = self._protocol.prepare(currency), currency
        ready = await self._converse(dialogue)
        if ready is None:
            raise NotReady(f"no payment terminal answers at {self.name}: look whether it is on, and has its cable")
        if ready.outcome != "approved":
            refusal = TerminalBusy if ready.reason == "busy" else NotReady
            raise refusal(
                f"the payment terminal at {self.name} is not ready ({ready.reason or 'no answer'}): wait, or look at it"
            )
        return ready.trace

    async def authorise(self, charge: Charge) -> Answer:
        try:
            answer = await self._converse(self._protocol.authorise(charge))
        finally:
            # Not before: a wish may be there before the first byte is.
            self._wishes_end.clear()
        # Without a connection nothing was sent, and nothing can be charged.
        return answer or Answer(outcome="declined", reason="no_contact")

    async def enquire(self, charge: Charge) -> Answer:
        try:
            dialogue = self._protocol.enquire(charge)
        except NotReady as error:
            # Only where the settings were changed while a payment was under way: staff have to look it up at the terminal before.
            self._log.error("payment_cannot_be_enquired", reason=str(error))
            return Answer(outcome="unknown", reason="other_protocol")
        return await self._converse(dialogue) or Answer(outcome="unknown", reason="no_contact")

    def cancel(self) -> None:
        self._wishes_end.set()

    async def _converse(self, dialogue: Dialogue | None) -> Answer | None:
        """The answer; None where there was no connection, or no dialogue, so that nothing was sent."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_connection(*self._at)
        except (OSError, UnicodeError, TimeoutError) as error:
            self._stand("away", str(error) or "no answer")
            return None
        if dialogue is None:
            writer.close()
            return self._stand("")
        self._has_spoken = False
        cancelling = asyncio.create_task(self._cancel_when_wished(dialogue, writer))
        try:
            await self._talk(dialogue, reader, writer)
        except BrokenAnswer as error:
            self.broken += 1
            self._log.warning("payment_answer_broken", reason=str(error))
            self._stand("garbled", str(error))
        except (OSError, TimeoutError) as error:
            self._log.warning("payment_line_lost", reason=str(error) or "no answer in time")
            if not self._has_spoken:
                self._stand("silent", str(error))
        finally:
            cancelling.cancel()
            writer.close()
        return dialogue.answer or dialogue.lost()

    async def _talk(self, dialogue: Dialogue, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(dialogue.begin())
        await writer.drain()
        while dialogue.answer is None:
            data = await self._hear(reader, dialogue)
            reply = dialogue.feed(data)
            self._has_spoken = True
            self._stand("")
            if reply:
                writer.write(reply)
                await writer.drain()

    async def _hear(self, reader: asyncio.StreamReader, dialogue: Dialogue) -> bytes:
        """The next bytes. Staff hear of an unusual silence long before it is too long for whoever asked."""
        usual = max(self._silent_s, _SEEKING_S, dialogue.announced) if self._has_spoken else self._silent_s
        usual = min(usual, dialogue.patience)
        why = f"connected, and no word for {usual:g} s"
        falls_silent = asyncio.get_running_loop().call_later(usual, self._stand, "silent", why)
        try:
            async with asyncio.timeout(dialogue.patience):
                data = await reader.read(4096)
        finally:
            falls_silent.cancel()
        if not data:
            raise ConnectionResetError("the terminal closed the line")
        return data

    def _stand(self, trouble: PaymentTrouble, why: str = "") -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._log.warning("payment_terminal_stands", trouble=trouble or "none", reason=why)
            self.changed()

    async def _cancel_when_wished(self, dialogue: Dialogue, writer: asyncio.StreamWriter) -> None:
        await self._wishes_end.wait()
        with contextlib.suppress(OSError):
            writer.write(dialogue.cancel())
