"""`panier gateway --check`: everything that would go wrong with these settings on this machine, said before it does."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx

from panier.error import PanierError
from panier_gateway.broker import find_binary, settled_port
from panier_gateway.settings import BackOfficeSettings, BrokerSettings, GatewaySettings

_SECONDS = 5


def problems(settings: GatewaySettings) -> list[str]:
    """One sentence for each problem; an empty list where all is well."""
    found = list(_directory(settings))
    if settings.broker.kind == "external":
        found += _external_broker(settings.broker)
    elif not found:
        found += _embedded_broker(settings)
    if settings.backoffice:
        found += _back_office(settings.backoffice, settings.store)
    return found


def _directory(settings: GatewaySettings) -> Iterator[str]:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = settings.data_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        yield f"data_dir {settings.data_dir} cannot be written: {error}"


def _embedded_broker(settings: GatewaySettings) -> Iterator[str]:
    try:
        find_binary(settings.broker.path)
    except PanierError as error:
        yield str(error)
    port = settled_port(settings.broker, settings.data_dir)
    with socket.socket() as probe:
        # As the broker does: a port whose last connections are just ending is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.broker.host, port))
        except OSError as error:
            yield f"the broker cannot listen on {settings.broker.host}:{port}: {error}; does a gateway run here already?"


def _external_broker(broker: BrokerSettings) -> Iterator[str]:
    try:
        socket.create_connection((broker.host, broker.port), _SECONDS).close()
    except OSError as error:
        yield f"the broker at {broker.host}:{broker.port} does not answer: {error}"


def _back_office(at: BackOfficeSettings, store: str) -> Iterator[str]:
    headers = {"Authorization": f"Bearer {at.token.get_secret_value()}"}
    try:
        answer = httpx.get(f"{at.url}/api/v1/stores/{store}/feed?after=0&limit=1", headers=headers, timeout=_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield f"the back office at {at.url} does not answer: {error}; the store can trade without it, receipts wait here"
        return
    if answer.status_code in {401, 403}:
        yield f"the back office at {at.url} refuses the token for store {store}: {answer.status_code}"
    elif not answer.is_success:
        yield f"the back office at {at.url} answers {answer.status_code} for store {store}"
