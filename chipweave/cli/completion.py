"""`chipweave completion`: what makes a shell complete commands, options and names."""

from __future__ import annotations

import click

RECIPES = {
    "bash": "chipweave completion bash > ~/.local/share/bash-completion/completions/chipweave",
    "zsh": "chipweave completion zsh > ~/.zfunc/_chipweave",
    "fish": "chipweave completion fish > ~/.config/fish/completions/chipweave.fish",
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("shell", type=click.Choice(list(RECIPES)))
@click.option("--debug", is_flag=True, hidden=True)
def command(shell: str, debug: bool) -> None:
    """Print the completion script of a shell; where it goes is said beside it."""
    from click.shell_completion import get_completion_class

    from chipweave.__main__ import root
    from chipweave.io.console import note

    found = get_completion_class(shell)
    assert found is not None, "a shell that click completes"
    click.echo(found(root, {}, "chipweave", "_CHIPWEAVE_COMPLETE").source())
    note(f"to keep it: {RECIPES[shell]}")
