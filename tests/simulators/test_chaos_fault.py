from __future__ import annotations

from collections import Counter

import pytest

from panier_simulators.chaos.fault import KINDS, NoSuchFault, chosen, draw

DEVICES = [f"till-{number:02}" for number in range(1, 7)]


def test_a_plan_is_a_pure_function_of_its_seed():
    kinds = chosen(None, has_shim=True)
    assert draw(1, 2000, DEVICES, kinds) == draw(1, 2000, DEVICES, kinds)
    assert draw(1, 2000, DEVICES, kinds) != draw(2, 2000, DEVICES, kinds)


def test_ten_seeds_of_2000_trips_bring_over_500_faults_and_every_kind_in_each():
    kinds = chosen(None, has_shim=True)
    plans = [draw(seed, 2000, DEVICES, kinds) for seed in range(1, 11)]
    assert sum(len(plan) for plan in plans) >= 500
    assert all({fault.kind for fault in plan} == {kind.name for kind in kinds} for plan in plans)


def test_kinds_come_equally_often():
    kinds = chosen(None, has_shim=True, has_server=True)
    counts = Counter(fault.kind for fault in draw(3, 9, DEVICES, kinds, 4 * len(KINDS)))
    assert set(counts) == {kind.name for kind in KINDS}
    assert set(counts.values()) == {4}


def test_faults_come_in_order_before_the_last_trips_end_and_have_targets_that_exist():
    plan = draw(4, 300, DEVICES, chosen(None, has_shim=True))
    assert list(plan) == sorted(plan, key=lambda fault: fault.after)
    assert all(0 < fault.after < 300 for fault in plan)
    known = {"", "gateway", "broker", "backoffice", "monitor", "gateway-broker", "gateway-backoffice", "monitor-broker", *DEVICES}
    known |= {f"{device}-broker" for device in DEVICES}
    assert {fault.target for fault in plan} <= known


def test_without_a_compiler_what_needs_it_is_left_out_and_twelve_kinds_remain():
    kinds = chosen(None, has_shim=False)
    assert not any(kind.needs_shim for kind in kinds)
    assert len(kinds) >= 12


def test_only_the_kinds_that_are_asked_for_come():
    kinds = chosen(["cut", "kill_device"], has_shim=True)
    assert {fault.kind for fault in draw(5, 100, DEVICES, kinds)} == {"cut", "kill_device"}


def test_an_unknown_kind_is_refused_by_the_names_of_those_there_are():
    with pytest.raises(NoSuchFault, match=r"'fire'; there are kill_device, kill_gateway"):
        chosen(["fire"], has_shim=True)


def test_a_kind_can_be_held_to_one_of_its_targets():
    plan = draw(5, 100, DEVICES, chosen(["disk_full@gateway"], has_shim=True))
    assert {(fault.kind, fault.target) for fault in plan} == {("disk_full", "gateway")}
    with pytest.raises(NoSuchFault, match="disk_full does not befall 'broker', but backoffice, device, gateway"):
        chosen(["disk_full@broker"], has_shim=True)


def test_a_database_server_is_a_target_only_where_there_is_one():
    targets = {fault.target for fault in draw(6, 4000, DEVICES, chosen(None, has_shim=True, has_server=True))}
    assert {"database", "backoffice-database"} <= targets
    targets = {fault.target for fault in draw(6, 4000, DEVICES, chosen(None, has_shim=True))}
    assert not targets & {"database", "backoffice-database"}
    with pytest.raises(NoSuchFault, match="kill_database: the back office has no database server"):
        chosen(["kill_database"], has_shim=True)
