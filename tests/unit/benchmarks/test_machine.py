"""What is written down about the machine."""

import json
import sys

import torch

from benchmarks import machine
from float_core.config import VERSION


def test_facts(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/benchmarks/__main__.py", "--suite", "load"])
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    facts = machine.machine_facts()
    assert facts["command"] == "__main__.py --suite load"
    assert facts["environment"]["OMP_NUM_THREADS"] == "2"
    assert facts["torch"] == torch.__version__ and facts["float_core"] == VERSION
    assert facts["cores"] >= 1 and facts["threads"] >= 1
    assert json.loads(json.dumps(facts)) == facts


def test_libraries_that_are_not_there_have_no_version():
    assert machine._version("no-such-library-anywhere") is None


def test_peak_memory_grows_with_what_is_held():
    before = machine.peak_resident_bytes()
    held = torch.ones(before // 4 + 2**24)  # as many bytes as ever, and 64 MB
    after = machine.peak_resident_bytes()
    assert after >= before + 2**24
    del held
    assert machine.peak_resident_bytes() >= after - 2**23  # the system counts in steps


def test_without_a_gpu_there_is_no_peak_of_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    assert machine.peak_device_bytes() is None
    machine.reset_device_peak()
    machine.synchronize(torch.device("cpu"))
