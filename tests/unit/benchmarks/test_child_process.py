"""Processes that measure: they run, they fail readably, they are found wherever the package is."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

import float_core
from benchmarks.child_process import PACKAGE, BenchmarkError, Job, Worker, measure

PORTRAIT = PACKAGE.parent / "assets" / "portrait.jpg"
ELSEWHERE = """
import importlib, sys
sys.path.insert(0, "custom_nodes")
process = importlib.import_module("any-name.benchmarks.child_process")
print(process.PACKAGE)
job = process.Job("audio:fast_audio", {{"model": {model!r}, "device": "cpu", "length": 0.4}}, keep_memory=True)
print(process.measure({{"only": job}}, runs=1)["only"].figures["frames"])
"""


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


def test_in_a_folder_of_custom_nodes(tiny_file, tmp_path):
    """Under any name, from any current folder, with no other float_core on the path."""
    target = tmp_path / "custom_nodes" / "any-name" / "float_core"
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors", "training"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE.format(model=str(tiny_file))], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(target.resolve()), "10"], done.stderr


def test_the_package_is_this_one():
    assert PACKAGE.joinpath("__init__.py").samefile(float_core.__file__)
