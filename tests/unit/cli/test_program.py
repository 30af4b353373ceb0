"""What a program owes to whoever started it: output under every encoding, a clean end on signals."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time

import pytest

import float_core
from float_core.cli import program
from float_core.cli.main import main
from float_core.cli.program import Stopped, printable_output, say, stop_signals


@pytest.fixture(autouse=True)
def _signals_as_from_a_terminal():
    """Under nohup, or behind a script, some are ignored, and a program leaves those alone."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def output(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", rb"caf\xe9 \u65e5\u672c"),
        ("cp1252", b"caf\xe9 \\u65e5\\u672c"),
        ("cp932", rb"caf\xe9 ".replace(rb"\xe9", rb"\xe9") + "日本".encode("cp932")),
        ("utf-8", "café 日本".encode()),
    ],
)
def test_names_that_the_encoding_cannot_show(monkeypatch, tmp_path, encoding, shown):
    monkeypatch.setattr(sys, "stdout", output(encoding))
    monkeypatch.setattr(sys, "stderr", output(encoding))
    monkeypatch.setitem(float_core.__dict__, "convert_model", lambda source, target, **named: target)
    target = tmp_path / "café 日本.safetensors"
    assert main(["convert", "mini", str(target)]) == 0
    assert shown + b".safetensors\n" in sys.stdout.buffer.getvalue()
    assert main(["convert", "mini", str(target / "x.pth")]) == 2
    assert shown in sys.stderr.buffer.getvalue()
    assert sys.stdout.errors == "strict"  # as it was


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "cp1252"])
def test_bytes_that_are_no_text_come_out_as_they_are(monkeypatch, encoding):
    monkeypatch.setattr(sys, "stdout", output(encoding))
    with printable_output():
        print(b"caf\xe9.mp4".decode("utf-8", "surrogateescape"))
    assert sys.stdout.buffer.getvalue() == b"caf\xe9.mp4\n"


def test_a_terminal_that_has_gone_away(monkeypatch):
    closed = output("utf-8")
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    say("nobody reads this")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_is_as_ctrl_c(monkeypatch, capsys, number, status):
    cleaned = []

    def work(*args, **named):
        try:
            os.kill(os.getpid(), number)
            time.sleep(10)
        finally:
            cleaned.append(True)

    monkeypatch.setitem(float_core.__dict__, "convert_model", work)
    before = signal.getsignal(number)
    assert main(["convert", "mini", "x.safetensors"]) == status
    assert capsys.readouterr().err == "stopped\n" and cleaned == [True]
    assert signal.getsignal(number) is before


def test_a_second_signal_does_not_end_the_cleaning_up():
    cleaned = []
    with pytest.raises(Stopped) as stop, stop_signals():
        try:
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(10)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # a closing session sends both
            time.sleep(0.05)
            cleaned.append(True)
    assert stop.value.status == 129 and cleaned == [True]


def test_a_later_signal_is_heard_again(monkeypatch):
    monkeypatch.setattr(program, "_ONE_STOP", 0.05)
    with stop_signals():
        for _ in range(2):  # where a library has swallowed the first one
            with pytest.raises(Stopped):
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(10)
            time.sleep(0.1)


def test_a_signal_that_is_ignored_stays_ignored():
    """nohup starts a program so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.05)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_may_run_a_command(monkeypatch, capsys):
    monkeypatch.setitem(float_core.__dict__, "convert_model", lambda source, target, **named: target)
    found = []
    thread = threading.Thread(target=lambda: found.append(main(["convert", "mini", "x.safetensors"])))
    thread.start()
    thread.join()
    assert found == [0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork beside threads
def test_a_forked_child_ends_by_the_signal_itself():
    with stop_signals():
        child = os.fork()
        if child == 0:
            try:
                time.sleep(30)
            finally:
                os._exit(7)  # the handler's exception would come here
        time.sleep(0.2)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM
