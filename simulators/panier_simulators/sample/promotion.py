"""Public promotions: what the shop really reduced in four weeks before Christmas, as definitions in the promotion format.

Every discount in the data was earned by showing the loyalty card. What stood in the leaflet is public here; what did not is a
price for members (`segment` "member").
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from panier.member import EVERY_MEMBER
from panier.money import format_minor
from panier_simulators.sample.sensitive import SENSITIVE_CATEGORIES, SENSITIVE_KINDS
from panier_simulators.sample.table import Connection, Row, rows

FIRST_WEEK, LAST_WEEK = 49, 52
MOST = 300
CURRENCY = "USD"

_SENSITIVE = """
create table promotable as
select shelf.*, product.kind as words from shelf join product using (product_id)
where not shelf.is_fuel and not shelf.is_coupon and shelf.category is not null
  and not list_contains(?, shelf.category) and not coalesce(regexp_matches(shelf.kind, ?), false)
"""

_REDUCED = f"""
create table reduced as
with paid as (
    select product_id, quantile_disc(round((gross - card_discount) / quantity), 0.5)::bigint as price, count(*) as times,
           quantile_disc(quantity, 0.5) as together, count(distinct household) as households
    from sale where card_discount > 0 and quantity between 1 and 20 and week between {FIRST_WEEK} and {LAST_WEEK} group by 1
), leaflet as (
    select distinct product_id from {{promotions}} where week between {FIRST_WEEK} and {LAST_WEEK} and mailer_location <> '0'
)
select promotable.product_id, manufacturer, words, promotable.price as shelf_price, paid.price as paid_price, households,
       5 * round(20.0 * (1 - paid.price / promotable.price))::integer as percent,
       paid.product_id in (from leaflet) as is_public,
       case when percent between 45 and 55 and together = 2 then 'buy_x_get_y'
            when together between 2 and 5 and percent >= 5 then 'n_for_price' else 'percent' end as mechanic,
       case when mechanic = 'n_for_price' then together else 1 end as n,
       case when mechanic = 'n_for_price' then 10 * round(together * paid.price / 10.0)::bigint end as bundle
from paid join promotable using (product_id)
where times >= 3 and percent between 5 and 60 and (bundle is null or bundle < n * promotable.price)
"""  # noqa: S608 (no input: two constants)

# One promotion for what one maker reduced alike: a shop reduces "all yogurts of this brand", not one flavour.
_GROUPED = f"""
select mechanic, percent, n, bundle, is_public, words, list(product_id::varchar order by households desc, product_id)[:60] as skus
from (select * exclude (percent), case when mechanic = 'percent' then percent end as percent,
             case when mechanic = 'n_for_price' then shelf_price end as alike from reduced)
group by manufacturer, words, mechanic, percent, n, bundle, alike, is_public
order by sum(households) desc, min(product_id) limit {MOST}
"""  # noqa: S608 (no input: a constant)


def mark_promotable(connection: Connection) -> None:
    """Makes `promotable`: articles that a promotion or a campaign may name, with `words` for them."""
    connection.execute(_SENSITIVE, [sorted(SENSITIVE_CATEGORIES), SENSITIVE_KINDS])


def write_promotions(connection: Connection, promotions: str) -> Iterator[tuple[str, str]]:
    """(id, definition as JSON) of each public promotion, the one that touches most households first."""
    connection.execute(_REDUCED.format(promotions=promotions))
    for place, row in enumerate(rows(connection, _GROUPED), start=1):
        definition = _definition(f"promotion-{place:03d}", row)
        yield definition["id"], json.dumps(definition)


def _definition(name: str, row: Row) -> dict[str, Any]:
    mechanic, percent, n, bundle, is_public, words, skus = row
    target = {"skus": skus}
    match mechanic:
        case "buy_x_get_y":
            title = f"Buy 1 get 1 free: {words}"
            mechanics: dict[str, Any] = {
                "buy": {"target": target, "qty": 1},
                "get": {"target": target, "qty": 1, "percent": "100"},
                "max_applications": 5,
            }
        case "n_for_price":
            price = format_minor(bundle, CURRENCY)
            title = f"{n} for {price}: {words}"
            mechanics = {"target": target, "n": n, "price": price, "max_applications": 5}
        case _:
            title = f"{percent}% off {words}"
            mechanics = {"target": target, "percent": str(percent)}
    holder = {} if is_public else {"segment": EVERY_MEMBER}
    return {
        "id": name,
        "title": title[:60] if is_public else f"Member price: {title}"[:60],
        "kind": mechanic,
        **mechanics,
        **holder,
    }
