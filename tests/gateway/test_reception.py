"""What arrives over MQTT: stored in order, once, acknowledged when it is on the disk; nonsense is set aside with a reason."""

from __future__ import annotations


async def test_events_are_acknowledged_and_on_the_disk(shop, started, item):
    till = await shop.till()
    till.add(started, item("a"), item("b"))
    await till.send()
    await till.acknowledged(3)
    assert shop.query("SELECT sequence FROM event WHERE device = 'till-1'") == [(1,), (2,), (3,)]
