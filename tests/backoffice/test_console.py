"""The console as a marketer uses it, in headless Chromium against a real server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.backoffice.conftest import (
    ADMIN,
    API_TOKEN,
    MEMBERS,
    NOON,
    PASSWORD,
    PRODUCTS,
    PROMOTIONS,
    STORE_TOKEN,
    TRIP,
    Gateway,
    Running,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine: apt-get install chromium")

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def running(start: Callable[..., Running]) -> Running:
    started = start()
    with httpx.Client(base_url=started.url, headers={"Authorization": f"Bearer {API_TOKEN}"}) as script:
        script.post(
            "/api/v1/import", json={"products": PRODUCTS, "promotions": PROMOTIONS, "members": MEMBERS}
        ).raise_for_status()
    return started


@pytest.fixture
def page(chromium: Any, running: Running) -> Iterator[Any]:
    """A page of a signed-in marketer; complaints of the browser (blocked scripts, errors) fail the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", timezone_id="America/New_York")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    opened.goto(running.url)
    opened.get_by_label("E-mail").fill(ADMIN)
    opened.get_by_label("Password").fill(PASSWORD)
    opened.get_by_role("button", name="Sign in").click()
    opened.get_by_role("heading", name="Today").wait_for()
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture
def gateway(running: Running) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {STORE_TOKEN}"}
    with httpx.Client(base_url=f"{running.url}/api/v1/stores/riverside", headers=headers) as client:
        yield client


def test_live_terminals_appear_and_change_by_themselves(page: Any, gateway: httpx.Client) -> None:
    sync_api.expect(page.get_by_text("No terminal has been heard from yet")).to_be_visible()
    row = {"device": "till-7", "state": "shopping", "trip": TRIP, "units": 3, "total": 1225, "currency": "USD", "member": True}
    gateway.put("/live", json={"terminals": [row]}).raise_for_status()
    terminal = page.locator("[data-terminal=till-7]")
    sync_api.expect(terminal).to_contain_text("Shopping")
    sync_api.expect(terminal).to_contain_text("$12.25")
    gateway.put("/live", json={"terminals": [row | {"state": "help", "wrong": "asked for help"}]}).raise_for_status()
    sync_api.expect(terminal).to_contain_text("Wants help")
    sync_api.expect(page.get_by_text("1 wants help")).to_be_visible()


def test_a_store_that_listens_is_connected_however_little_happens_there(page: Any, gateway: httpx.Client) -> None:
    gateway.put("/live", json={"terminals": []}).raise_for_status()
    sync_api.expect(page.get_by_text("riverside: heard from")).to_be_visible()
    with gateway.stream("GET", "/stream"):
        sync_api.expect(page.get_by_text("riverside: connected")).to_be_visible()
    sync_api.expect(page.get_by_text("riverside: heard from")).to_be_visible()


def test_a_campaign_is_made_by_form_pushed_and_watched(page: Any, gateway: httpx.Client, running: Running) -> None:
    page.get_by_role("link", name="Campaigns").click()
    page.get_by_role("link", name="New campaign").click()
    page.get_by_label("Percent", exact=True).fill("20")
    page.get_by_label("Find products").press_sequentially("granola", delay=20)
    page.get_by_role("button", name="Granola crunchy").click()
    page.get_by_label("Group", exact=True).select_option("regulars")
    page.get_by_label("Why this member gets it").fill("you buy it monthly")
    assert page.get_by_label("Title").input_value() == "-20 % Granola crunchy", "the title follows the figures"
    sync_api.expect(page.locator(".handheld")).to_contain_text("-20 % Granola crunchy")
    sync_api.expect(page.locator(".handheld")).to_contain_text("you buy it monthly")
    page.get_by_role("button", name="Save as a draft").click()
    sync_api.expect(page.get_by_role("heading", level=1)).to_have_text("20 % off Granola crunchy, for 2 members of regulars")
    sync_api.expect(page.locator(".state")).to_have_text("Draft")

    page.get_by_text("Push to the shops").click()
    sync_api.expect(page.get_by_text("Push to 2 members now?")).to_be_visible()
    page.get_by_role("button", name="Push now").click()
    sync_api.expect(page.locator(".state")).to_have_text("Running")
    entry = gateway.get("/feed", params={"after": 8}).json()["entries"][-1]
    assert (entry["kind"], entry["body"]["state"], entry["body"]["title"]) == ("campaign", "running", "-20 % Granola crunchy")

    campaign = entry["body"]
    receipt = Gateway().receipt(TRIP, {"granola": 2, "oat": 2}, (campaign,))
    contact = {"store": "riverside", "device": "till-7", "trip": TRIP, "member": "m-1", "offer": campaign["campaign"], "at": NOON}
    contacts = [
        contact | {"contact": f"till-7.k3f9qa.{number}", "what": what} for number, what in ((120, "shown"), (121, "accepted"))
    ]
    gateway.post("/intake", json={"contacts": contacts}).raise_for_status()
    sync_api.expect(page.locator("[data-count=shown]")).to_have_text("1")
    sync_api.expect(page.locator("[data-count=accepted]")).to_have_text("1")
    assert gateway.post("/intake", json={"receipts": [receipt]}).json()["receipts"]["stored"] == 1
    sync_api.expect(page.locator("[data-count=redeemed]")).to_have_text("1")
    sync_api.expect(page.locator(".counts .saved")).to_contain_text("$1.80")

    page.get_by_role("button", name="Stop").click()
    sync_api.expect(page.locator(".state")).to_have_text("Stopped")
    page.get_by_text("Start again", exact=True).click()
    page.get_by_role("button", name="Push now").click()
    sync_api.expect(page.locator(".state")).to_have_text("Running")

    page.get_by_role("link", name="Trips").first.click()
    page.get_by_label("Number of a trip").fill(TRIP)
    page.get_by_role("button", name="Look up").click()
    sync_api.expect(page.locator("h1")).to_contain_text("$10.70")
    sync_api.expect(page.locator("aside")).to_contain_text("-20 % Granola crunchy")
    sync_api.expect(page.locator("aside")).to_contain_text("2 milk for 3.50")
    page.get_by_role("link", name="Today").click()
    sync_api.expect(page.locator("table a.sentence")).to_contain_text("20 % off Granola crunchy")


