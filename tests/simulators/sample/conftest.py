"""A shop small enough to reckon by hand, and the real one, built once a session."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from panier_simulators.sample.build import Built, ensure_sample

_PRODUCTS = """
    (1001, 7, 'GROCERY', 'National', 'COFFEE', 'GROUND COFFEE', '13 OZ'),
    (1002, 7, 'GROCERY', 'Private', 'COFFEE', 'GROUND COFFEE', '39 OZ'),
    (1003, 7, 'GROCERY', 'National', 'COFFEE', 'UNGROUND COFFEE', NULL),
    (1004, 8, 'GROCERY', 'National', 'TEAS', 'TEA BAGS', '20 CT'),
    (1005, 9, 'TOYS', 'National', 'TOYS', 'PEG TOYS', NULL),
    (1006, 9, 'FUEL', 'National', 'COUPON/MISC ITEMS', 'GASOLINE-REG UNLEADED', NULL),
    (1007, 9, 'COUPON', 'National', 'COUPONS/STORE & MFG', 'COUPONS/STORE & MFG', NULL),
    (1008, 9, 'DRUG GM', 'National', 'VITAMINS', 'VITAMIN - MINERALS', '60 CT')
"""

# household, store, basket, product, quantity, sales_value, retail_disc, coupon_disc, coupon_match_disc, week, time
_TRANSACTIONS = """
    (1, 5, 10, 1001, 1, 4.00, 1.00, 0.00, 0.00, 49, '2017-11-28 15:00:00'),
    (1, 5, 10, 1004, 2, 3.00, 0.00, 0.00, 1.00, 49, '2017-11-28 15:00:00'),
    (1, 5, 10, 1006, 10000, 25.00, 0.00, 0.00, 0.00, 49, '2017-11-28 15:00:00'),
    (1, 5, 11, 1001, 3, 12.00, 3.00, 1.20, 0.00, 50, '2017-12-05 16:00:00'),
    (1, 5, 11, 1004, 0, 0.00, 0.00, 0.00, 0.00, 50, '2017-12-05 16:00:00'),
    (2, 6, 12, 1001, 1, 4.00, 1.00, 1.00, 0.00, 51, '2017-12-12 17:00:00'),
    (2, 6, 12, 1001, 24, 1.00, 0.00, 0.00, 0.00, 51, '2017-12-12 17:00:00'),
    (2, 6, 12, 1007, 1, 0.50, 0.00, 0.00, 0.00, 51, '2017-12-12 17:00:00'),
    (2, 6, 12, 9999, 1, 9.00, 0.00, 0.00, 0.00, 51, '2017-12-12 17:00:00'),
    (2, 6, 13, 1001, 1, 9.99, 0.00, 0.00, 0.00, 1, '2017-01-03 17:00:00'),
    (2, 6, 13, 1008, 1, 7.00, 0.00, 0.00, 0.00, 1, '2017-01-03 17:00:00'),
    (3, 6, 14, 1006, 8000, 20.00, 0.00, 0.00, 0.00, 2, '2017-01-10 17:00:00')
"""

_TABLES = {
    "products": (
        "product_id, manufacturer_id, department, brand, product_category, product_type, package_size",
        _PRODUCTS,
    ),
    "transactions": (
        "household_id, store_id, basket_id, product_id, quantity, sales_value, retail_disc, coupon_disc, coupon_match_disc, "
        "week, transaction_timestamp",
        _TRANSACTIONS,
    ),
    "promotions": ("product_id, store_id, display_location, mailer_location, week", "(1001, 5, '0', 'A', 50)"),
    "campaigns": ("campaign_id, household_id", "(1, 1), (1, 2)"),
    "campaign_descriptions": (
        "campaign_id, campaign_type, start_date, end_date",
        "(1, 'Type B', TIMESTAMP '2017-11-01', TIMESTAMP '2017-12-31')",
    ),
    "coupons": ("coupon_upc, product_id, campaign_id", "(501, 1001, 1), (502, 1004, 1), (502, 1008, 1), (502, 9999, 1)"),
    "demographics": (
        "household_id, age, income, household_comp",
        "(1, '65+', '250K+', '2 Adults No Kids'), (2, '35-44', NULL, '1 Adult Kids')",
    ),
}


@pytest.fixture
def small_data(tmp_path: Path) -> Path:
    """A directory with the Complete Journey's tables, of a shop with eight products and five baskets."""
    directory = tmp_path / "data"
    directory.mkdir()
    connection = duckdb.connect()
    for table, (columns, values) in _TABLES.items():
        typed = "*"
        if table == "transactions":
            typed = "* replace (transaction_timestamp::timestamp as transaction_timestamp, sales_value::double as sales_value)"
        connection.execute(
            f"copy (select {typed} from (values {values}) t({columns})) to '{directory / table}.parquet' (format parquet)"
        )
    connection.close()
    return directory


@pytest.fixture(scope="session")
def real_sample(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sample of the real data, built from nothing."""
    return ensure_sample(tmp_path_factory.mktemp("real") / "sample")
