"""The data's 27 coupon campaigns as campaigns of Panier: a percentage off some products for listed members."""

from __future__ import annotations

import json
from collections.abc import Iterator

from panier.feed import CampaignRecord
from panier_simulators.sample.numbering import coupon_code, member_id
from panier_simulators.sample.table import Connection, rows

# Up to 35,000 products hang on one campaign of the data. A device carries a member's offers in one message, so the campaign
# keeps those that most households buy.
MOST_PRODUCTS = 60

_PRODUCTS = f"""
create table campaign_product as
with bought as (select product_id, count(distinct household) as households from sale group by 1),
     coupon as (select distinct campaign_id as campaign, product_id from {{coupons}})
select campaign, product_id, words, coalesce(households, 0) as households
from coupon join promotable using (product_id) left join bought using (product_id)
qualify row_number() over (partition by campaign order by households desc, product_id) <= {MOST_PRODUCTS}
"""  # noqa: S608 (no input: a constant)

# What the coupons took off in truth, as a share of the shelf price; the median of all campaigns where one has too few uses.
_SAVING = """
create table campaign_saving as
with used as (
    select coupon.campaign_id as campaign, sale.coupon_discount / sale.gross as share
    from sale join (select distinct campaign_id, product_id from {coupons}) coupon using (product_id)
    join {descriptions} as campaign on campaign.campaign_id = coupon.campaign_id
        and sale.bought_at between campaign.start_date and campaign.end_date + interval 1 day
    join {campaigns} as sent on sent.campaign_id = coupon.campaign_id and sent.household_id = sale.household
    where sale.coupon_discount > 0 and sale.gross > 0
)
select campaign_id as campaign, start_date::date as first_day, end_date::date as last_day, campaign_type as type,
       case when count(share) >= 5 then quantile_disc(share, 0.5) else any_value(usual) end as typical,
       least(50, greatest(10, 5 * round(20 * typical)))::integer as percent
from {descriptions} left join used on campaign = campaign_id
cross join (select quantile_disc(share, 0.5) as usual from used)
group by campaign_id, start_date, end_date, campaign_type
"""

_CAMPAIGNS = """
with sent as (select campaign_id as campaign, list(household_id order by household_id) as households from {campaigns} group by 1),
     topic as (select campaign, words, sum(households) as weight from campaign_product group by all),
     product as (select campaign, list(product_id::varchar order by households desc, product_id) as skus
                 from campaign_product group by 1)
select saving.campaign, first_day, last_day, type, percent, households, skus,
       (select list(words order by weight desc, words)[:2] from topic where topic.campaign = saving.campaign) as words
from campaign_saving saving join sent using (campaign) join product using (campaign) order by saving.campaign
"""


def write_campaigns(connection: Connection, *, coupons: str, campaigns: str, descriptions: str) -> Iterator[tuple[str, ...]]:
    """(campaign, record as JSON, first day, last day, type) of each campaign of the data."""
    connection.execute(_PRODUCTS.format(coupons=coupons))
    connection.execute(_SAVING.format(coupons=coupons, campaigns=campaigns, descriptions=descriptions))
    for number, first_day, last_day, kind, percent, households, skus, words in rows(
        connection, _CAMPAIGNS.format(campaigns=campaigns)
    ):
        record = CampaignRecord(
            campaign=f"mailing-{number:02d}",
            revision=1,
            title=_title(percent, words),
            reason=f"from your coupon mailing no. {number}",
            promotion={"kind": "percent", "target": {"skus": skus}, "percent": str(percent)},
            members=[member_id(household) for household in households],
            state="running",
        )
        yield record.campaign, json.dumps(record.model_dump()), first_day.isoformat(), last_day.isoformat(), kind


MOST_COUPONS = 6
_COUPONS = f"""
with paper as (select coupon_upc as number, product_id, min(campaign_id) as campaign from {{coupons}} group by all)
select number, percent, skus, topics from (
    select number, percent, list(product_id::varchar order by households desc, product_id) as skus,
           list(words order by households desc, words)[:2] as topics, sum(households) as worth
    from paper join campaign_product using (campaign, product_id) join campaign_saving using (campaign) group by number, percent
) qualify row_number() over (partition by topics[1] order by worth desc, number) = 1
order by worth desc, number limit {MOST_COUPONS}
"""  # noqa: S608 (no input: a constant)


def write_coupons(connection: Connection, coupons: str) -> Iterator[tuple[str, ...]]:
    """(code, definition as JSON) of the coupons that most households could use, for whoever shows one; after write_campaigns.

    Each takes the share of its campaign off one unit, and each is for something else.
    """
    for number, percent, skus, words in rows(connection, _COUPONS.format(coupons=coupons)):
        code = coupon_code(number)
        definition = {
            "id": f"coupon-{number % 10**7:07d}", "title": _title(percent, words), "kind": "percent", "coupon": code,
            "target": {"skus": skus}, "percent": str(percent), "max_units": 1, "unit_order": "dearest",
        }  # fmt: skip
        yield code, json.dumps(definition)


def _title(percent: int, words: list[str]) -> str:
    """Names what most households buy of it; "and more" where the campaign holds other things too."""
    more = " and more" if len(words) > 1 else ""
    return f"{percent}% off {words[0][: 60 - len(more) - 9]}{more}"
