"""The command line: `python -m float_core COMMAND ...`, or `float-portrait COMMAND ...` where it is installed.

Finds the command, and turns errors into one line and an exit status. What a command does is in the file of its name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .. import __version__
from ..allocator import keep_freed_memory
from ..errors import CalibrationError, FloatError
from .animate import add_animate
from .calibrate import add_calibrate
from .convert import add_convert
from .download import add_download
from .evaluate import add_evaluate
from .prepare import add_prepare
from .program import Stopped, printable_output, program_name, say, stop_signals, warnings_as_notes
from .synthesize import add_synthesize
from .train import add_train

# One function for each command: it adds a parser whose default `run` is called with the parsed arguments.
COMMANDS = (add_animate, add_prepare, add_synthesize, add_train, add_evaluate, add_calibrate, add_convert, add_download)

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Exit status: 0 done, 2 a mistake that the message explains; 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP,
    with nothing half-written left."""
    keep_freed_memory()
    try:
        with printable_output(), stop_signals(), warnings_as_notes():
            options = build_parser().parse_args(arguments)
            return _run(options)
    except KeyboardInterrupt as stop:
        say("stopped")
        return stop.status if isinstance(stop, Stopped) else EXIT_INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command of COMMANDS."""
    parser = argparse.ArgumentParser(prog=program_name(), description="An image of a face and a voice become a talking video.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add_command in COMMANDS:
        add_command(commands)
    return parser


def _run(options: argparse.Namespace) -> int:
    try:
        options.run(options)
        sys.stdout.flush()
    except CalibrationError as error:
        return _fail(f"{error}. Make one: {program_name()} calibrate {getattr(options, 'model', 'MODEL')}")
    except FloatError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    return 0


def _fail(message: str) -> int:
    say("error: " + " ".join(message.split()))
    return EXIT_ERROR
