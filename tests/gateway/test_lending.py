"""Leases over the wire where a store has more limits than one message holds."""

from __future__ import annotations

from tests.waiting import until

from panier.lease import MAX_LEASES
from panier.message import LeaseMessage, decode
from panier.trip import HelpRequested

BUDGETS = 501


async def test_more_leases_than_a_message_holds_come_in_several_and_the_gateway_goes_on(closed_shop, started):
    for number in range(1, 6):
        closed_shop.enrol(f"till-{number}")
    for number in range(BUDGETS):
        budget = {"type": "spend", "limit": "1000.00"}
        definition = {"kind": "percent", "percent": "10", "title": "10 %", "budget": budget, "target": {"skus": ["a"]}}
        await closed_shop.office.say("promotion", f"p{number}", definition)
    await closed_shop.open()
    await until(lambda: closed_shop.gateway._replica.position == BUDGETS)
    till = await closed_shop.till()
    till.add(started)
    await till.send()

    def told():
        messages = [decode(LeaseMessage, payload) for payload in till._of(till.topics.lease)]
        return {(lease.promotion, lease.holder) for message in messages for lease in message.leases}

    journal = f"till-1.{till.journal}"
    await until(lambda: told() == {(f"p{n}", holder) for n in range(BUDGETS) for holder in (journal, till.trip)})
    assert len(told()) > MAX_LEASES
    till.add(HelpRequested())
    await till.send()
    await till.acknowledged(2)
