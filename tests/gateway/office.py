"""A back office of the tests' own: it takes in, serves a feed, and fails on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Container
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Office:
    """A back office in a hundred lines: takes receipts in by identity, serves a feed and its stream, and fails on demand."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.feed: list[dict[str, Any]] = []
        self.taken: dict[tuple[str, str], dict[str, Any]] = {}
        self.posts = 0
        self.deliveries = 0
        """Deliveries that it counted; 0 again where its database was lost."""
        self.repeats = 0
        self.live: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.trouble: list[str] = []
        """How the next posts go wrong: `500`, `lost` (taken, but the line drops before the answer), `late`, `422`; or as
        something before the back office answers: `400 proxy`, `413 proxy`, `200 proxy`."""
        self.most: int | None = None
        """Items that a proxy lets through at once."""
        self.page = 10_000
        """Entries in one page of the feed at the most."""
        self.breaks_after: int | None = None
        """From this entry on, the feed answers 503."""
        self.refuse: Callable[[dict[str, Any]], str | None] = lambda _: None
        self.distort: Callable[[dict[str, Any]], object] = lambda _: None
        """Changes the answer to a post."""
        self._streams: set[asyncio.StreamWriter] = set()
        self._lines: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._lines):
            writer.transport.abort()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def say(self, kind: str, key: str, body: dict[str, Any] | None) -> int:
        """Adds an entry to the feed and rings the stores."""
        self.feed.append({"sequence": len(self.feed) + 1, "kind": kind, "key": key, "body": body})
        for stream in self._streams:
            stream.write(_event(len(self.feed)))
        return len(self.feed)

    def forget(self, deliveries: int, identities: Container[str]) -> None:
        """Its database is put back to how it was after some deliveries, without what came in since."""
        self.deliveries = deliveries
        self.taken = {key: body for key, body in self.taken.items() if key[1] not in identities}

    @property
    def receipts(self) -> list[dict[str, Any]]:
        return [body for (kind, _), body in self.taken.items() if kind == "receipts"]

    @property
    def incidents(self) -> list[dict[str, Any]]:
        return [body for (kind, _), body in self.taken.items() if kind == "incidents"]

    @property
    def contacts(self) -> list[dict[str, Any]]:
        return [body for (kind, _), body in self.taken.items() if kind == "contacts"]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self._lines.add(writer)
        try:
            await self._requests(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._streams.discard(writer)
            self._lines.discard(writer)
            self._serving.discard(task)
            writer.close()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            method, target, _ = line.decode().split()
            headers: dict[str, str] = {}
            while (header := (await reader.readline()).decode().strip()) != "":
                name, _, value = header.partition(": ")
                headers[name.lower()] = value
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.tokens.add(headers.get("authorization", ""))
            url = urlsplit(target)
            await self._answer(method, url.path.rpartition("/")[2], parse_qs(url.query), body, writer)
            if writer in self._streams:
                await reader.read()
                return

    async def _answer(
        self, method: str, what: str, query: dict[str, list[str]], body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        match method, what:
            case "POST", "intake":
                await self._intake(json.loads(body), writer)
            case "PUT", "live":
                self.live.append(json.loads(body))
                _reply(writer, 200, {})
            case "GET", "feed":
                after, limit = int(query["after"][0]), min(int(query["limit"][0]), self.page)
                if self.breaks_after is not None and after >= self.breaks_after:
                    return _reply(writer, 503, {})
                page = self.feed[after : after + limit]
                _reply(writer, 200, {"entries": page, "last": len(self.feed), "more": after + limit < len(self.feed)})
            case "GET", "stream":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                writer.write(_event(len(self.feed)))
                self._streams.add(writer)
            case _:
                _reply(writer, 404, {})
        return None

    async def _intake(self, intake: dict[str, list[dict[str, Any]]], writer: asyncio.StreamWriter) -> None:
        self.posts += 1
        trouble = self.trouble.pop(0) if self.trouble else ""
        if self.most is not None and sum(map(len, intake.values())) > self.most:
            trouble = "413 proxy"
        if trouble in {"500", "422"}:
            return _reply(writer, int(trouble), {"detail": trouble}, "application/problem+json")
        if trouble.endswith(" proxy"):
            return _reply(writer, int(trouble[:3]), {})
        result: dict[str, Any] = {}
        for kind, name in (("receipts", "receipt"), ("contacts", "contact"), ("incidents", "incident")):
            outcome: dict[str, Any] = {"stored": 0, "known": 0, "refused": []}
            for index, item in enumerate(intake[kind]):
                if reason := self.refuse(item):
                    outcome["refused"].append({"index": index, "identity": item[name], "reason": reason})
                    continue
                known = (kind, item[name]) in self.taken
                self.repeats += known
                outcome["known" if known else "stored"] += 1
                self.taken[kind, item[name]] = item
            result[kind] = outcome
        self.distort(result)
        self.deliveries += 1
        result["delivery"] = self.deliveries
        if trouble == "lost":
            writer.transport.abort()
            return None
        if trouble == "late":
            await asyncio.sleep(0.3)
        return _reply(writer, 200, result)


def _reply(writer: asyncio.StreamWriter, status: int, body: object, kind: str = "application/json") -> None:
    text = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n"
    writer.write(head.encode() + text)


def _event(last: int) -> bytes:
    return f'event: feed\ndata: {{"last": {last}}}\n\n'.encode()
