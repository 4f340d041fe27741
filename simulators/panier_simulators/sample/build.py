"""Builds the sample shop once and keeps it: Parquet tables and a manifest, put in place whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from panier.error import PanierError
from panier_simulators.sample import campaign, member, product, promotion, table, trip
from panier_simulators.sample.source import Source, find_source

# Counts up whenever the same data would give another shop.
LAYOUT = 4
MANIFEST = "manifest.json"

# DuckDB's own ceiling; with Python and its buffers the process stays well below the 2 GB that a small machine can spare.
MEMORY_MB = 1000
THREADS = 2

Progress = Callable[[str, int, int], None]
"""Called before each step with what is being done, its number from 0, and the number of steps."""


class NotASample(PanierError):
    """A directory that holds something else and is not overwritten."""

    code = "not_a_sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a built sample holds. `prices` counts products by where their price came from, `dropped_lines` lines by reason."""

    version: str
    rows: dict[str, int]
    prices: dict[str, int]
    dropped_lines: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A sample that is ready: where, what, and what it cost. `peak_mb` is the process's highest memory use so far."""

    directory: Path
    manifest: Manifest
    cached: bool
    seconds: float
    peak_mb: int


def default_directory(version: str) -> Path:
    """`$XDG_CACHE_HOME/panier/sample/<version>`, by default below ~/.cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "panier" / "sample" / version


def version_of(source: Source) -> str:
    """Names the layout and the release of the data, so that another one is built beside it, not mistaken for it."""
    sizes = json.dumps(source.sizes(), sort_keys=True)
    return f"{LAYOUT}-{hashlib.sha256(sizes.encode()).hexdigest()[:10]}"


def ensure_sample(out: Path | None = None, data: Path | None = None, progress: Progress | None = None) -> Built:
    """The sample in `out` (default: the user's cache), built if it is not there yet. Raises SampleMissing, NotASample."""
    began = time.monotonic()
    source = find_source(data)
    version = version_of(source)
    directory = (out or default_directory(version)).absolute()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with _alone(directory):
        found = read_manifest(directory)
        cached = found is not None and found.version == version
        if found is None and directory.exists() and any(directory.iterdir()):
            raise NotASample(f"{directory} holds files but no sample; give --out an empty or a new directory")
        manifest = found if found and cached else _build(source, version, directory, progress or _silently)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Built(directory=directory, manifest=manifest, cached=cached, seconds=time.monotonic() - began, peak_mb=peak)


def read_manifest(directory: Path) -> Manifest | None:
    """The manifest of a built sample; None where there is none or it cannot be read."""
    try:
        held = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        return Manifest(**held)
    except (OSError, ValueError, TypeError):
        return None


def _silently(words: str, done: int, steps: int) -> None:
    """The progress that nobody watches."""


@contextmanager
def _alone(directory: Path) -> Generator[None]:
    # Two demos that start at once must not both build; the kernel lets the lock go with its holder.
    with (directory.parent / f".{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(source: Source, version: str, directory: Path, progress: Progress) -> Manifest:
    staging = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        manifest = _fill(source, version, staging, progress)
        (staging / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
        staging.chmod(0o755)
        if directory.exists():
            shutil.rmtree(directory)
        staging.rename(directory)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return manifest


def _fill(source: Source, version: str, staging: Path, progress: Progress) -> Manifest:
    scratch = staging / "scratch"
    scratch.mkdir()
    with closing(table.connect(memory_mb=MEMORY_MB, threads=THREADS, scratch=scratch)) as connection:
        work = _Work(connection, {name: table.quoted(source.file(name)) for name in source.sizes()}, staging, scratch)
        steps = work.steps()
        for place, (words, step) in enumerate(steps):
            progress(words, place, len(steps))
            step()
        progress("done", len(steps), len(steps))
    shutil.rmtree(scratch)
    return Manifest(version=version, rows=dict(sorted(work.rows.items())), prices=work.prices, dropped_lines=work.dropped_lines)


class _Work:
    """The steps that turn the data's tables (`file`: quoted names) into the sample's; each leaves what the next one reads."""

    def __init__(self, connection: table.Connection, file: Mapping[str, str], staging: Path, scratch: Path) -> None:
        self.rows: dict[str, int] = {}
        self.prices: dict[str, int] = {}
        self.dropped_lines: dict[str, int] = {}
        self._connection = connection
        self._file = file
        self._staging = staging
        self._scratch = scratch

    def steps(self) -> tuple[tuple[str, Callable[[], None]], ...]:
        """What to do, in order, with the words for the progress bar."""
        return (
            ("reading a year of baskets", self._read),
            ("deriving shelf prices", self._price),
            ("naming products", self._name),
            ("writing trips", self._trips),
            ("describing members", self._members),
            ("finding promotions", self._promotions),
            ("reading campaigns", self._campaigns),
        )

    def _read(self) -> None:
        product.read_sales(self._connection, self._file["transactions"], self._file["products"])

    def _price(self) -> None:
        self.prices = product.price_products(self._connection)

    def _name(self) -> None:
        product.name_products(self._connection, self._scratch)
        self._save("products", product.PRODUCT_FILE)

    def _trips(self) -> None:
        self.dropped_lines = trip.choose_lines(self._connection)
        self.rows["lines"] = trip.count_lines(self._connection)
        self._save("trips", trip.TRIP_FILE)

    def _members(self) -> None:
        member.describe_members(self._connection, self._file["demographics"], self._scratch)
        self._save("members", member.MEMBER_FILE)

    def _promotions(self) -> None:
        promotion.mark_promotable(self._connection)
        found = promotion.write_promotions(self._connection, self._file["promotions"])
        table.load(self._connection, "promotion", {"id": "VARCHAR", "definition": "VARCHAR"}, found, self._scratch)
        self._save("promotions", "from promotion order by id")

    def _campaigns(self) -> None:
        file = self._file
        found = campaign.write_campaigns(
            self._connection, coupons=file["coupons"], campaigns=file["campaigns"], descriptions=file["campaign_descriptions"]
        )
        columns = {"campaign": "VARCHAR", "record": "VARCHAR", "first_day": "DATE", "last_day": "DATE", "type": "VARCHAR"}
        table.load(self._connection, "campaign", columns, found, self._scratch)
        self._save("campaigns", "from campaign order by campaign")
        cut_out = campaign.write_coupons(self._connection, file["coupons"])
        table.load(self._connection, "coupon", {"code": "VARCHAR", "definition": "VARCHAR"}, cut_out, self._scratch)
        self._save("coupons", "from coupon order by code")

    def _save(self, name: str, query: str) -> None:
        self.rows[name] = table.save(self._connection, query, self._staging / f"{name}.parquet")
