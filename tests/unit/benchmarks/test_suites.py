"""Every suite at a tiny size: what is measured, and that the plain path and the fast one are both there."""

from dataclasses import replace

import pytest
import torch

from benchmarks import clip, gpu, material
from benchmarks.child_process import BenchmarkError
from benchmarks.main import run_suites
from benchmarks.settings import BenchSettings, suites_of
from float_core.config import FLOAT_512
from float_core.errors import OptionError
from float_core.types import AudioClip, SamplingOptions

from .conftest import TINY


def paths(report):
    return [row.path for row in report.measurements]


def silent(text: str) -> None:
    pass


def test_decode(here, settings):
    said = []
    report = run_suites("decode", settings, said.append)
    assert paths(report) == ["plain", "fast"]
    assert [row.frames for row in report.measurements] == [16, 16]
    assert all("32x32" in row.case for row in report.measurements)
    assert len(said) == 1


def test_sampling_goes_through_one_two_and_three_passes(here, settings):
    report = run_suites("sampling", settings, silent)
    assert paths(report) == ["plain", "fast"] * 3
    assert [row.case.split(", ")[-1] for row in report.measurements[::2]] == ["1 pass", "2 passes", "3 passes"]
    assert {row.frames for row in report.measurements} == {20}


def test_audio(here, settings):
    report = run_suites("audio", settings, silent)
    assert paths(report) == ["plain", "fast"] * 2
    assert [row.frames for row in report.measurements] == [10, 10, 25, 25]
    assert "(compact)" in report.measurements[0].case


def test_load(here, settings):
    report = run_suites("load", replace(settings, long_runs=1), silent)
    assert [row.case.split(",")[0] for row in report.measurements] == [
        "python -c 'import torch'",
        "python -c 'import float_core'",
        "load_model",
        "load_model",
    ]
    assert set(paths(report)) == {"-"}


def test_first(here, settings):
    report = run_suites("first", settings, silent)
    assert paths(report) == ["plain", "plain", "fast", "fast"]
    assert [row.median for row in report.measurements] == [0.5, 1.0, 0.5, 1.0]


def test_clip_from_file_to_file(settings):
    """In real processes: the command line changes the one it runs in."""
    said = []
    report = run_suites("clip", settings, said.append)
    found = {(row.path, row.figures["length"]): row for row in report.measurements}
    assert set(found) == {("plain", 0.4), ("fast", 0.4), ("fast", 0.8)}
    assert [row.frames for row in found.values()] == [10, 10, 20]
    assert report.trend().lengths == (0.4, 0.8)
    assert any("%" in text for text in said)


def test_a_command_that_fails_says_why(settings, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing")
    with pytest.raises(BenchmarkError, match=r"ended with status 2 \(error: .*broken"):
        run_suites("clip", replace(settings, models=(str(broken),), plain_lengths=()), silent)


def test_gpu_on_a_cpu(here, settings):
    report = run_suites("gpu", settings, silent)
    assert paths(report) == ["plain", *["eager", "compiled"] * 4]
    assert [row.figures["dtype"] for row in report.measurements[1:]] == ["float32"] * 4 + ["bfloat16"] * 4
    assert [row.frames for row in report.measurements[1::2]] == [2, 6, 2, 6]
    exact, rounded = report.measurements[1].figures, report.measurements[5].figures
    assert exact["psnr_db"] > 90 > rounded["psnr_db"] > 20
    assert len(exact["host_seconds"]) == settings.runs == len(report.measurements[1].seconds)
    assert len(report.table().splitlines()) == 2 + 9


def test_a_row_that_fails_takes_no_other_with_it(settings, monkeypatch, here):
    whole = gpu.measure

    def measure(jobs, **named):
        (job,) = jobs.values()
        if job.options.get("batch") == 3:
            raise BenchmarkError("out of memory")
        return whole(jobs, **named)

    monkeypatch.setattr(gpu, "measure", measure)
    report = run_suites("gpu", replace(settings, dtypes=("float32",), compiled=(False,)), silent)
    assert [bool(row.seconds) for row in report.measurements] == [True, True, False]
    assert any("out of memory" in line for line in report.remarks())
    monkeypatch.setattr(gpu, "measure", lambda jobs, **named: (_ for _ in ()).throw(BenchmarkError("no driver")))
    with pytest.raises(BenchmarkError, match="nothing could be measured on cpu: no driver"):
        run_suites("gpu", settings, silent)


def test_plain_frames_are_those_of_animate(tiny_file):
    from float_core import animate, load_model

    model = load_model(tiny_file)
    torch.nn.init.normal_(model.transformer.decoder.linear.weight, std=0.3)
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    audio = AudioClip(torch.randn(16000) * 0.1, 16000)
    plain = torch.cat([chunk.frames for chunk in clip.plain_frames(model, image, audio)])
    fast = torch.cat([chunk.frames for chunk in animate(model, image, audio, emotion="neutral", options=SamplingOptions())])
    assert plain.shape == fast.shape
    assert float((plain - fast).norm() / fast.norm()) < 1e-5


def test_random_weights_are_the_same_each_time_and_never_zero():
    first, again = (material.random_model(TINY, ["autoencoder", "transformer"], torch.device("cpu")) for _ in range(2))
    assert first.has("transformer") and not first.has("audio_encoder") and first.config.audio is None
    for one, other in zip(first.transformer.parameters(), again.transformer.parameters(), strict=True):
        assert torch.equal(one, other) and bool(one.any())
    half = material.random_model(TINY, ["autoencoder"], torch.device("cpu"), torch.bfloat16)
    assert torch.equal(half.basis, first.basis)
    assert half.autoencoder.dec.conv1.conv.weight.dtype is torch.bfloat16


def test_the_released_architecture_needs_no_file(monkeypatch):
    asked = []
    monkeypatch.setattr(material, "random_model", lambda config, parts, *_: asked.append((config, parts)))
    material.open_bench_model("float-512", ["audio_encoder"])
    assert asked == [(FLOAT_512, ["audio_encoder"])]


def test_suites_by_name():
    assert suites_of("cpu") == ("decode", "sampling", "audio", "clip", "load", "first")
    assert suites_of("gpu") == ("gpu",)
    with pytest.raises(OptionError, match="'tea'; expected one of cpu, gpu"):
        suites_of("tea")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("runs", 0, "runs is 0"),
        ("lengths", (0.0,), "lengths are"),
        ("batches", (), "batches are"),
        ("batches", (0,), "batches are"),
        ("dtypes", ("int8",), "int8"),
    ],
)
def test_settings_are_checked(field, value, words):
    with pytest.raises(OptionError, match=words):
        replace(BenchSettings(), **{field: value})


def test_random_weights_have_no_file_to_start_from():
    with pytest.raises(OptionError, match="float-512 has random weights and no file"):
        run_suites("load", replace(BenchSettings(), models=("float-512",)), silent)
