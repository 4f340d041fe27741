"""Staff give a code that the shop does not know a price: checked, sent to its trip, and said again until that has it."""

from __future__ import annotations

import asyncio

from panier.message import PriceMessage, StaffPrice
from panier.trip import ItemAdded, Trip
from panier_gateway.floor import Floor
from panier_gateway.greeting import Send
from panier_gateway.replica import Replica
from panier_io.log import logger


class Pricing:
    """Answers to unknown codes, one a device at a time. Memory only: what is lost staff see waiting, and answer again.

    The identity of an answer is the code's trip and sequence, and a trip takes it once, however often it is said.
    """

    def __init__(self, replica: Replica, floor: Floor, send: Send, vat_rate: str | None = None) -> None:
        self._replica = replica
        self._vat_rate = vat_rate
        self._floor = floor
        self._send = send
        self._said: dict[str, PriceMessage] = {}
        self._log = logger("pricing")

    async def price(self, device: str, wish: StaffPrice, now: int) -> None:
        """Sends what a code is sold as; where that cannot be, the terminal's row says why."""
        trip = self._waiting(device, wish.trip, wish.sequence)
        if trip is None:
            return self._floor.remark(device, "that code waits for no price any more")
        item = await self._item(trip, wish)
        if isinstance(item, str):
            return self._floor.remark(device, item)
        self._log.info("staff_priced", device=device, trip=trip.trip, sequence=wish.sequence, sku=item.sku, by=wish.by)
        self._said[device] = message = PriceMessage(trip=trip.trip, item=item)
        self._floor.remark(device, None)
        self._floor.answer_help(device, now)
        return await self._send(device, message)

    async def born(self, device: str) -> None:
        """A device is here, again or still: what was said may be lost."""
        said = self._said.get(device)
        if said is None:
            return
        if self._waiting(device, said.trip, said.item.answers) is None:
            del self._said[device]
        else:
            await self._send(device, said)

    def _waiting(self, device: str, name: str, sequence: int) -> Trip | None:
        """The open trip of that name at this device, where this code of it waits for a price."""
        terminal = self._floor.terminals.get(device)
        trip = terminal.trip if terminal else None
        if trip is None or trip.trip != name or all(code.sequence != sequence for code in trip.unknown):
            return None
        return trip

    async def _item(self, trip: Trip, wish: StaffPrice) -> ItemAdded | str:
        """What is put into the basket, or why nothing can be."""
        if not wish.sku:
            seen = next(code.seen for code in trip.unknown if code.sequence == wish.sequence)
            if not wish.name.strip() or not wish.unit_price:
                return "a name and a price are needed, or a SKU"
            return ItemAdded(
                # In no catalogue, so that no promotion and no shelf price is ever meant by it.
                sku=f"code-{seen if seen.isdigit() else wish.sequence}", name=wish.name.strip(), unit_price=wish.unit_price,
                category="", tax_rate=wish.tax_rate or self._vat_rate, snapshot=trip.snapshot, entry="staff", priced_by=wish.by,
                answers=wish.sequence,
            )  # fmt: skip
        version, _ = self._replica.newest
        product = await asyncio.to_thread(self._replica.product, wish.sku, version)
        if product is None:
            return f"SKU {wish.sku} is not sold here"
        if product.unit == "kg" or product.recall is not None:
            return f"SKU {wish.sku} is {'sold by weight' if product.unit == 'kg' else 'called back'}"
        return ItemAdded(
            sku=product.sku, name=product.name, unit_price=product.unit_price, category=product.category,
            tax_rate=product.tax_rate, snapshot=version, entry="staff", deposit=product.deposit, priced_by=wish.by,
            answers=wish.sequence,
        )  # fmt: skip
