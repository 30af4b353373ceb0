"""Processes that measure: they run, they fail readably, they find the repository."""

import os
import signal
import subprocess
import sys

import pytest

from benchmarks.child_process import BenchmarkError, Job, Worker, measure
from benchmarks.settings import PORTRAIT, ROOT


def decode_job(tiny_file, task="decode:fast_decode", **more) -> Job:
    return Job(task, {"model": str(tiny_file), "image": str(PORTRAIT), "device": "cpu", **more}, keep_memory=True)


def test_two_jobs_in_turn(tiny_file):
    jobs = {"plain": decode_job(tiny_file, "decode:plain_decode"), "fast": decode_job(tiny_file)}
    found = measure(jobs, runs=3)
    assert list(found) == ["plain", "fast"]
    for timings in found.values():
        assert len(timings.seconds) == 3 and all(seconds > 0 for seconds in timings.seconds)
        assert timings.since_start > timings.median
        assert timings.peak_bytes is None or timings.peak_bytes > 2**24
    assert found["plain"].figures == {"frames": 16, "size": 32, "media_fps": 25.0}


def test_the_message_of_a_child_comes_through():
    with pytest.raises(BenchmarkError, match=r"decode:fast_decode: .*nowhere\.safetensors"):
        measure({"fast": decode_job("nowhere.safetensors")}, runs=1)


def test_an_unknown_task():
    with pytest.raises(BenchmarkError, match="there is no task 'decode:nothing'"):
        measure({"a": Job("decode:nothing")}, runs=1)


def test_a_child_that_breaks(tiny_file):
    with pytest.raises(BenchmarkError, match=r"ended early with status 1: .*unexpected keyword argument 'wings'"):
        measure({"fast": decode_job(tiny_file, wings=2)}, runs=1)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_child_that_is_killed(tiny_file):
    with Worker(decode_job(tiny_file)) as worker:
        worker.wait_ready()
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(BenchmarkError, match=r"ended early with SIGKILL.*memory"):
            worker.run()


def test_leaving_ends_the_child(tiny_file):
    with Worker(decode_job(tiny_file)) as worker:
        pass
    assert worker.exit_status is not None


def test_from_any_folder(tiny_file, tmp_path):
    """The measured process finds the repository wherever this one was started."""
    options = {"model": str(tiny_file), "device": "cpu", "length": 0.4}
    measured = f"measure({{'one': Job('audio:fast_audio', {options})}}, runs=1)['one']"
    code = f"from benchmarks.child_process import Job, measure; print({measured}.figures['frames'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.stdout == "10\n", done.stderr
