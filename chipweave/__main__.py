"""`chipweave COMMAND ...`: finds the commands in chipweave/cli and turns errors into exit codes."""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import os
import pkgutil
import sys
import traceback

import click

from chipweave import cli
from chipweave.errors import BAD_INPUT, BROKEN, INTERRUPTED, ChipweaveError, nearest
from chipweave.io import status
from chipweave.io.console import note
from chipweave.io.streams import tolerant

NAMED_WRONG = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENAMETOOLONG,
    errno.ELOOP,
)  # a path that was given, not the machine


class Commands(click.Group):
    """One command is one file of chipweave/cli, loaded only when it is called: `--help` stays quick."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The modules of chipweave/cli, by name."""
        return sorted(m.name for m in pkgutil.iter_modules(cli.__path__) if not m.name.startswith("_"))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import the command's module, and no other."""
        if name not in self.list_commands(context):
            return None
        command: click.Command = importlib.import_module(f"chipweave.cli.{name}").command
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name where there is no such command."""
        try:
            return super().resolve_command(context, arguments)
        except click.UsageError as error:
            likely = nearest(arguments[0], self.list_commands(context))
            if likely and "Did you mean" not in error.message:
                vars(error)["message"] = f"{error.message} Did you mean {likely}?"  # final in the stubs of click alone
            raise


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chipweave", prog_name="chipweave")
@click.option("--debug", is_flag=True, help="Show Python tracebacks.")
@click.pass_context
def root(context: click.Context, debug: bool) -> None:
    """Compose multi-die GPUs from components in YAML and simulate MoE LLM serving on them."""
    context.obj = {"debug": debug}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; returns nothing, exits with the codes of docs/commands.md."""
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # numpy starts a thread a core otherwise; nothing here needs them
    if arguments is None:
        _collect_less()
        status.listen()
    with tolerant():
        _main(sys.argv[1:] if arguments is None else arguments)


def _collect_less() -> None:
    """The garbage collector of a process that is one command: what imports and topologies make stays to the end, so
    that looking through it every 700 objects and once more at the exit finds nothing. A fifth of a short command."""
    gc.set_threshold(200_000)
    atexit.register(gc.freeze)


def _main(arguments: list[str]) -> None:
    """Run, and turn what ends a command into one line and an exit code.

    2: the user's fault, 1: ours or the machine's. --debug prints the traceback too.
    """
    debug, before = "--debug" in arguments, len(_let_in())
    try:
        code = root.main(args=arguments, prog_name="chipweave", standalone_mode=False)
    except (KeyboardInterrupt, click.exceptions.Abort):
        note("interrupted: files are written whole or not at all; the same command starts again")
        sys.exit(INTERRUPTED)
    except click.UsageError as error:
        _say_usage(error)
    except click.ClickException as error:
        note(f"Error: {error.format_message()}")
        sys.exit(BAD_INPUT)
    except SystemExit as error:
        _say_theirs(error, debug)
        raise
    except ChipweaveError as error:
        if debug:
            traceback.print_exc()
        note(error)
        sys.exit(error.exit_code)
    except (OSError, MemoryError) as error:  # the machine's fault: a full disk, too little memory
        _say_theirs(error, debug)
        if debug:
            traceback.print_exc()
        _say_machine(error)
    except Exception as error:  # a bug of ours, or of the user's own code: one line, details on request
        if debug:
            traceback.print_exc()
        _say_whose(error, before)
    sys.exit(code if isinstance(code, int) else 0)


def _say_usage(error: click.UsageError) -> None:
    """One line for options that do not go together, and where help is."""
    if error.ctx is None or type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        command = error.ctx.command_path
        note(f"{command}: {error.format_message().rstrip('.')}; allowed: what `{command} --help` lists")
    sys.exit(BAD_INPUT)


def _say_machine(error: OSError | MemoryError) -> None:
    """One line for what the system refuses: a path that was given is bad input, all else the machine's."""
    filename = getattr(error, "filename", None)
    where = f"{filename}: " if filename else ""
    words = getattr(error, "strerror", None) or str(error) or "no memory left"
    if where and getattr(error, "errno", None) in NAMED_WRONG:
        note(f"{where}{words[:1].lower()}{words[1:]}")
        sys.exit(BAD_INPUT)
    memory = "out of memory: " if isinstance(error, MemoryError) else ""
    note(f"chipweave: {where}{memory}{words} (run again with --debug for details)")
    sys.exit(BROKEN)


def _let_in() -> list[type]:
    """The classes of the user's that were let in so far, without an import of their gate."""
    module = sys.modules.get("chipweave.declare.user_code")
    return module.LOADED if module else []


def _say_theirs(error: BaseException, debug: bool) -> None:
    """Exit where what is no fault elsewhere (an exit, a file that is not there) came from a line of theirs."""
    if not _let_in():
        return
    from chipweave.declare.user_code import blame, where

    if where(error):
        if debug:
            traceback.print_exc()
        note(blame(error))
        sys.exit(BAD_INPUT)


def _say_whose(error: Exception, before: int) -> None:
    """One line for an unexpected exception: with file and line where it came of code of the user's own.

    before: how many classes had been let in when the command began.
    """
    from chipweave.declare.user_code import blame

    fault = blame(error, set(_let_in()[before:]))
    note(
        fault
        or f"chipweave: {type(error).__name__}: {' '.join(str(error).split())} (run again with --debug for details)"
    )
    sys.exit(BAD_INPUT if fault else BROKEN)


if __name__ == "__main__":
    main()
