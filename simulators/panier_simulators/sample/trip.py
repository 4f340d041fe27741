"""Real baskets of the data as trips: what was bought, in the order of the data, without what no scanner reads."""

from __future__ import annotations

from panier_simulators.sample.table import Connection

LARGEST_QUANTITY = 20

# The first reason that fits is the one that counts.
_KEPT = f"""
create table trip_line as
select sale.basket, sale.household, sale.store, sale.week, sale.bought_at, sale.place, sale.product_id, sale.quantity,
       case when article.product_id is null then 'unknown_product'
            when article.is_fuel then 'fuel'
            when article.is_coupon then 'coupon'
            when sale.quantity < 1 then 'no_quantity'
            when sale.quantity > {LARGEST_QUANTITY} then 'quantity_above_{LARGEST_QUANTITY}'
            end as dropped
from sale left join article using (product_id)
"""  # noqa: S608 (no input: two constants)

REASONS = ("unknown_product", "fuel", "coupon", "no_quantity", f"quantity_above_{LARGEST_QUANTITY}")

TRIP_FILE = """
select basket, any_value(household) as household, any_value(store) as store, min(bought_at) as bought_at,
       list({'sku': product_id::varchar, 'quantity': quantity::integer} order by place) as lines
from trip_line where dropped is null group by basket order by basket
"""


def choose_lines(connection: Connection) -> dict[str, int]:
    """Makes `trip_line`. Returns how many lines were dropped for which reason."""
    connection.execute(_KEPT)
    found = dict(connection.execute("select dropped, count(*) from trip_line where dropped is not null group by 1").fetchall())
    return {reason: int(found.get(reason, 0)) for reason in REASONS}


def count_lines(connection: Connection) -> int:
    """Lines in all trips."""
    found = connection.execute("select count(*) from trip_line where dropped is null").fetchone()
    return int(found[0]) if found else 0
