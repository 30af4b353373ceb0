"""The command line: `python -m float_core COMMAND ...`, or `float-portrait COMMAND ...` where the package is installed. Finds the command,
and turns errors into one line and an exit status.

What a command does is in the file of its name.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .. import __version__
from ..allocator import keep_freed_memory
from ..errors import CalibrationError, FloatError
from .animate import add_animate
from .calibrate import add_calibrate
from .evaluate import add_evaluate
from .prepare import add_prepare
from .train import add_synthesize, add_train
from .weights import add_convert, add_download

# One function for each command: it adds a parser whose default `run` is called with the parsed arguments.
COMMANDS = (add_animate, add_prepare, add_synthesize, add_train, add_evaluate, add_calibrate, add_convert, add_download)

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Exit status: 0 done, 2 a mistake that the message explains, 130 stopped by Ctrl-C."""
    options = build_parser().parse_args(arguments)
    keep_freed_memory()
    try:
        with _warnings_as_notes():
            options.run(options)
    except CalibrationError as error:
        return _fail(f"{error}. Make one: python -m float_core calibrate MODEL")
    except FloatError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command of COMMANDS."""
    parser = argparse.ArgumentParser(prog=_program(), description="A portrait and a voice become a talking video.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add_command in COMMANDS:
        add_command(commands)
    return parser


def _program() -> str:
    """What the user typed before the command."""
    name = Path(sys.argv[0]).stem
    return name if name == "float-portrait" else "python -m float_core"


def _fail(message: str) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return EXIT_ERROR


@contextmanager
def _warnings_as_notes() -> Iterator[None]:
    """Our own warnings are for the user: one plain line. Those of the libraries are for developers and stay hidden."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module=r".*float_core\b.*")
        warnings.showwarning = lambda message, *_args, **_named: print(f"note: {message}", file=sys.stderr)
        yield