def test_nonsense_in_the_form_is_said_beside_its_field_and_nothing_is_lost(page: Any, running: Running) -> None:
    page.goto(f"{running.url}/campaigns/new")
    page.get_by_text("Several for a price").click()
    page.get_by_label("Price together").fill("99")
    page.get_by_label("On what").select_option("category")
    page.get_by_label("Category").fill("Milk")
    page.get_by_text("Members I list").click()
    page.get_by_label("Cards or members").fill("2900000000017, 123")
    page.get_by_label("until").fill("2020-01-01T10:00")
    page.get_by_role("button", name="Save as a draft").click()
    sync_api.expect(page.locator("#problem-listed")).to_contain_text("no card or member has the number 123")
    page.get_by_label("Cards or members").fill("2900000000017")
    sync_api.expect(page.locator("#problem-ends")).to_contain_text("over already")
    sync_api.expect(page.locator("#problem-reason")).to_contain_text("write a few words")
    page.get_by_label("until").fill("")
    page.get_by_label("Why this member gets it").fill("milk again")
    page.get_by_role("button", name="Save as a draft").click()
    sync_api.expect(page.locator("#problem-price")).to_contain_text("2 for 99.00 saves nothing: on the shelf 2 cost at most 4.98")
    assert page.get_by_label("Category").input_value() == "Milk"
    page.get_by_label("Price together").fill("3,50")
    page.get_by_role("button", name="Save as a draft").click()
    sync_api.expect(page.get_by_role("heading", level=1)).to_have_text("2 for $3.50 on Milk, for 1 member")
    page.get_by_role("link", name="Edit").click()
    assert page.get_by_label("Price together").input_value() == "3.50"
    assert page.get_by_label("Cards or members").input_value() == "m-1"


