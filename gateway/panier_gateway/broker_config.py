"""The embedded broker's configuration: users and rights out of the table of topics. Pure text, nothing is opened here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from panier.topic import StoreTopics
from panier_gateway.registry import Identity

# A subscription of QoS 1 delivers through subjects below this one; the server itself refuses them to MQTT clients.
_DELIVERY = "$MQTT.sub.>"


def render(*, store: str, host: str, port: int, directory: Path, max_store_mb: int, identities: Iterable[Identity]) -> str:
    """A nats-server configuration with MQTT on `port`, one user and one set of rights for each identity, none anonymous."""
    users = "\n".join(f"    {_user(store, identity)}" for identity in identities)
    return f"""# Written by panier gateway at each start and enrolment; changes here are lost.
server_name: "panier-{store}"
listen: "127.0.0.1:-1"
ports_file_dir: {_quoted(directory)}
max_payload: 1048576
log_file: {_quoted(directory / "broker.log")}
logfile_size_limit: 10485760
logfile_max_num: 2
jetstream {{
  store_dir: {_quoted(directory / "jetstream")}
  max_file_store: {max_store_mb}MB
  sync_interval: "1s"
}}
mqtt {{
  listen: "{host}:{port}"
}}
authorization {{
  timeout: 10
  users: [
{users}
  ]
}}
"""


def rights(store: str, identity: Identity) -> tuple[list[str], list[str]]:
    """MQTT filters that an identity may publish to and subscribe to; nothing else is allowed to it."""
    topics = StoreTopics(store)
    match identity.role:
        case "gateway":
            return [f"{topics.root}/#"], [topics.every_device, topics.act]
        case "monitor":
            return [topics.act], [f"{topics.root}/staff/#"]
        case "device":
            own = topics.device(identity.name)
            return [f"{own.root}/up/#"], list(own.listens)


def _user(store: str, identity: Identity) -> str:
    publish, subscribe = rights(store, identity)
    permissions = {
        "publish": {"allow": _subjects(publish)},
        "subscribe": {"allow": [*_subjects(subscribe), _DELIVERY]},
    }
    return (
        f"{{user: {_quoted(identity.name)}, password: {_quoted(identity.password_hash)},"
        f' allowed_connection_types: ["MQTT"], permissions: {json.dumps(permissions)}}}'
    )


def _subjects(filters: Sequence[str]) -> list[str]:
    """NATS subjects of MQTT filters: `a/#` also means `a`, which takes two subjects."""
    subjects: list[str] = []
    for topic_filter in filters:
        subject = topic_filter.replace("/", ".").replace("+", "*")
        if subject.endswith(".#"):
            subjects += [subject.removesuffix(".#"), subject.removesuffix("#") + ">"]
        else:
            subjects.append(subject)
    return subjects


def _quoted(value: str | Path) -> str:
    return json.dumps(str(value))
