"""A tiny model in a file, settings that take seconds, and suites that run their tasks in this process."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import float_core
from benchmarks import audio, decode, first_frame, gpu, load, sampling
from benchmarks.child import find_task
from benchmarks.child_process import Timings
from benchmarks.settings import BenchSettings
from float_core.audio.compact_encoder import CompactAudioEncoder
from float_core.config import AutoencoderConfig, CompactAudioConfig, ModelConfig, TransformerConfig
from float_core.motion_autoencoder.autoencoder import MotionAutoencoder
from float_core.motion_flow.transformer import FlowMatchingTransformer
from float_core.types import FloatModel, Provenance

TINY = ModelConfig(
    "tiny",
    AutoencoderConfig(size=32, latent_size=12, basis_size=4, channels=(8, 8, 6, 4)),
    TransformerConfig(latent_size=12, audio_size=5, hidden_size=16, depth=1, heads=2, window=10, preceding=3, frequency_size=8),
    CompactAudioConfig(feature_size=5, mel_bands=16, width=8),
)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    """Threads of several tiny networks at once wait for each other more than they work."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory) -> Path:
    torch.manual_seed(3)
    autoencoder = MotionAutoencoder(TINY.autoencoder)
    model = FloatModel(
        TINY,
        Provenance("tiny", "", "own", "Apache-2.0"),
        autoencoder=autoencoder,
        transformer=FlowMatchingTransformer(TINY.transformer),
        audio_encoder=CompactAudioEncoder(TINY.audio),
        basis_tensor=autoencoder.basis().detach(),
    )
    return float_core.save_model(model, tmp_path_factory.mktemp("bench") / "tiny.safetensors", dtype=torch.float32, license="Apache-2.0")


@pytest.fixture
def settings(tiny_file) -> BenchSettings:
    return replace(
        BenchSettings(),
        models=(str(tiny_file),),
        runs=2,
        long_runs=2,
        lengths=(0.4, 0.8),
        plain_lengths=(0.4,),
        audio_lengths=(0.4, 1.0),
        first_length=1.0,
        sampling_frames=(10, 20),
        steps=2,
        batches=(1, 3),
        dtypes=("float32", "bfloat16"),
    )


def measure_here(jobs, *, runs, warmups=1, on_line=None):
    """As `child_process.measure`, without processes: the options go through JSON as they would."""
    result = {}
    for name, job in jobs.items():
        run = find_task(job.task)(**json.loads(json.dumps(dict(job.options))))
        figures = [json.loads(json.dumps(run())) for _ in range(warmups + runs)]
        result[name] = Timings((0.5,) * runs, figures[-1], 1.0, 2**20)
    return result


@pytest.fixture
def here(monkeypatch):
    """Tasks run in this process, half a second each by a clock that does not go."""
    for suite in (audio, decode, first_frame, gpu, load, sampling):
        monkeypatch.setattr(suite, "measure", measure_here)
