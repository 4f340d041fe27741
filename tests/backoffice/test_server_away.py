"""A database server that is not there: yet, for a while, or for us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from tests.backoffice.conftest import API_TOKEN, NOON, PRODUCTS, STORE, TRIP, Gateway, settings

from panier.intake import Intake
from panier_backoffice.application import create_app
from panier_backoffice.database import Database, DatabaseUnusable
from panier_backoffice.incident.table import IncidentRow
from panier_backoffice.intake.service import Delivery
from panier_backoffice.opening import open_office
from panier_backoffice.receipt.reprice import PriceLog
from panier_simulators.postgresql import NoPostgresql, PostgresqlServer, postgresql_server


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    """One of its own: it is killed."""
    try:
        with postgresql_server() as mine:
            yield mine
    except NoPostgresql as error:
        pytest.skip(reason=str(error))


def test_a_back_office_that_starts_before_its_database_server_waits_for_it(
    server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.kill()
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            server.start()

    monkeypatch.setattr("panier_backoffice.opening.sleep", nap)
    office = open_office(settings(server.url()))
    assert len(naps) == 2
    office.database.check()
    office.database.close()


def test_it_does_not_wait_for_what_a_server_refuses(server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("panier_backoffice.opening.sleep", lambda _: pytest.fail("it waits"))
    with pytest.raises(DatabaseUnusable, match='database "elsewhere" does not exist') as refused:
        open_office(settings(server.url("elsewhere").replace("panier@", "panier:the password@")))
    assert "the password" not in str(refused.value)


def test_a_back_office_outlives_its_database_server(server: PostgresqlServer) -> None:
    office = open_office(settings(server.url()))
    with TestClient(create_app(office), raise_server_exceptions=False) as script:
        script.headers["Authorization"] = f"Bearer {API_TOKEN}"
        assert script.post("/api/v1/import", json={"products": PRODUCTS}).json()["last"] == 4
        server.kill()
        away = script.post("/api/v1/import", json={"products": PRODUCTS})
        assert away.status_code == 503, away.text
        assert away.json()["code"] == "database_unusable"
        server.start()
        assert script.post("/api/v1/import", json={"products": PRODUCTS}).is_success
    office.database.close()


def test_a_server_that_goes_away_while_a_receipt_is_priced_again_is_no_fault_of_the_receipt(server: PostgresqlServer) -> None:
    office = open_office(settings(server.url()))
    with TestClient(create_app(office)) as script:
        script.headers["Authorization"] = f"Bearer {API_TOKEN}"
        assert script.post("/api/v1/import", json={"products": PRODUCTS}).is_success
    given = Intake(receipts=[Gateway(snapshot=4, promotions={}).receipt(TRIP, {"oat": 1})])
    delivery = Delivery(STORE, NOON, given)
    with office.reading() as session:
        price_log = PriceLog(session, office.shelves)
        assert price_log.newest == 4
        server.kill()
        with pytest.raises(OperationalError):
            delivery.reprice(price_log)
    server.start()
    again = Delivery(STORE, NOON, given)
    with office.reading() as session:
        again.reprice(PriceLog(session, office.shelves))
    with office.writing() as session:
        assert again.take(session).receipts.stored == 1
        assert session.scalars(select(IncidentRow.text)).all() == []
    office.database.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://panier:s3/cret@db.example/x",
        "postgresql://panier:s3@cret@db.example:port/x",
        "postgres://panier:s3:cret@db.example:port/x",
        "postgresql://127.0.0.1:1/x?user=panier&password=s3cret",
    ],
)
def test_no_password_is_said(url: str) -> None:
    with pytest.raises(DatabaseUnusable) as refused:
        Database(url).check()
    assert "cret" not in str(refused.value)
    assert "***" in str(refused.value)


def test_callers_who_find_every_connection_busy_hear_not_now(server: PostgresqlServer) -> None:
    office = open_office(settings(server.url()))
    office.database.engine.pool._timeout = 0.05  # pyright: ignore[reportAttributeAccessIssue]
    with TestClient(create_app(office), raise_server_exceptions=False) as script, ExitStack() as busy:
        for _ in range(20):
            busy.enter_context(office.database.engine.connect())
        script.headers["Authorization"] = f"Bearer {API_TOKEN}"
        assert script.post("/api/v1/import", json={"products": PRODUCTS}).status_code == 503
    office.database.close()
