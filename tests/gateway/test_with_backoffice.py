"""The way from a terminal to the real back office and back: prices down, campaigns into mid-trip, receipts up, over a kill -9."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace

import httpx
import pytest
from tests.waiting import until

from panier.message import Ask
from panier.trip import CapsuleReceived, CardScanned, OfferAccepted, OfferShown, TripFinished
from panier_gateway import patience
from panier_gateway.settings import BackOfficeSettings

CARD = "2900000000017"
BEANS = {"sku": "beans", "gtins": ["04006381333931"], "name": "Espresso beans 1 kg", "unit_price": 1240, "category": "Coffee"}
CLAIRE = {"member": "m-1", "first_name": "Claire", "cards": [CARD], "segments": ["regulars"]}
TENTH = {"id": "tenth", "title": "10 % off coffee", "kind": "percent", "percent": "10", "target": {"categories": ["Coffee"]}}
FOR_REGULARS = {
    "title": "2.00 off beans", "reason": "you drink it weekly", "segment": "regulars",
    "promotion": {"kind": "amount_per_unit", "amount": "2.00", "target": {"skus": ["beans"]}},
}  # fmt: skip


class RealOffice:
    """`panier backoffice` as a process."""

    def __init__(self, directory, port):
        self.port = port
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = httpx.AsyncClient(base_url=f"{self.url}/api/v1", headers={"Authorization": "Bearer for-scripts-only-000"})
        self.file = directory / "backoffice.toml"
        self.file.write_text(
            f'port = {self.port}\ndatabase = "sqlite:///{directory / "backoffice.db"}"\ncurrency = "USD"\n'
            'timezone = "America/New_York"\napi_token = "for-scripts-only-000"\nstores = ["shop:token-of-the-shop-00"]\n'
        )
        self.file.chmod(0o600)

    async def open(self):
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "panier_io.command", "backoffice", "--settings", str(self.file),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await until(self._answers, within=30)

    async def _answers(self):
        assert self.process.returncode is None
        try:
            return (await self.api.get(f"{self.url}/health")).is_success
        except httpx.TransportError:
            return False

    async def kill(self):
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def ask(self, method, path, body=None):
        answer = await self.api.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
async def office(closed_shop, port, monkeypatch):
    monkeypatch.setattr(patience, "LONGEST", 0.5)
    office = RealOffice(closed_shop.directory, port)
    await office.open()
    await office.ask("POST", "/import", {"products": [BEANS], "members": [CLAIRE], "promotions": [TENTH]})
    at = BackOfficeSettings.model_validate({"url": office.url, "token": "token-of-the-shop-00"})
    closed_shop.settings = closed_shop.settings.model_copy(update={"backoffice": at})
    closed_shop.enrol("till-1")
    await closed_shop.open()
    yield office
    await closed_shop.close()
    await office.kill()
    await office.api.aclose()


async def test_prices_go_down_a_campaign_reaches_the_trip_and_the_receipt_goes_up_over_a_kill(closed_shop, office, started, item):
    till = await closed_shop.till()
    await until(lambda: till.manifests and till.manifests[-1].version > 0)
    snapshot = (await till.ask(Ask(have=0))).version
    till.add(replace(started, snapshot=snapshot), CardScanned(card=CARD))
    await till.send()
    await until(lambda: till.capsules)
    campaign = await office.ask("POST", "/campaigns", FOR_REGULARS)
    await office.ask("POST", f"/campaigns/{campaign['campaign']}/push")
    await until(lambda: till.capsules[-1].capsule.offers)
    capsule = till.capsules[-1].capsule
    assert (capsule.first_name, capsule.offers[0].title) == ("Claire", "2.00 off beans")

    await office.kill()
    beans = replace(item("beans", 1240, 2, snapshot=snapshot), name="Espresso beans 1 kg", category="Coffee")
    held = CapsuleReceived(member=capsule.member, segments=capsule.segments, offers=capsule.offers)
    met = (OfferShown(offer=capsule.offers[0].offer), OfferAccepted(offer=capsule.offers[0].offer))
    # 2 x 12.40, less 10 %, less 2.00 a piece.
    till.add(held, *met, beans, TripFinished(units=2, discount=648, total=1832))
    await till.send()
    await till.acknowledged(len(till.events))
    assert closed_shop.query("SELECT count(*) FROM outbox WHERE kind = 'receipt'") == [(1,)]
    await office.open()
    await until(lambda: closed_shop.query("SELECT count(*) FROM outbox") == [(0,)])

    (receipt,) = await office.ask("GET", "/receipts?store=shop")
    assert (receipt["receipt"], receipt["total"]) == (till.trip, 1832)
    assert await office.ask("GET", "/incidents") == []
    counts = await office.ask("GET", f"/campaigns/{campaign['campaign']}/counts")
    assert (counts["shown"], counts["accepted"], counts["redeemed"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("store", "token", "said"),
    [("shop", "token-of-nobody-0000", "not known here"), ("mall", "token-of-the-shop-00", "this token is for store 'shop'")],
)
async def test_a_token_that_the_back_office_refuses_is_said_with_what_to_do(closed_shop, office, capsys, store, token, said):
    right = closed_shop.settings
    assert right.backoffice
    await closed_shop.close()
    wrong = {"store": store, "backoffice": BackOfficeSettings.model_validate({"url": office.url, "token": token})}
    closed_shop.settings = right.model_copy(update=wrong)
    await closed_shop.open()
    await until(lambda: said in closed_shop.gateway._why_no_office())
    assert closed_shop.gateway._why_no_office().startswith("it refuses this store's token (")
    await until(lambda: closed_shop.gateway._floor.counters().backoffice == "refused")
    await until(lambda: "feed_lost" in (told := capsys.readouterr().out) and f"panier backoffice --store {store}:TOKEN" in told)
    await closed_shop.close()
    closed_shop.settings = right
    await closed_shop.open()
    await until(lambda: closed_shop.gateway._why_no_office() == "")
