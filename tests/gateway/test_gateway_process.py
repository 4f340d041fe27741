"""The gateway as a process: ready file, kill -9 at any moment, clean stop, one to a directory."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import urllib.request
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from tests.waiting import until
from typer.testing import CliRunner

from panier.trip import TripFinished
from panier_device.fitting import fit_printer, fit_scale, fit_scanner
from panier_device.settings import DeviceSettings
from panier_gateway.gateway import Gateway
from panier_gateway.ready import AlreadyRunning, lock
from panier_gateway.registry import Registry
from panier_gateway.settings import BrokerSettings
from panier_io.command import app
from panier_io.settings import load

PANIER = [sys.executable, "-m", "panier_io.command"]


@pytest.fixture
def settings_file(closed_shop):
    closed_shop.enrol("till-1")
    at = closed_shop.settings
    assert at.backoffice is not None
    file = closed_shop.directory / "gateway.toml"
    file.write_text(
        f'store = "shop"\ndata_dir = "{at.data_dir}"\ncurrency = "USD"\ntimezone = "America/New_York"\nmetrics_port = 0\n'
        f'[backoffice]\nurl = "{at.backoffice.url}"\ntoken = "secret"\n'
    )
    return file


@asynccontextmanager
async def running(file):
    process = await asyncio.create_subprocess_exec(
        *PANIER, "gateway", "--settings", str(file), "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        ready = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
        yield process, ready
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_gateway_killed_at_any_moment_loses_nothing_it_acknowledged(closed_shop, settings_file, started, item):
    trips = 12
    async with running(settings_file):
        till = await closed_shop.till()
        for number in range(trips):
            till.add(started, *[item()] * 5, TripFinished(units=5, discount=0, total=750))
            await till.send(till.events[7 * number :])
        births = till.births
        # In the middle of it: some are stored, some acknowledged, some forwarded.
    acknowledged = max(till.upto, 0)
    assert closed_shop.query("SELECT coalesce(max(sequence), 0) FROM event")[0][0] >= acknowledged
    async with running(settings_file) as (process, _):
        await until(lambda: till.births > births)
        await till.send(till.events[:200])
        await till.acknowledged(7 * trips)
        await until(lambda: len(closed_shop.office.receipts) == trips)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert len({receipt["receipt"] for receipt in closed_shop.office.receipts}) == trips


async def test_it_says_where_it_is_and_its_broker_goes_with_it(closed_shop, settings_file):
    async with running(settings_file) as (process, ready):
        told = json.loads((closed_shop.settings.data_dir / "gateway.json").read_text())
        assert told == {name: value for name, value in ready.items() if name != "event"}
        assert told["pid"] == process.pid
        metrics = await asyncio.to_thread(_read, f"http://127.0.0.1:{told['metrics_port']}/metrics")
        assert "panier_gateway_events_stored_total 0.0" in metrics
        for question in ("healthz", "readyz"):
            answer = json.loads(await asyncio.to_thread(_read, f"http://127.0.0.1:{told['metrics_port']}/{question}"))
            assert (answer["ok"], answer["reasons"]) == (True, [])
        assert answer["parts"] == dict.fromkeys(("the event loop", "the ledger", "broker", "disk", "back office"), "ok")
    await until(lambda: not _alive(told["broker_pid"]))


def test_a_second_gateway_on_the_same_directory_is_refused(tmp_path):
    held = lock(tmp_path)
    with pytest.raises(AlreadyRunning, match="another gateway"):
        lock(tmp_path)
    held.close()
    lock(tmp_path).close()


def test_all_that_is_wrong_with_the_settings_is_said_at_once(tmp_path):
    file = tmp_path / "gateway.toml"
    file.write_text('stor = "x"\ncurrency = "dollars"\ntimezone = "Mars/Olympus"\n[broker]\nkind = "external"\n')
    code, out = panier("gateway", "--settings", str(file), "--check", "--json")
    assert code == 1
    text = "\n".join(json.loads(out)["problems"])
    for part in ("did you mean 'store'", "store is missing", "currency", "Mars/Olympus", "broker.port and broker.password"):
        assert part in text


@pytest.mark.parametrize("url", ["https://x:port", "http://[::1", "http://x:99999", "https://xn--", "http://user@:80"])
def test_a_back_office_that_no_client_can_call_is_said_with_what_to_write(tmp_path, url):
    file = tmp_path / "gateway.toml"
    file.write_text(f'store = "x"\ndata_dir = "{tmp_path}"\n[backoffice]\nurl = "{url}"\ntoken = "secret"\n')
    code, out = panier("gateway", "--settings", str(file), "--check", "--json")
    assert code == 1
    (problem,) = json.loads(out)["problems"]
    assert "backoffice.url" in problem
    assert "write it like https://office.example:8443" in problem


async def test_a_gateway_whose_broker_is_away_can_be_stopped_all_the_same(closed_shop, port):
    stop, told = asyncio.Event(), []
    async with AsyncExitStack() as shop:
        external = BrokerSettings.model_validate({"kind": "external", "port": port, "password": "x"})
        gateway = Gateway(closed_shop.settings.model_copy(update={"broker": external}), shop)
        running = asyncio.create_task(gateway.run(stop, told.append))
        stop.set()
        await asyncio.wait_for(running, 10)
    assert told == []


async def test_a_check_finds_what_would_go_wrong_on_this_machine(closed_shop, settings_file):
    check = ("gateway", "--settings", str(settings_file), "--check", "--json")
    assert await asyncio.to_thread(panier, *check) == (0, '{"ok": true, "problems": []}\n')
    await closed_shop.office.close()
    taken = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    (closed_shop.settings.data_dir / "broker" / "port").write_text(str(taken.sockets[0].getsockname()[1]))
    code, text = await asyncio.to_thread(panier, *check)
    taken.close()
    assert code == 1
    broker, office = json.loads(text)["problems"]
    assert "does a gateway run here already?" in broker
    assert "does not answer" in office


async def test_enrolment_writes_settings_that_the_roles_take(closed_shop, settings_file):
    for arguments in (["till-7"], ["--monitor"]):
        name = "monitor" if arguments == ["--monitor"] else arguments[0]
        out = closed_shop.directory / f"{name}.toml"
        code, text = panier("enrol", *arguments, "--settings", str(settings_file), "--out", str(out), "--json")
        assert code == 0
        assert json.loads(text)["name"] == name
        assert out.stat().st_mode & 0o777 == 0o600
    code, text = panier("monitor", "--settings", str(closed_shop.directory / "monitor.toml"), "--check")
    assert (code, text) == (0, "ok\n")
    several = ("enrol", "till-8", "till-9", "--settings", str(settings_file), "--json", "--out")
    code, text = panier(*several, str(closed_shop.directory))
    assert code == 0
    assert [json.loads(line)["file"] for line in text.splitlines()] == [
        str(closed_shop.directory / f"till-{number}.toml") for number in (8, 9)
    ]
    code, text = panier(*several, str(closed_shop.directory / "till-8.toml"))
    assert code == 2
    assert "is no directory" in text
    code, text = panier("enrol", "Till 7", "--settings", str(settings_file))
    assert code == 1
    assert "cannot name a store or device" in text


async def test_enrolling_again_keeps_the_settings_that_somebody_named_scanners_in(closed_shop, settings_file):
    out = closed_shop.directory / "till-7.toml"
    again = ("enrol", "till-7", "--settings", str(settings_file), "--out", str(out))
    assert panier(*again)[0] == 0
    edited = out.read_text() + '[[scanners]]\nkind = "serial"\nport = "/dev/retail/scanner0"\n'
    out.write_text(edited)
    code, text = panier(*again)
    assert code == 0
    assert f"what stood there is kept in {out}.old: carry its scanners" in text
    assert out.with_name("till-7.toml.old").read_text() == edited
    assert out.with_name("till-7.toml.old").stat().st_mode & 0o077 == 0
    before = out.read_text()
    code, text = panier(*again[:-1], str(closed_shop.directory / "no" / "till-7.toml"))
    assert code == 1
    assert "make it, or name another one with --out" in text
    assert out.read_text() == before
    for number in (2, 3):
        stood = out.read_text()
        assert f"is kept in {out}.old-{number}:" in panier(*again)[1]
        assert out.with_name(f"till-7.toml.old-{number}").read_text() == stood
    assert out.with_name("till-7.toml.old").read_text() == edited


@pytest.mark.parametrize("in_the_way", ["till-7.toml", "till-7.toml.new"])
async def test_an_enrolment_whose_file_cannot_be_written_changes_nothing(closed_shop, settings_file, in_the_way):
    again = ("enrol", "till-7", "--settings", str(settings_file), "--out")
    assert panier(*again, str(closed_shop.directory / "first.toml"))[0] == 0
    before = identities(closed_shop)
    obstacle = closed_shop.directory / in_the_way
    obstacle.mkdir() if in_the_way.endswith(".new") else os.mkfifo(obstacle)
    code, text = panier(*again, str(closed_shop.directory / "till-7.toml"))
    assert code == 1
    assert "name another place with --out" in text
    assert identities(closed_shop) == before, "the password that its terminal has still holds"
    assert [one.name for one in closed_shop.directory.glob("till-7*")] == [in_the_way]
    code, text = panier("enrol", "gateway", *again[2:], str(closed_shop.directory / "other.toml"))
    assert code == 1
    assert not list(closed_shop.directory.glob("other*")), "a name that is refused leaves no file"


def identities(shop):
    registry = Registry(shop.settings.data_dir / "registry.db")
    try:
        return registry.identities()
    finally:
        registry.close()


async def test_each_example_of_a_terminals_settings_loads_once_its_signs_are_taken_away(closed_shop, settings_file):
    out = closed_shop.directory / "till-7.toml"
    assert panier("enrol", "till-7", "--settings", str(settings_file), "--out", str(out))[0] == 0
    written = out.read_text()
    examples = re.findall(r"(?m)^# \[.+\n(?:# .+\n)+", written)
    seen = []
    for example in examples:
        out.write_text(written.replace(example, example.replace("# ", "")))
        held = load(DeviceSettings, out)
        seen += [type(one).__name__ for one in (*held.scanners, held.scale, held.printer, held.payment) if one]
        for fit, one in ((fit_scale, held.scale), (fit_printer, held.printer), *((fit_scanner, one) for one in held.scanners)):
            assert one is None or fit(one), "its profile is there; nothing is opened yet"
    names = ["Serial", "Wedge", "HidPos", "Wedge", "Scale", "Printer", "Payment"]
    assert seen == [f"{name}Settings" for name in names]
    out.write_text(re.sub(r"(?m)^# (?=\[|\w+ = )", "", written))
    assert [getattr(one, "reads", "") for one in load(DeviceSettings, out).scanners] == ["", "codes", "", "cards"]


def panier(*arguments):
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def _read(url):
    with urllib.request.urlopen(url, timeout=5) as response:
        return response.read().decode()


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_had_arrived_is_on_the_disk_and_acknowledged_when_it_ends(closed_shop, settings_file, started, item):
    async with running(settings_file) as (process, _):
        till = await closed_shop.till()
        till.add(started, *[item()] * 199)
        for place in range(0, 200, 5):
            await till.send(till.events[place : place + 5])
            if place == 0:
                await till.acknowledged(5)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert not list(closed_shop.settings.data_dir.glob("*.db-wal"))
    stored = closed_shop.query("SELECT coalesce(max(sequence), 0) FROM event")[0][0]
    # The broker goes last: what the gateway said before it ended has reached the device.
    await until(lambda: till.upto == stored)
