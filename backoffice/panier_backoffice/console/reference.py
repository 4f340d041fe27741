"""The API's reference as a page of our own: the usual viewers load their scripts from elsewhere."""

from __future__ import annotations

import json
from typing import Any, cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from panier_backoffice.console.guest import Anyone
from panier_backoffice.console.page import redirect, render

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs() -> Response:
    """Where many look first."""
    return redirect("/reference")


@router.get("/reference")
def reference(request: Request, visitor: Anyone) -> Response:
    """Open to everyone, as /openapi.json is: it says how to ask, and gives nothing away."""
    schema = request.app.openapi()
    return render(request, "reference.html", groups=_groups(schema), description=schema["info"]["description"])


def _groups(schema: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Operations by tag, in the order of the document."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "summary": operation.get("description") or operation["summary"],
                    "asks": [one for one in operation.get("parameters", []) if one["in"] == "query"],
                    "example": _example(schema, operation),
                }
            )
    return groups


def _example(schema: dict[str, Any], operation: dict[str, Any]) -> str:
    """An example of the request's body, where one is stated."""
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = str(content.get("$ref", "")).rpartition("/")[2]
    described = cast("dict[str, Any]", schema["components"]["schemas"].get(name, content))
    examples: list[Any] = described.get("examples") or content.get("examples") or []
    return json.dumps(examples[0], indent=2, ensure_ascii=False) if examples else ""
