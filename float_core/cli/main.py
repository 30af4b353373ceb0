"""The command line: `python -m float_core COMMAND ...`, or `float-portrait COMMAND ...` where it is installed.

Finds the command, and turns errors into one line and an exit status. What a command does is in the file of its name.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from .. import __version__
from ..allocator import keep_freed_memory
from ..errors import CalibrationError, FloatError
from .program import Stopped, printable_output, program_name, say, stop_signals, warnings_as_notes

# Each command, in a line. The file of its name has `add_options`, which gives its parser options and the function `run` to call.
COMMANDS = {
    "animate": "make a talking video from an image and a voice",
    "prepare": "make training material of one's own photographs, videos and recordings",
    "synthesize": "make training material",
    "train": "train a model of one's own",
    "evaluate": "measure a model",
    "calibrate": "measure what the motion directions of a model do",
    "convert": "write a model as one safetensors file",
    "download": "fetch weights that are not bundled",
}

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Exit status: 0 done, 2 a mistake that the message explains; 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP,
    with nothing half-written left."""
    keep_freed_memory()
    words = sys.argv[1:] if arguments is None else arguments
    with printable_output():
        try:
            with stop_signals(), warnings_as_notes():
                options = build_parser(words).parse_args(words)
                options.run(options)
                sys.stdout.flush()
        except KeyboardInterrupt as stop:
            say("stopped")
            return stop.status if isinstance(stop, Stopped) else EXIT_INTERRUPTED
        except CalibrationError as error:
            return _fail(f"{error}. Make one: {program_name()} calibrate {getattr(options, 'model', 'MODEL')}")
        except FloatError as error:
            return _fail(str(error))
        except OSError as error:
            return _fail(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    return 0


def build_parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser with all commands, and the options of the one that `words` call: only its file is imported."""
    parser = argparse.ArgumentParser(prog=program_name(), description="An image of a face and a voice become a talking video.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    called = next((word for word in words if not word.startswith("-")), None)
    for name, about in COMMANDS.items():
        command = commands.add_parser(name, help=about)
        if name == called:
            import_module(f".{name}", __package__).add_options(command)
    return parser


def _fail(message: str) -> int:
    say("error: " + " ".join(message.split()))
    return EXIT_ERROR
