"""Products of the sample, and the shelf prices that its transactions imply."""

from __future__ import annotations

from pathlib import Path

from panier_simulators.sample.label import price_number, weight_number
from panier_simulators.sample.naming import kind_name, product_name, readable, size
from panier_simulators.sample.numbering import product_code
from panier_simulators.sample.table import Connection, Row, load, rows

# What the shelf said: what was paid, and what the loyalty card and the shop's coupon match had taken off. The manufacturer's
# coupon (coupon_disc) is left alone: the data's sales_value is before it.
_SALES = """
create table sale as
select household_id as household, store_id as store, basket_id as basket, product_id, quantity, week,
       transaction_timestamp as bought_at, file_row_number as place,
       round(100 * (sales_value + retail_disc + coupon_match_disc))::bigint as gross,
       round(100 * retail_disc)::bigint as card_discount,
       round(100 * coupon_disc)::bigint as coupon_discount
from read_parquet({transactions}, file_row_number = true)
"""

_ARTICLES = """
create table article as
select product_id, manufacturer_id as manufacturer, department, brand = 'Private' as own_brand,
       product_category as category, product_type as kind, package_size as package,
       coalesce(department = 'FUEL' or product_type = 'GASOLINE-REG UNLEADED', false) as is_fuel,
       coalesce(department = 'COUPON' or product_category like 'COUPON%', false) and not is_fuel as is_coupon
from {products}
"""

# A quantity of fuel counts thousandths of a gallon, so its price is that of a gallon. Anything else above 20 is a slip or a
# weight; nothing, or less than a cent a unit, is no price.
_UNITS = """
create table priced_unit as
select product_id, week,
       case when is_fuel then round(1000.0 * gross / quantity) else round(gross / quantity) end::bigint as price
from sale join article using (product_id)
where case when is_fuel then quantity >= 1000 else quantity between 1 and 20 end and price >= 1
"""

RECENT_WEEKS = 8

_OWN = f"""
create table own_price as
with last as (select product_id, max(week) as week from priced_unit group by 1)
select unit.product_id, quantile_disc(unit.price, 0.5) as price
from priced_unit unit join last using (product_id)
where unit.week > last.week - {RECENT_WEEKS}
group by 1
"""  # noqa: S608 (no input: a constant)

_SHELF = """
create table shelf as
with known as (from article join own_price using (product_id)),
     kind_price as (select department, category, kind, quantile_disc(price, 0.5) as price from known where kind is not null
                    group by all),
     category_price as (select category, quantile_disc(price, 0.5) as price from known where category is not null group by all),
     department_price as (select department, quantile_disc(price, 0.5) as price from known group by all),
     shop_price as (select quantile_disc(price, 0.5) as price from known)
select article.*,
       coalesce(own_price.price, kind_price.price, category_price.price, department_price.price, shop_price.price) as price,
       case when own_price.price is not null then 'own'
            when kind_price.price is not null then 'type'
            when category_price.price is not null then 'category'
            when department_price.price is not null then 'department'
            else 'shop' end as price_from
from article
left join own_price using (product_id)
left join kind_price on article.department = kind_price.department and article.kind = kind_price.kind
    and article.category is not distinct from kind_price.category
left join category_price on article.category = category_price.category
left join department_price on article.department = department_price.department
cross join shop_price
"""

MOST_LOOSE = 40
_LOOSE = f"""
create table loose as
select product_id, department = 'DELI' as is_priced, row_number() over (order by product_id) as item
from (select product_id, department from sale join article using (product_id)
      where kind like '%BULK%' and department = 'DELI' or kind like '%GRAPES%' or kind = 'BANANAS'
         or kind like '%BULK' and department = 'PRODUCE' or kind in ('CHICKEN BREAST BONELESS', 'LEAN') and department = 'MEAT'
      group by all order by count(distinct household) desc, product_id limit {MOST_LOOSE})
"""  # noqa: S608 (no input: a constant)

# A bottle of soft drink, one by one; what is packed in sixes or twelves keeps its price.
_BOTTLES = ("SFT DRNK 2 LITER BTL CARB INCL", "SFT DRNK SNGL SRV BTL CARB (EX")
DEPOSIT = 5

_NAMED = ("code", "name", "category", "size", "kind")

PRODUCT_FILE = """
select sku, code, name, category, size, unit_price, price_from, unit, label, deposit from product order by product_id
"""

PRICE_SOURCES = ("own", "type", "category", "department", "shop")


def read_sales(connection: Connection, transactions: str, products: str) -> None:
    """Makes `sale` (a line of a basket; gross and discounts in cents) and `article` from the quoted names of two files."""
    connection.execute(_SALES.format(transactions=transactions))
    connection.execute(_ARTICLES.format(products=products))


def price_products(connection: Connection) -> dict[str, int]:
    """Makes `shelf`: every article with its price in cents. Returns how many prices came from where."""
    for step in (_UNITS, _OWN, _SHELF):
        connection.execute(step)
    found = dict(connection.execute("select price_from, count(*) from shelf group by 1").fetchall())
    return {source: int(found.get(source, 0)) for source in PRICE_SOURCES}


def name_products(connection: Connection, scratch: Path) -> None:
    """Makes `product`: sku, code, name, category, size, unit_price, price_from, unit, label, deposit, by the data's product id.

    Loose goods are sold by the kilogram, at the price that the data implies for a piece; `label` is the GTIN-14 that the
    catalogue lists for what a scale prints, or empty.
    """
    shelf = rows(connection, "select product_id, kind, category, department, package, own_brand from shelf order by product_id")
    load(connection, "named", {"product_id": "BIGINT", **dict.fromkeys(_NAMED, "VARCHAR")}, map(_named, shelf), scratch)
    connection.execute(_LOOSE)
    numbers = rows(connection, "select product_id, is_priced, item from loose")
    labels = [
        (product_id, price_number(item) if is_priced else weight_number(product_id)) for product_id, is_priced, item in numbers
    ]
    load(connection, "labelled", {"product_id": "BIGINT", "label": "VARCHAR"}, labels, scratch)
    connection.execute(f"""
        create table product as
        select product_id::varchar as sku, product_id, code, name, coalesce(named.category, '') as category,
               coalesce(size, '') as size, named.kind, price as unit_price, price_from,
               case when label is null then 'each' else 'kg' end as unit, coalesce(label, '') as label,
               case when shelf.kind in {_BOTTLES} then {DEPOSIT} else 0 end as deposit
        from named join shelf using (product_id) left join labelled using (product_id) order by product_id
    """)  # noqa: S608 (no input: two constants)


def _named(shelf: Row) -> Row:
    product_id, kind, category, department, package, own_brand = shelf
    what, packed = kind_name(kind, category, department), size(package, department)
    name = product_name(what, packed, own_brand=own_brand)
    return product_id, product_code(product_id), name, readable(category or department), packed, what
