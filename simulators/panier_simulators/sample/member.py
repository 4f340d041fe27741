"""Members of the sample: a pseudonym, a first name, a card and segments.

Segments come from two plain questions of the data's demographics (children at home, 65 or over) and from how a household shops;
income and marital status are not read, and no sensitive category counts (sensitive.py).
"""

from __future__ import annotations

from pathlib import Path

from panier_simulators.sample.naming import first_name
from panier_simulators.sample.numbering import card_number, member_id
from panier_simulators.sample.table import Connection, load, rows

# Segment: (categories, weeks of the year's 53 in which at least one of them was bought).
_TASTES = {
    "bakers": (("BAKING NEEDS", "BAKING MIXES", "FLOUR & MEALS"), 10),
    "cat-owners": (("CAT FOOD", "CAT LITTER"), 8),
    "cereal-lovers": (("COLD CEREAL",), 12),
    "cheese-lovers": (("CHEESE", "CHEESES"), 20),
    "coffee-lovers": (("COFFEE", "COFFEE SHOP"), 8),
    "dog-owners": (("DOG FOODS",), 8),
    "flower-friends": (("FLORAL-FRESH CUT", "FLORAL-FLOWERING PLANTS", "ROSES"), 4),
    "ice-cream-lovers": (("ICE CREAM/MILK/SHERBTS", "FRZN NOVELTIES/WTR ICE"), 15),
    "yogurt-lovers": (("YOGURT",), 12),
}

_HABITS = """
create table habit as
with visit as (select household, count(distinct week) as weeks, count(distinct basket) as trips, count(*) / trips as lines
               from trip_line where dropped is null group by 1),
     spent as (select household, sum(card_discount) / greatest(sum(gross), 1) as reduced,
                      sum(case when own_brand then quantity else 0 end) / sum(quantity) as own
               from sale join article using (product_id)
               where quantity between 1 and 20 and not is_fuel and not is_coupon group by 1),
     fresh as (select household, count(distinct week) as weeks from sale join article using (product_id)
               where department = 'PRODUCE' group by 1)
select household, 'weekly-shopper' as segment from visit where weeks >= 40
union all select household, 'occasional-shopper' from visit where weeks < 12
union all select household, 'big-basket' from visit where lines >= 15
union all select household, 'deal-hunters' from spent where reduced >= 0.20
union all select household, 'own-brand-friends' from spent where own >= 0.38
union all select household, 'fresh-cooks' from fresh where weeks >= 28
union all select household_id, 'family' from {demographics} where household_comp in ('1 Adult Kids', '2 Adults Kids')
union all select household_id, 'senior' from {demographics} where age = '65+'
"""

MEMBER_FILE = "select household, member, first_name, card, segments from member order by household"


def describe_members(connection: Connection, demographics: str, scratch: Path) -> None:
    """Makes `member`: household, member, first_name, card, segments (sorted), for every household that bought something."""
    connection.execute(_HABITS.format(demographics=demographics))
    tastes = ((segment, category, weeks) for segment, (kinds, weeks) in _TASTES.items() for category in kinds)
    load(connection, "taste", {"segment": "VARCHAR", "category": "VARCHAR", "weeks": "INTEGER"}, tastes, scratch)
    connection.execute("""
        insert into habit
        select household, segment from sale join article using (product_id) join taste using (category)
        group by household, segment having count(distinct week) >= any_value(weeks)
    """)
    known = [int(row[0]) for row in rows(connection, "select distinct household from sale order by 1")]
    people = ((household, member_id(household), first_name(household), card_number(household)) for household in known)
    columns = {"household": "BIGINT", "member": "VARCHAR", "first_name": "VARCHAR", "card": "VARCHAR"}
    load(connection, "person", columns, people, scratch)
    connection.execute("""
        create table member as
        select person.*, coalesce(list(habit.segment order by habit.segment) filter (habit.segment is not null), []) as segments
        from person left join habit using (household) group by all
    """)
