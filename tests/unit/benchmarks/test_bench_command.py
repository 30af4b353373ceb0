"""The program: options to settings, the table on stdout, files in the folder, errors."""

import json
from pathlib import Path

import pytest
import torch

import benchmarks.main as program
from benchmarks.machine import machine_facts
from benchmarks.main import bench_settings, build_parser, main
from benchmarks.measurements import Measurement
from benchmarks.report import Report
from benchmarks.settings import BenchSettings


def settings_of(*options: str) -> BenchSettings:
    return bench_settings(build_parser().parse_args([*options]))


@pytest.fixture
def ran(monkeypatch):
    """What the command asks to be run; nothing is."""
    seen = []

    def run_suites(name, settings, say):
        seen.append((name, settings))
        say("working")
        return Report(name, machine_facts(), {}, (Measurement("decode", "mini", "plain", (1.0,), 1),), 3.0)

    monkeypatch.setattr(program, "run_suites", run_suites)
    return seen


def test_defaults():
    assert settings_of() == BenchSettings()


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        (["--model", "mini"], "models", ("mini",)),
        (["--runs", "4"], "runs", 4),
        (["--runs", "4"], "long_runs", 4),
        (["--lengths", "10,60.5"], "lengths", (10.0, 60.5)),
        (["--plain-lengths", "5"], "plain_lengths", (5.0,)),
        (["--batches", "1,64"], "batches", (1, 64)),
        (["--dtypes", "float32,bfloat16"], "dtypes", ("float32", "bfloat16")),
        (["--no-compile"], "compiled", (False,)),
        (["--device", "cpu", "--suite", "gpu"], "device", "cpu"),
        (["--image", "me.png"], "image", Path("me.png").absolute()),
        (["--audio", "me.wav"], "audio", Path("me.wav").absolute()),
    ],
)
def test_options(options, field, value):
    assert getattr(settings_of(*options), field) == value


def test_a_file_is_found_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "own.safetensors").touch()
    monkeypatch.chdir(tmp_path)
    assert settings_of("--model", "own.safetensors").models == (str(tmp_path / "own.safetensors"),)


def test_table_on_stdout_and_json_in_the_folder(ran, tmp_path, capsys):
    assert main(["--suite", "decode", "--out", str(tmp_path / "new"), "--runs", "1"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("suite ") and machine_facts()["torch"] in out
    assert "working" in err and "decode.json" in err
    assert json.loads((tmp_path / "new" / "decode.json").read_text())["suite"] == "decode"
    assert ran[0][0] == "decode" and ran[0][1].runs == 1


def test_markdown(ran, tmp_path, capsys):
    assert main(["--markdown", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("| suite ")


def test_no_gpu(monkeypatch, ran, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert main(["--suite", "gpu", "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: no GPU was found") and torch.__version__ in err and "--device cpu" in err
    assert not ran


@pytest.mark.parametrize(("available", "name"), [((True, False), "cuda"), ((False, True), "mps")])
def test_the_gpu_that_is_there_is_taken(monkeypatch, available, name):
    from benchmarks.gpu import require_gpu

    monkeypatch.setattr(torch.cuda, "is_available", lambda: available[0])
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: available[1])
    assert require_gpu("auto") == name
    assert require_gpu("cpu") == "cpu"


def test_a_file_in_place_of_the_folder(ran, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["--out", str(tmp_path / "file")]) == 2
    assert "expected a folder" in capsys.readouterr().err
    assert not ran


@pytest.mark.parametrize("options", [["--suite", "tea"], ["--lengths", "ten"], ["--batches", "1.5"]])
def test_options_that_are_none(options, capsys):
    with pytest.raises(SystemExit):
        main([*options])
    assert "expected" in (text := capsys.readouterr().err) or "invalid choice" in text
