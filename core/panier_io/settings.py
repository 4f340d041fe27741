"""Settings: one typed object a role, read once at the start; flags outrank the environment, which outranks the TOML file."""

from __future__ import annotations

import contextlib
import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

from pydantic import AfterValidator, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from panier.error import PanierError

S = TypeVar("S", bound=BaseSettings)
Flags = Mapping[str, Any]
_HOST = re.compile(r"[\w.-]{1,253}")


class SettingsInvalid(PanierError):
    """Everything that is wrong with the settings, all at once: `problems`, one sentence each."""

    code = "settings_invalid"

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def checked_host(value: str) -> str:
    """A name or address that can be asked for. Raises ValueError: `gateway..shop` would fail with every attempt to connect."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(value)
        return value
    try:
        # As the resolver does: no part empty or too long.
        value.encode("idna")
    except UnicodeError:
        is_name = False
    else:
        is_name = _HOST.fullmatch(value) is not None
    if not is_name:
        raise ValueError("no name of a machine; one such as gateway.shop, or an address, is wanted, without a port")
    return value


Host = Annotated[str, AfterValidator(checked_host)]
"""A setting that names a machine."""


def load(kind: type[S], file: Path | None = None, **flags: Any) -> S:
    """Reads settings of `kind`; a flag that is None exists and is not given. Raises SettingsInvalid with all problems together.

    Environment variables carry the class's `env_prefix`, for example PANIER_GATEWAY_STORE; with two underscores they reach into a
    table and leave the rest of it as the file has it, for example PANIER_DEVICE_BROKER__HOST.
    """
    held = _read(file) if file else {}
    problems: list[str] = []
    known = kind.model_fields
    prefix = kind.model_config.get("env_prefix") or ""
    problems += [f"{file}: unknown setting {name!r}{_meant(name, known)}" for name in held if name not in known]
    environment = {name.removeprefix(prefix).lower(): name for name in os.environ if prefix and name.startswith(prefix)}
    problems += [
        f"environment: unknown setting {variable}{_meant(name, known, prefix)}"
        for name, variable in environment.items()
        if name.partition("__")[0] not in known
    ]
    given = {name: value for name, value in flags.items() if value is not None}
    from_file = {name: value for name, value in held.items() if name in known and name not in environment}
    try:
        from_environment = EnvSettingsSource(kind)()
    except SettingsError as error:
        raise SettingsInvalid([*problems, f"environment: {error}; JSON is wanted"]) from error
    try:
        # What is passed outranks what pydantic-settings reads by itself: so the environment is passed, too, over the file.
        settings = kind(**{**_over(from_file, from_environment), **given})
    except ValidationError as error:
        held_now = _Held(file, from_file, from_environment, flags)
        problems += [_sentence(kind, problem, held_now) for problem in error.errors(include_url=False)]
        raise SettingsInvalid(problems) from error
    if problems:
        raise SettingsInvalid(problems)
    return settings


@dataclass(frozen=True, slots=True)
class _Held:
    """What was read, by where it stands."""

    file: Path | None
    from_file: Mapping[str, Any]
    from_environment: Mapping[str, Any]
    flags: Flags


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` with what `above` says instead, table by table."""
    both = [name for name in above if isinstance(above[name], dict) and isinstance(below.get(name), dict)]
    return {**below, **above, **{name: _over(below[name], above[name]) for name in both}}


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsInvalid([f"{file}: no such file"]) from error
    except OSError as error:
        raise SettingsInvalid([f"{file}: cannot be read ({error.strerror or error}); a TOML file is wanted"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # Nothing of it was read: to call what may stand in it missing would send people to the wrong line.
        raise SettingsInvalid([f"{file}: is no TOML: {error}"]) from error


def _meant(name: str, known: Iterable[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {(prefix + close[0].upper()) if prefix else repr(close[0])}?" if close else ""


def _sentence(kind: type[BaseSettings], problem: Mapping[str, Any], held: _Held) -> str:
    path, flags = problem["loc"], held.flags
    what = _what(kind, problem)
    if not path:
        return what
    written = list(_as_written(path, _over(held.from_file, held.from_environment)))
    dotted = ".".join(written)
    flag = f"--{str(path[0]).replace('_', '-')}" if len(path) == 1 and path[0] in flags else None
    variable = (kind.model_config.get("env_prefix") or "") + "__".join(str(part) for part in path).upper()
    if problem["type"] == "missing":
        in_list = any(isinstance(part, int) for part in path)
        ways = ["set it in the file", *([] if in_list else [f"as {variable}"]), *([f"or by {flag}"] if flag else [])]
        return f"{dotted} is missing: {', '.join(ways)}"
    in_file = path[0] in held.from_file and not _states(held.from_environment, written)
    source = f"{held.file}: {dotted}" if in_file else variable
    if flags.get(str(path[0])) is not None:
        source = flag or f"--{str(path[0]).replace('_', '-')}"
    if problem["type"].startswith("union_tag"):
        return f"{source}: {what}"
    return f"{source}: {what}{_seen(kind, path, problem.get('input'))}"


def _states(table: Mapping[str, Any], path: list[str]) -> bool:
    """True where `table` has a value at `path`, not only a table of some of its parts."""
    at: Any = table
    for part in path:
        at = cast("dict[str, Any]", at).get(part) if isinstance(at, dict) else None
    return at is not None and not isinstance(at, dict)


def _as_written(path: tuple[str | int, ...], held: Mapping[str, Any]) -> Iterator[str]:
    """The parts of `path` that stand in the file: pydantic adds the name of the alternative it took, as in scanners.0.serial."""
    at: Any = held
    for number, part in enumerate(path, 1):
        if 1 < number < len(path) and isinstance(at, dict) and part not in at:
            continue
        yield str(part)
        try:
            at = cast(Any, at)[part]
        except (KeyError, IndexError, TypeError):
            at = None


def _what(kind: type[BaseSettings], problem: Mapping[str, Any]) -> str:
    """What is wrong, in the words of somebody who writes the file, not of the library that reads it."""
    path, context = problem["loc"], problem.get("ctx", {})
    if problem["type"] == "extra_forbidden":
        schema = TypeAdapter[Any](cast(Any, kind.model_fields[str(path[0])].annotation)).json_schema()
        known = {name for block in schema.get("$defs", {}).values() for name in block.get("properties", ())}
        return f"no such setting{_meant(str(path[-1]), sorted(known))}"
    if problem["type"] == "union_tag_invalid":
        return f"{context['discriminator'].strip(chr(39))} is {context['tag']!r}; wanted is one of {context['expected_tags']}"
    if problem["type"] == "union_tag_not_found":
        return f"{context['discriminator'].strip(chr(39))} is missing"
    return str(problem["msg"]).removeprefix("Value error, ")


def _seen(kind: type[BaseSettings], path: tuple[str | int, ...], value: object) -> str:
    """Quotes a plain value, but never one that may be a secret: what is refused often is a secret in the wrong place."""
    field = kind.model_fields[str(path[0])]
    holds_secrets = "writeOnly" in str(TypeAdapter[Any](cast(Any, field.annotation)).json_schema())
    named_secret = any(word in str(part) for part in path for word in ("password", "token", "secret"))
    inside = any(isinstance(part, str) for part in path[1:])
    if named_secret or not isinstance(value, str | int | float) or (holds_secrets and not inside):
        return ""
    return f" (seen: {value!r})"
