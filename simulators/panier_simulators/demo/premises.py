"""The premises: broker, gateway, back office and the terminals' settings, on this machine, in one directory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter

from panier.catalogue import Product
from panier.error import PanierError
from panier_simulators.demo.goods import TODAY
from panier_simulators.demo.role import PANIER, RoleFailed, RoleProcess
from panier_simulators.sample.shop import CURRENCY, TIMEZONE, SampleShop
from panier_simulators.surroundings import inherited

STORE = "market-street"
ADMIN = "marketing@panier.example"
HANDHELD = "handheld"
"""The terminal that a person takes; the simulated ones are till-01, till-02, ..."""

_PAGE = 5000
_T = TypeVar("_T")
_PRODUCT: TypeAdapter[Product] = TypeAdapter(Product)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detour:
    """Ports that are settled beforehand, and the addresses at which others find them: those of proxies that pass on."""

    office_port: int
    office_host: str
    broker_port: int
    broker_host: str


@dataclass(slots=True)
class Premises:
    """A whole shop that is open: its processes, its addresses, and a client of its back office as an administrator."""

    directory: Path
    backoffice: RoleProcess
    gateway: RoleProcess
    office: httpx.AsyncClient
    url: str
    password: str
    terminals: list[Path] = field(default_factory=list[Path])
    handheld: Path | None = None
    scale: Path | None = None
    """Where the handheld's settings expect a scale."""
    monitor: Path | None = None

    def sample_memory(self) -> None:
        """Notes peaks of the roles' memory."""
        self.backoffice.sample_memory()
        self.gateway.sample_memory()

    async def get(self, path: str, **query: Any) -> Any:
        """GET of the back office's API, patient while it restarts. Raises httpx.HTTPStatusError."""
        return await self._ask("GET", path, params=query)

    async def post(self, path: str, body: Any = None) -> Any:
        """POST to the back office's API; only for what may be repeated."""
        return await self._ask("POST", path, json=body)

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        for attempt in range(60):
            try:
                answer = await self.office.request(method, f"/api/v1{path}", **more)
            except httpx.TransportError:
                if attempt == 59:
                    raise
                await asyncio.sleep(0.5)
                continue
            if answer.is_client_error:
                raise PanierError(f"{method} {path}: {answer.status_code} {answer.text[:400]}")
            answer.raise_for_status()
            return answer.json()
        raise AssertionError("unreachable")


@asynccontextmanager
async def open_premises(
    directory: Path,
    sample: SampleShop,
    terminals: int,
    say: Say,
    *,
    with_handheld: bool = False,
    detour: Detour | None = None,
    database: str | None = None,
) -> AsyncGenerator[Premises]:
    """Opens the shop: back office with the sample in it, gateway with its broker, one identity for each terminal.

    `database`: a server's, by its URL, instead of a file in `directory`. Everything is stopped in order at the end. Raises
    RoleFailed.
    """
    password, token, store_token = (secrets.token_urlsafe(12), secrets.token_urlsafe(32), secrets.token_urlsafe(32))
    url = f"http://127.0.0.1:{detour.office_port if detour else free_port()}"
    database = database or f"sqlite:///{directory / 'backoffice.db'}"
    settings = _write_settings(directory, url, database, store_token, token, password, detour)
    async with contextlib.AsyncExitStack() as shop:
        office = await shop.enter_async_context(
            httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        )
        backoffice = RoleProcess(
            "back office",
            ["backoffice", "--settings", str(settings["backoffice"])],
            directory / "backoffice.log",
            _serves(office),
        )
        gateway = RoleProcess(
            "gateway",
            ["gateway", "--settings", str(settings["gateway"])],
            directory / "gateway.log",
            told_by_gateway(directory / "gateway"),
        )
        premises = Premises(directory, backoffice, gateway, office, url, password)
        say("opening the back office")
        await backoffice.start()
        shop.push_async_callback(backoffice.stop)
        await _stock(premises, sample, say)
        say("opening the gateway and its broker")
        await gateway.start()
        shop.push_async_callback(gateway.stop)
        say(f"enrolling {terminals} terminals")
        await _enrol(premises, settings["gateway"], terminals, with_handheld=with_handheld)
        yield premises


