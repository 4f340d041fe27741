"""Settings: one typed object a role, read once at the start; flags outrank the environment, which outranks the TOML file."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from panier.error import PanierError

S = TypeVar("S", bound=BaseSettings)


class SettingsInvalid(PanierError):
    """Everything that is wrong with the settings, all at once: `problems`, one sentence each."""

    code = "settings_invalid"

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def load(kind: type[S], file: Path | None = None, **flags: Any) -> S:
    """Reads settings of `kind`; a flag that is None is not given. Raises SettingsInvalid with all problems together.

    Environment variables carry the class's `env_prefix`, for example PANIER_GATEWAY_STORE.
    """
    held, problems = _read(file) if file else ({}, [])
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
    # The environment outranks the file; pydantic-settings reads it for every field that is not passed here.
    from_file = {name: value for name, value in held.items() if name in known and name not in environment}
    try:
        settings = kind(**{**from_file, **given})
    except ValidationError as error:
        problems += [_sentence(problem, file, from_file, given, prefix) for problem in error.errors(include_url=False)]
        raise SettingsInvalid(problems) from error
    if problems:
        raise SettingsInvalid(problems)
    return settings


def _read(file: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")), []
    except FileNotFoundError:
        return {}, [f"{file}: no such file"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        return {}, [f"{file}: {error}"]


def _meant(name: str, known: Iterable[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {(prefix + close[0].upper()) if prefix else repr(close[0])}?" if close else ""


def _sentence(
    problem: Mapping[str, Any], file: Path | None, from_file: Mapping[str, Any], given: Mapping[str, Any], prefix: str
) -> str:
    path = [str(part) for part in problem["loc"]] or ["settings"]
    name, dotted = path[0], ".".join(path)
    if problem["type"] == "missing":
        return f"{dotted} is missing: set it in the file, as {prefix}{name.upper()}, or by --{name.replace('_', '-')}"
    source = f"{prefix}{dotted.upper()}"
    if name in given:
        source = f"--{name.replace('_', '-')}"
    elif name in from_file:
        source = f"{file}: {dotted}"
    secret = any(word in dotted for word in ("password", "token", "secret"))
    seen = "" if secret else f" (seen: {problem.get('input')!r})"
    return f"{source}: {problem['msg']}{seen}"
