"""What a program owes to whoever started it: output that every encoding can show, a clean end on every signal, warnings as notes."""

from __future__ import annotations

import codecs
import contextlib
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

_ONE_STOP = 2.0  # seconds: a closing session sends several signals for one stop


class Stopped(KeyboardInterrupt):
    """The system asked the program to end; `status` is its exit status then."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.status = 128 + number


@contextlib.contextmanager
def stop_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end what runs in here as Ctrl-C does, by raising; a signal that is ignored, as under nohup, stays ignored.

    Only in the process that asked for it: a forked child ends as it would without."""
    owner, last = os.getpid(), -_ONE_STOP

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif time.monotonic() - last > _ONE_STOP:  # the second one must not end the cleaning up
            last = time.monotonic()
            raise Stopped(number)

    in_main = threading.current_thread() is threading.main_thread()  # no other thread may set handlers
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    taken = [number for number in known if in_main and signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def printable_output() -> Iterator[None]:
    """Prints every name of a file: bytes that are no text as they are, characters that the output's encoding lacks as escapes."""
    codecs.register_error("float_core.printable", _printable)
    changed = [(stream, stream.errors) for stream in (sys.stdout, sys.stderr) if hasattr(stream, "reconfigure")]
    for stream, _ in changed:
        stream.reconfigure(errors="float_core.printable")
    try:
        yield
    finally:
        for stream, errors in changed:
            stream.reconfigure(errors=errors)


def _printable(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


@contextlib.contextmanager
def warnings_as_notes() -> Iterator[None]:
    """Our own warnings are for the user: one plain line. Those of the libraries are for developers and stay hidden."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module=r".*float_core\b.*")
        warnings.showwarning = lambda message, *_args, **_named: say(f"note: {message}")
        yield


def say(line: str) -> None:
    """A line on stderr; nothing where that is closed, as when a terminal has gone away."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def program_name() -> str:
    """What the user typed before the command."""
    name = Path(sys.argv[0]).stem
    return name if name == "float-portrait" else "python -m float_core"
