"""Today: what happened, what runs now, and what the terminals are doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from panier.intake import Live
from panier.message import LiveRow
from panier_backoffice.campaign import repository as campaigns
from panier_backoffice.campaign.service import described
from panier_backoffice.console.guest import SignedIn
from panier_backoffice.console.page import render
from panier_backoffice.incident.repository import open_counts
from panier_backoffice.live import repository as live
from panier_backoffice.office import Office, TheOffice
from panier_backoffice.product import repository as products
from panier_backoffice.receipt import repository as receipts
from panier_backoffice.store import repository as stores
from panier_backoffice.words import Words

router = APIRouter(include_in_schema=False)

LATEST = 8
ROWS = 60
"""Terminals on the page at the most: beyond that the calm ones are only counted."""

# Who needs someone first.
_URGENCY = {"help": 0, "quarantined": 1, "offline": 2, "shopping": 3, "idle": 4}
_STATES = {
    "help": "Wants help",
    "quarantined": "Set aside",
    "offline": "Offline",
    "shopping": "Shopping",
    "idle": "Free",
}


@dataclass(frozen=True, slots=True)
class Terminal:
    """One terminal as the page shows it."""

    store: str
    row: LiveRow
    state: str
    lasting: str

    @property
    def is_urgent(self) -> bool:
        return self.row.state in ("help", "quarantined", "offline")


@router.get("/")
def today(request: Request, office: TheOffice, visitor: SignedIn) -> Response:
    return render(request, "today.html", **_figures(office))


@router.get("/today/now")
def now(request: Request, office: TheOffice, visitor: SignedIn) -> Response:
    """The part of the page that updates by itself."""
    return render(request, "today_now.html", **_figures(office))


def _figures(office: Office) -> dict[str, Any]:
    words = office.words()
    with office.reading() as session:
        states = [(held.store, held.at, Live.model_validate(held.state)) for held in live.all_states(session)]
        terminals = _terminals([(store, state) for store, _, state in states], words)
        running = campaigns.all_campaigns(session, "running")
        incidents, letters = open_counts(session)
        return {
            "totals": receipts.totals(session, None, words.midnight()),
            "terminals": terminals[:ROWS],
            "not_shown": max(0, len(terminals) - ROWS),
            "shopping": sum(terminal.row.state in ("shopping", "help") for terminal in terminals),
            "waiting_now": sum(terminal.row.state == "help" for terminal in terminals),
            "heard": [(store, _heard(office, store, at, words), state.counters) for store, at, state in states],
            "campaigns": described(session, running, words),
            "receipts": receipts.newest(session, None, LATEST),
            "incidents": incidents,
            "letters": letters,
            "setup": _setup(session),
        }


def _heard(office: Office, store: str, at: int, words: Words) -> str:
    """An idle store says nothing for long; that it listens is sign of life enough."""
    return "connected" if office.streams[store] else f"heard from {words.ago(at)}"


def _setup(session: Session) -> dict[str, bool]:
    """What is there already, for the page that says what to do first."""
    return {
        "stores": bool(stores.all_stores(session)),
        "products": products.count(session) > 0,
        "campaigns": bool(campaigns.all_campaigns(session)),
    }


def _terminals(states: list[tuple[str, Live]], words: Words) -> list[Terminal]:
    found = [
        Terminal(store, row, _STATES[row.state], words.lasting(row.since) if row.since else "")
        for store, state in states
        for row in state.terminals
    ]
    return sorted(found, key=_urgency)


def _urgency(one: Terminal) -> tuple[int, int, str, str]:
    """Whoever has waited longest first; the others stay in their places, so that the eye finds them."""
    return _URGENCY[one.row.state], one.row.since if one.is_urgent else 0, one.store, one.row.device
