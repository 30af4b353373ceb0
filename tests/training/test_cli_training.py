"""The researcher's way through the command line: material, both phases, measures, and a video by the model that came out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from float_core import AudioClip, animate, load_model
from float_core.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
NETWORK = {"size": 32, "latent_size": 40, "basis_size": 20, "channels": [16, 16, 12, 8]}
AUTOENCODER = {
    "network": NETWORK,
    "basis_seed": 1,
    "stages": [
        {"size": 16, "steps": 2, "batch": 2, "learning_rate": 1e-3, "teach": 0.5},
        {"size": 32, "steps": 2, "batch": 2, "learning_rate": 1e-3},
    ],
}
MOTION = {
    "transformer": {"latent_size": 40, "audio_size": 8, "hidden_size": 32, "depth": 1, "heads": 2, "window": 20, "preceding": 4},
    "audio": {"feature_size": 8, "mel_bands": 16, "width": 16},
    "phase": {"batch": 2},
    "loop": {"steps": 2, "log_every": 1, "sample_every": 0},
    "name": "tiny",
}
pytestmark = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed: the synthetic voices cannot be spoken"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run of every command."""
    folder = tmp_path_factory.mktemp("run")
    for name, config in (("autoencoder", AUTOENCODER), ("motion", MOTION)):
        (folder / f"{name}.json").write_text(json.dumps(config))
    data, one, two = str(folder / "data"), str(folder / "one"), str(folder / "two")
    commands = [
        ["synthesize", "--out", data, "--heads", "3", "--frames", "2", "--size", "32", "--voices", "4", "--seed", "1"],
        ["train", "autoencoder", "--config", str(folder / "autoencoder.json"), "--data", data, "--out", one, "--device", "cpu"],
        ["train", "motion", "--config", str(folder / "motion.json"), "--data", data, "--out", two, "--device", "cpu",
         "--autoencoder", one + "/autoencoder.safetensors", "--license", "CC0"],
    ]  # fmt: skip
    for command in commands:
        assert main(command) == 0, command
    return folder


def test_the_result_is_a_whole_model(run):
    model = load_model(run / "two" / "model.safetensors")
    assert model.config.name == "tiny" and model.provenance.license == "CC0"
    assert model.has("autoencoder") and model.has("transformer") and model.has("audio_encoder") and not model.has("emotion")
    clip = AudioClip(torch.randn(16000) * 0.1, 16000)
    frames = torch.cat([chunk.frames for chunk in animate(model, torch.zeros(1, 3, 32, 32), clip, emotion="happy")])
    assert frames.shape == (25, 3, 32, 32)


def test_phase_one_leaves_its_basis_to_phase_two(run):
    first, second = load_model(run / "one" / "autoencoder.safetensors"), load_model(run / "two" / "model.safetensors")
    assert torch.equal(first.basis, second.basis)
    assert not first.has("transformer")


def test_evaluate_writes_every_figure(run, capsys):
    out = run / "figures"
    assert main(["evaluate", "--model", str(run / "two" / "model.safetensors"), "--clips", "2", "--out", str(out), "--device", "cpu"]) == 0
    figures = json.loads((out / "evaluation.json").read_text())["synthetic"]
    assert {"portrait psnr (dB)", "mouth correlation", "audio gain", "seam acceleration ratio", "blinks per minute"} <= set(figures)
    assert "mouth correlation" in capsys.readouterr().out


def test_a_plan_tells_what_a_run_takes_and_writes_nothing(run, tmp_path, capsys):
    command = ["train", "autoencoder", "--config", str(run / "autoencoder.json"), "--data", str(run / "data"), "--device", "cpu"]
    assert main([*command, "--out", str(tmp_path / "new"), "--dry-run"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "stage 1, 16 pixels" in first and "step 0 of 2" in first and "hours left" in second
    assert not (tmp_path / "new").exists()
    assert main([*command, "--out", str(run / "one"), "--dry-run"]) == 0
    assert "step 2 of 2" in capsys.readouterr().out


def test_a_plan_of_the_motion_phase(run, tmp_path, capsys):
    autoencoder = str(run / "one" / "autoencoder.safetensors")
    command = ["train", "motion", "--config", str(run / "motion.json"), "--data", str(run / "data"), "--autoencoder", autoencoder]
    assert main([*command, "--out", str(tmp_path / "new"), "--device", "cpu", "--dry-run"]) == 0
    assert "motion: " in (said := capsys.readouterr().out) and "step 0 of 2" in said
    assert not (tmp_path / "new").exists()


def test_motion_is_trained_further(run, tmp_path, capsys):
    config = dict(MOTION, loop=dict(MOTION["loop"], steps=1, learning_rate=1e-9))
    (tmp_path / "more.json").write_text(json.dumps(config))
    model = run / "two" / "model.safetensors"
    command = ["train", "motion", "--data", str(run / "data"), "--device", "cpu", "--autoencoder", str(model), "--from", str(model)]
    assert main([*command, "--config", str(tmp_path / "more.json"), "--out", str(tmp_path / "more")]) == 0
    before, after = load_model(model), load_model(tmp_path / "more" / "model.safetensors")
    for name, weight in before.transformer.state_dict().items():
        assert torch.allclose(weight, after.transformer.state_dict()[name], atol=1e-3), name
    (tmp_path / "other.json").write_text(json.dumps(dict(config, transformer=dict(MOTION["transformer"], depth=2))))
    capsys.readouterr()
    assert main([*command, "--config", str(tmp_path / "other.json"), "--out", str(tmp_path / "other")]) == 2
    assert "the transformer to begin with" in capsys.readouterr().err


def test_two_processes_save_one_model(run, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", "-m", "float_core"]
    command += ["train", "autoencoder", "--config", str(run / "autoencoder.json"), "--data", str(run / "data"), "--out", str(tmp_path)]
    environment = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1")
    done = subprocess.run([*command, "--device", "cpu"], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "autoencoder.safetensors")]
    assert load_model(tmp_path / "autoencoder.safetensors").config.autoencoder.size == 32


def test_a_model_is_trained_further(run, tmp_path):
    config = dict(AUTOENCODER, network=dict(NETWORK, channels=[8, 8, 8, 8]), stages=[dict(AUTOENCODER["stages"][1], learning_rate=1e-9)])
    del config["basis_seed"]
    (tmp_path / "more.json").write_text(json.dumps(config | {"weights": {"pose_code": 0.0}}))
    start = str(run / "one" / "autoencoder.safetensors")
    command = ["train", "autoencoder", "--config", str(tmp_path / "more.json"), "--data", str(run / "data"), "--device", "cpu"]
    assert main([*command, "--out", str(tmp_path / "more"), "--from", start]) == 0
    before, after = load_model(start), load_model(tmp_path / "more" / "autoencoder.safetensors")
    assert after.config.autoencoder == before.config.autoencoder and torch.equal(after.basis, before.basis)
    assert torch.allclose(after.autoencoder.dec.input.input, before.autoencoder.dec.input.input, atol=1e-2)


def test_phases_that_do_not_fit_are_refused(run, tmp_path, capsys):
    config = dict(MOTION, transformer=dict(MOTION["transformer"], latent_size=24))
    (tmp_path / "motion.json").write_text(json.dumps(config))
    command = [
        "train",
        "motion",
        "--config",
        str(tmp_path / "motion.json"),
        "--data",
        str(run / "data"),
        "--out",
        str(tmp_path),
        "--device",
        "cpu",
    ]
    assert main([*command, "--autoencoder", str(run / "one" / "autoencoder.safetensors")]) == 2
    assert "latents of 24" in capsys.readouterr().err