def _write_settings(
    directory: Path, url: str, database: str, store_token: str, api_token: str, password: str, detour: Detour | None
) -> dict[str, Path]:
    port = url.rpartition(":")[2]
    office = f"http://{detour.office_host}:{port}" if detour else url
    broker = f'\n[broker]\nport = {detour.broker_port}\nreached_as = "{detour.broker_host}"\n' if detour else ""
    texts = {
        "backoffice": f"""\
port = {port}
database = "{database}"
admin_email = "{ADMIN}"
admin_password = "{password}"
api_token = "{api_token}"
stores = ["{STORE}:{store_token}"]
currency = "{CURRENCY}"
timezone = "{TIMEZONE}"
locale = "en_US"
chain = "Market Street"
""",
        "gateway": f"""\
store = "{STORE}"
data_dir = "{directory / "gateway"}"
currency = "{CURRENCY}"
timezone = "{TIMEZONE}"

[backoffice]
url = "{office}"
token = "{store_token}"
{broker}""",
    }
    files = {name: directory / f"{name}.toml" for name in texts}
    for name, file in files.items():
        file.touch(mode=0o600)
        file.write_text(texts[name], encoding="utf-8")
    return files


async def _stock(premises: Premises, sample: SampleShop, say: Say) -> None:
    """Hands the sample to the back office, page by page."""
    counts = sample.manifest.rows
    done = 0
    for page in _pages(sample.products()):
        await premises.post("/import", {"products": [_PRODUCT.dump_python(product, mode="json") for product in page]})
        done += len(page)
        say(f"stocking the shelves: {done:,} of {counts['products']:,} products")
    for page in _pages(sample.members()):
        await premises.post("/import", {"members": [member.record().model_dump() for member in page]})
    say(f"welcoming {counts['members']:,} members")
    for page in _pages(sample.promotions()):
        await premises.post("/import", {"promotions": [dict(promotion) for promotion in page]})
    await premises.post("/import", {"promotions": [dict(coupon) for coupon in sample.coupons()]})
    say("starting the campaigns")
    for campaign in sample.campaigns_on(TODAY):
        record = campaign.record
        draft = record.model_dump(include={"campaign", "title", "reason", "promotion", "segment", "members"})
        created = await premises.post("/campaigns", draft)
        await premises.post(f"/campaigns/{created['campaign']}/push")


async def _enrol(premises: Premises, settings: Path, terminals: int, *, with_handheld: bool) -> None:
    names = [f"till-{number:02}" for number in range(1, terminals + 1)]
    every = [*names, *([HANDHELD] if with_handheld else [])]
    await run_panier("enrol", *every, "--settings", str(settings), "--out", str(premises.directory))
    await run_panier("enrol", "--monitor", "--settings", str(settings), "--out", str(premises.directory))
    for number, name in enumerate(every):
        _equip(premises.directory / f"{name}.toml", wedge=number % 2 == 1 and name != HANDHELD)
    premises.terminals = [premises.directory / f"{name}.toml" for name in names]
    if with_handheld:
        premises.handheld = premises.directory / f"{HANDHELD}.toml"
        premises.scale = _fit_scale(premises.handheld)
    premises.monitor = premises.directory / "monitor.toml"
    told = premises.monitor.read_text(encoding="utf-8")
    premises.monitor.write_text(f'log_file = "{premises.directory / "monitor.log"}"\n{told}', encoding="utf-8")


async def run_panier(*words: str) -> None:
    """One short `panier` command. Raises RoleFailed with what it said."""
    process = await asyncio.create_subprocess_exec(
        *PANIER, *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env=inherited()
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise RoleFailed(f"panier {' '.join(words)}: {errors.decode(errors='replace').strip()}")


def _equip(file: Path, *, wedge: bool) -> None:
    """Gives a terminal its directory and a scanner: on a serial line, or one that poses as a keyboard."""
    data = file.with_suffix("")
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("data_dir")]
    lines[1:1] = [f'data_dir = "{data}"', 'numbering = "US"']
    scanner = f'kind = "wedge"\nsource = "stream"\npath = "{data}.key"' if wedge else f'kind = "serial"\nport = "{data}.tty"'
    file.write_text("\n".join([*lines, "", "[[scanners]]", scanner]) + "\n", encoding="utf-8")


def _fit_scale(file: Path) -> Path:
    """Gives a terminal a scale; where its device file is expected."""
    port = file.with_suffix(".scale")
    with file.open("a", encoding="utf-8") as settings:
        settings.write(f'\n[scale]\nport = "{port}"\nprofile = "mettler-diva"\n')
    return port


def _pages(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while page := list(islice(rest, _PAGE)):
        yield page


def _serves(office: httpx.AsyncClient) -> Callable[[], Any]:
    async def until_healthy() -> None:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await office.get("/health")).is_success:
                    return
            await asyncio.sleep(0.05)

    return until_healthy


def told_by_gateway(data: Path) -> Callable[[], Any]:
    """Waits until the gateway of this data directory says that it takes events."""

    async def until_written() -> None:
        while True:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                json.loads((data / "gateway.json").read_text())
                return
            await asyncio.sleep(0.05)

    return until_written


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
