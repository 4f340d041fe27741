"""Pages to look things up: products and members."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from panier_backoffice.console.guest import Marketing, SignedIn
from panier_backoffice.console.page import render
from panier_backoffice.member import repository as members
from panier_backoffice.office import TheOffice
from panier_backoffice.product import repository as products
from panier_backoffice.product.service import price_history

router = APIRouter(include_in_schema=False)

MOST = 60


@router.get("/products")
def product_list(
    request: Request, office: TheOffice, visitor: SignedIn, q: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    with office.reading() as session:
        rows = products.suggest(session, q, MOST) if q.strip() else products.search(session, "", MOST)
        return render(
            request, "products.html", q=q, products=rows, codes=products.gtins_of(session, [row.sku for row in rows]),
            count=products.count(session), most=MOST,
        )  # fmt: skip


@router.get("/products/{sku}")
def one_product(request: Request, office: TheOffice, visitor: SignedIn, sku: str) -> Response:
    with office.reading() as session:
        history = list(reversed(price_history(session, sku)))
        body = products.bodies(session, [sku]).get(sku, "{}")
        return render(
            request, "product.html", sku=sku, product=products.find(session, sku), history=history,
            codes=products.gtins_of(session, [sku])[sku], told=json.loads(body),
        )  # fmt: skip


@router.get("/members")
def member_list(
    request: Request,
    office: TheOffice,
    visitor: Marketing,
    q: Annotated[str, Query(max_length=100)] = "",
    segment: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    with office.reading() as session:
        found = members.records(session, members.search(session, q, MOST, segment))
        return render(
            request, "members.html", q=q, segment=segment, members=found, segments=members.segments(session),
            count=members.count(session), most=MOST,
        )  # fmt: skip