def test_what_could_not_be_taken_in_is_shown_until_someone_says_done(page: Any, gateway: httpx.Client, running: Running) -> None:
    gateway.post("/intake", json={"receipts": [{"receipt": "till-9.aaaaaa.1", "total": -3}]}).raise_for_status()
    page.goto(f"{running.url}/attention")
    letter = page.locator(".matters li", has_text="till-9.aaaaaa.1")
    letter.get_by_role("button", name="Done").click()
    sync_api.expect(page.get_by_text("till-9.aaaaaa.1")).to_have_count(0)
    page.get_by_role("link", name="Done").click()
    letter.get_by_role("button", name="Open again").click()
    page.goto(f"{running.url}/attention")
    sync_api.expect(letter).to_be_visible()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/campaigns",
        "/campaigns/new",
        "/check",
        "/trips",
        "/products",
        "/members",
        "/attention",
        "/people",
        "/account",
        "/reference",
    ],
)
def test_no_page_is_wider_than_a_narrow_screen(page: Any, running: Running, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(running.url + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if path in ("/products", "/members"):
        sync_api.expect(page.get_by_role("searchbox")).to_be_visible()


def test_products_and_members_are_found_by_what_one_has_at_hand(page: Any, running: Running) -> None:
    for typed in ("granola", "Cereals", "5901234123457", "granola crunchy"):
        page.goto(f"{running.url}/products")
        page.get_by_label("Find products").fill(typed)
        page.get_by_role("button", name="Find").click()
        sync_api.expect(page.locator("tbody tr")).to_have_count(1)
        sync_api.expect(page.locator("tbody")).to_contain_text("$4.50")
    page.goto(f"{running.url}/members")
    page.get_by_label("Find members").fill("2900000000024")
    page.get_by_role("button", name="Find").click()
    sync_api.expect(page.locator("tbody")).to_contain_text("Omar")


def test_the_check_shows_a_marketer_what_happens_with_an_example_receipt(page: Any, running: Running) -> None:
    with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {API_TOKEN}"}) as script:
        script.post("/api/v1/import", json={"products": [{**PRODUCTS[2], "cost": 900}]}).raise_for_status()
        script.put("/api/v1/promotions/xmas", json={"kind": "cheapest_free", "valid_to": "2025-12-24"}).raise_for_status()
    page.goto(f"{running.url}/campaigns/new")
    page.get_by_label("Percent", exact=True).fill("50")
    page.get_by_label("Find products").press_sequentially("espresso", delay=20)
    page.get_by_role("button", name="Espresso beans").click()
    page.get_by_label("Group", exact=True).select_option("regulars")
    page.get_by_label("Why this member gets it").fill("you like it")
    page.get_by_role("button", name="Save as a draft").click()
    card = page.locator(".finding.warning")
    sync_api.expect(card.get_by_role("heading")).to_contain_text("Look at this Sold below cost")
    sync_api.expect(card).to_contain_text("Espresso beans 1 kg is sold at 6.20, below its cost of 9.00.")
    sync_api.expect(card.locator(".slip tr").nth(0)).to_have_text("1 × Espresso beans 1 kg$12.40 $6.20")
    sync_api.expect(card.locator(".slip tr").nth(1)).to_have_text("-50 % Espresso beans 1 kg-$6.20")
    sync_api.expect(card.locator(".slip .sum")).to_have_text("To pay$6.20")

    page.get_by_role("link", name="Check", exact=True).first.click()
    sync_api.expect(page.locator(".filter")).to_contain_text("1 to mend")
    sync_api.expect(page.locator(".finding").first).to_contain_text("To mend Never acts")
    page.get_by_role("link", name="-50 % Espresso beans 1 kg").first.click()
    sync_api.expect(page.get_by_role("heading", level=1)).to_contain_text("50 % off Espresso beans 1 kg")
    page.get_by_role("link", name="Check", exact=True).first.click()
    page.get_by_role("link", name="xmas").click()
    sync_api.expect(page.locator(".finding.error")).to_contain_text("Its window is over.")
    sync_api.expect(page.locator("pre")).to_contain_text("cheapest_free")


def test_a_draft_is_told_what_it_was_checked_against_and_what_cannot_be_seen(page: Any, running: Running) -> None:
    page.goto(f"{running.url}/campaigns/new")
    page.get_by_label("Percent", exact=True).fill("90")
    page.get_by_label("On what").select_option("category")
    page.get_by_label("Category").fill("Cereals")
    page.get_by_label("Not together with others of the group").fill("breakfast")
    page.get_by_label("Group", exact=True).select_option("member")
    page.get_by_label("Why this member gets it").fill("it is nearly free")
    page.get_by_role("button", name="Save as a draft").click()
    checked = page.locator(".checked")
    sync_api.expect(checked).to_contain_text("Before it goes out")
    sync_api.expect(checked).to_contain_text("Checked against 4 products and")
    sync_api.expect(checked).to_contain_text("The cost of its product is not known")
    sync_api.expect(page.locator(".terms")).to_have_text("Not together with others of the group breakfast")
    page.get_by_role("link", name="Edit", exact=True).click()
    sync_api.expect(page.get_by_label("Not together with others of the group")).to_have_value("breakfast")


def test_a_promotion_says_whom_it_is_for_and_how_often(page: Any, running: Running) -> None:
    definition = {
        "kind": "percent", "percent": "10", "target": {"skus": ["soy"]}, "segment": "member", "usage_limit": 5,
        "valid_from": "2026-01-01", "schedule": {"weekdays": [1, 2], "from": "17:00", "to": "19:00"},
    }  # fmt: skip
    with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {API_TOKEN}"}) as script:
        script.put("/api/v1/promotions/evening", json=definition).raise_for_status()
    page.goto(f"{running.url}/promotions/evening")
    sync_api.expect(page.get_by_text("10 % off Soy milk 1 l, for every member.")).to_be_visible()
    said = page.locator(".terms li").all_inner_texts()
    assert said[1:] == ["Mon, Tue from 17:00 to 19:00", "5 times at most in each store"]
    assert said[0].startswith("From Thu 1 Jan")
    with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {API_TOKEN}"}) as script:
        script.delete("/api/v1/promotions/evening").raise_for_status()


def test_what_is_alike_is_one_card_and_two_of_one_title_are_told_apart(page: Any, running: Running) -> None:
    names = [f"twin-{number}" for number in range(5)]
    with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {API_TOKEN}"}) as script:
        for name in names:
            definition = {"kind": "percent", "percent": "10", "title": "Twin", "valid_to": "2025-12-24"}
            script.put(f"/api/v1/promotions/{name}", json=definition).raise_for_status()
        page.goto(f"{running.url}/check?severity=error")
        alike = page.locator("details.alike.error")
        sync_api.expect(alike.locator("summary")).to_contain_text("Never acts")
        sync_api.expect(alike.get_by_text("Twin (twin-3)")).to_be_hidden()
        alike.locator("summary").click()
        sync_api.expect(alike.get_by_text("Twin (twin-3)")).to_be_visible()
        assert page.locator(".finding.note").count() == 0
        for name in names:
            script.delete(f"/api/v1/promotions/{name}").raise_for_status()
