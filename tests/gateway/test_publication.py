"""What monitors and the back office are told of the floor."""

from __future__ import annotations

import threading

from tests.waiting import until

from panier_gateway.publication import Publication


async def test_the_report_to_the_back_office_prices_no_basket_again(shop, started, item, monkeypatch):
    till = await shop.till()
    till.add(started, item("a", 150))
    await till.send()
    await until(lambda: [row["total"] for live in shop.office.live[-1:] for row in live["terminals"]] == [150])
    publication = shop.gateway._publication
    priced, total = [], publication._total
    monkeypatch.setattr(publication, "_total", lambda trip: priced.append(trip) or total(trip))
    assert [(row.device, row.total) for row in publication.live().terminals] == [("till-1", 150)]
    publication.repeat_all()
    assert [(row.device, row.total) for row in publication.live().terminals] == [("till-1", 150)], "whatever the broker lost"
    assert priced == []


async def test_baskets_are_priced_beside_the_event_loop(shop, started, item, monkeypatch):
    publication = shop.gateway._publication
    threads = set()
    monkeypatch.setattr(publication, "_total", lambda trip: threads.add(threading.current_thread()) or 99)
    till = await shop.till()
    till.add(started, item("a", 150))
    await till.send()
    await until(lambda: [row["total"] for live in shop.office.live[-1:] for row in live["terminals"]] == [99])
    assert threading.current_thread() not in threads


async def test_what_was_counted_before_the_first_publication_counts(shop):
    publication = Publication(
        shop.gateway._topics, "America/New_York", shop.gateway._floor, shop.gateway._clerk, shop.gateway._wire.retain,
        lambda: 1_000, total=lambda trip: trip.units, limits=dict,
    )  # fmt: skip
    shop.gateway._floor.shift.refused_messages += 1
    await publication.refresh()
    assert shop.gateway._floor.counters().refused_messages == 1


async def test_a_clock_that_is_set_back_freezes_no_limit(shop):
    publication = shop.gateway._publication
    right = publication._clock
    publication._clock = lambda: right() + 3_600_000
    await publication.refresh()
    publication._clock = right
    limited = {"kind": "amount", "title": "2.00 off", "amount": "2.00", "usage_limit": 50, "target": {"skus": ["a"]}}
    await shop.office.say("promotion", "two-off", limited)
    await until(lambda: [row["limit"] for live in shop.office.live[-1:] for row in live["counters"]["limits"]] == [50])
