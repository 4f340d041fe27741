"""This store's token at the back office, and what to do where it is refused."""

from __future__ import annotations

import httpx


class TokenRefused(httpx.HTTPError):
    """The back office does not know this store's token, or knows it as another store's; nothing comes of asking again."""


class Credential:
    """Looks at each answer of the back office; `refused` says why it does not take the token, for as long as it does not."""

    def __init__(self, store: str) -> None:
        self._store = store
        self.refused = ""

    async def look(self, response: httpx.Response) -> None:
        """A response hook of the client. Raises TokenRefused."""
        # In the back office's own words only: a proxy before it has tokens of its own, and then ours may be right.
        is_problem = response.headers.get("Content-Type", "").startswith("application/problem+json")
        if not is_problem or response.status_code not in {401, 403}:
            self.refused = "" if response.is_success else self.refused
            return
        await response.aread()
        refuses = f"refuses this store's token ({_detail(response)})"
        self.refused = f"it {refuses}"
        wanted = f"state the same one as backoffice.token here and as `panier backoffice --store {self._store}:TOKEN` there"
        raise TokenRefused(f"the back office {refuses}: {wanted}")


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])[:200]
    except (ValueError, KeyError, TypeError):
        return str(response.status_code)
