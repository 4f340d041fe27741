"""The documented broker for a store, with the files of firmware-config/broker as they are."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path

import aiomqtt
import pytest

from panier_gateway.registry import new_password
from panier_gateway.settings import BrokerSettings
from panier_io.firmware import firmware_config

MOSQUITTO = shutil.which("mosquitto") or ("/usr/sbin/mosquitto" if Path("/usr/sbin/mosquitto").exists() else None)
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None or shutil.which("mosquitto_passwd") is None,
    reason="Mosquitto is not installed; on Debian: apt install mosquitto",
)


async def run(*command):
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 0, errors


@pytest.fixture
async def broker(closed_shop, port):
    """Mosquitto on the documented files; gives a function that makes a user known to it."""
    directory = closed_shop.directory
    passwords = directory / "panier.passwd"
    text = (firmware_config() / "broker" / "mosquitto.conf").read_text()
    for there, here in {
        "/etc/mosquitto/panier.passwd": str(passwords),
        "/etc/mosquitto/panier.acl": str(directory / "panier.acl"),
        "/var/lib/mosquitto/": f"{directory}/",
        "listener 1883": f"listener {port} 127.0.0.1",
    }.items():
        assert there in text
        text = text.replace(there, here)
    (directory / "mosquitto.conf").write_text(text + ("user root\n" if os.geteuid() == 0 else ""))
    (directory / "panier.acl").write_text((firmware_config() / "broker" / "mosquitto.acl").read_text().replace("STORE", "shop"))
    password = new_password()
    await run("mosquitto_passwd", "-c", "-b", str(passwords), "gateway", password)
    external = BrokerSettings.model_validate({"kind": "external", "port": port, "password": password})
    closed_shop.settings = closed_shop.settings.model_copy(update={"broker": external})
    for name in ("till-1", "till-2"):
        address = closed_shop.enrol(name)
        await run("mosquitto_passwd", "-b", str(passwords), name, address.password)
    process = await asyncio.create_subprocess_exec(
        str(MOSQUITTO), "-c", str(directory / "mosquitto.conf"), stderr=asyncio.subprocess.DEVNULL
    )
    await closed_shop.open()
    yield closed_shop
    await closed_shop.close()
    process.terminate()
    await process.wait()


@needs_mosquitto
async def test_a_store_runs_on_mosquitto(broker, started, item):
    till = await broker.till("till-1")
    till.add(started, item())
    await till.send()
    await till.acknowledged(2)
    assert broker.query("SELECT count(*) FROM event") == [(2,)]


@needs_mosquitto
async def test_no_device_speaks_as_another_or_hears_what_is_for_another(broker, started):
    other = await broker.till("till-2")
    other.add(started)
    at = broker.addresses["till-1"]
    heard = []
    async with aiomqtt.Client(
        at.host, at.port, username=at.username, password=at.password, identifier="gateway",
        protocol=aiomqtt.ProtocolVersion.V311, timeout=5,
    ) as spy:  # fmt: skip
        await spy.subscribe("#", qos=1)
        await other.send()
        await other.acknowledged(1)
        # What it may hear comes last, so that everything before it has come or never will.
        await broker.gateway._announce()
        async for message in spy.messages:
            heard.append(message.topic.value)
            if heard.count("panier/1/shop/store/manifest") == 2:
                break
        forged = b'{"journal": "aaaaaa", "events": [{"sequence": 2}]}'
        with suppress(aiomqtt.MqttError):
            await spy.publish("panier/1/shop/till-2/up/events", forged, qos=1)
    assert set(heard) == {"panier/1/shop/store/manifest"}
    other.add(started)
    await other.send(other.events[1:])
    await other.acknowledged(2)
    assert broker.query("SELECT count(*) FROM dead_letter") == [(0,)]
    # Its claim to be the client "gateway" threw nobody out.
    assert broker.gateway._session.connected
