"""The root command `panier`: finds each role's subcommands by entry point, so that no role that is not installed is imported."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any

import typer
from typer.core import TyperGroup

GROUP = "panier.commands"
_EXTRA = {
    "panier_device": "device",
    "panier_gateway": "gateway",
    "panier_backoffice": "backoffice",
    "panier_simulators": "simulators",
}


class _Roles(TyperGroup):
    """A group whose commands are whatever the installed roles registered."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [found.name for found in sorted(entry_points(group=GROUP), key=lambda found: found.name)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for found in entry_points(group=GROUP, name=cmd_name):
            return _load(found)
        close = get_close_matches(cmd_name, self.list_commands(ctx), n=1)
        return ctx.fail(f"no such command {cmd_name!r}; did you mean {close[0]!r}?") if close else None


def _load(found: EntryPoint) -> Any:
    target = found.load()
    if isinstance(target, typer.Typer):
        app = target
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(found.name)(target)
    command = typer.main.get_command(app)
    command.name = found.name
    # The list of commands has room for what a command does, not for how.
    command.short_help = (command.help or "").strip().partition("\n")[0].partition(":")[0].rstrip(".")
    return command


app = typer.Typer(cls=_Roles, add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def panier(show_version: bool = typer.Option(False, "--version", help="Print the version and end.")) -> None:
    """Self-scanning and loyalty for shops: one subcommand a role or task.

    Start with `panier demo`. Roles check their settings with --check. Commands that end print JSON with --json (scan and price:
    --jsonl), log on standard error, and end with status 0 only when what they state holds.
    """
    if show_version:
        print(version("panier"))
        raise typer.Exit


def main() -> None:
    """Entry point of the `panier` program."""
    # What a role keeps (members, tokens, journals) is for its own user's eyes.
    os.umask(0o077)
    try:
        app()
    except BrokenPipeError:
        # The reader of our output is gone, as in `panier scan --jsonl | head`: nothing to tell and nobody to tell it to.
        sys.stderr.close()
        raise SystemExit(141) from None
    except ModuleNotFoundError as error:
        if (error.name or "panier").startswith("panier"):
            raise
        raise SystemExit(_what_is_missing(error.name or "", sys.argv[1])) from None


def _what_is_missing(module: str, command: str) -> str:
    extras = [_EXTRA.get(found.module.partition(".")[0], "all") for found in entry_points(group=GROUP, name=command)]
    return f"panier {command} needs {module}, which is not installed: pip install 'panier[{extras[0] if extras else 'all'}]'"


if __name__ == "__main__":
    main()
