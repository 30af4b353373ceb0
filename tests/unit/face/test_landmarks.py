"""The bundled landmark network."""

from __future__ import annotations

import pytest
import torch

from float_core import read_landmarks
from float_core.errors import CheckpointError, ImageError
from float_core.face.landmark_network import LandmarkConfig, LandmarkNetwork
from float_core.face.landmark_points import LEFT_IRIS, MIRROR, OVAL, POINTS
from float_core.face.landmarks import WEIGHTS, load_landmark_network


def test_the_file_is_small_and_carries_its_sizes():
    assert WEIGHTS.stat().st_size <= 3_000_000
    network = load_landmark_network(WEIGHTS)
    assert all(value.dtype == torch.float32 for value in network.parameters())


def test_a_file_with_something_else_is_refused(tmp_path):
    (tmp_path / "landmarks.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="landmark network"):
        load_landmark_network(tmp_path / "landmarks.safetensors")
    with pytest.raises(CheckpointError, match="landmark network"):
        load_landmark_network(WEIGHTS.with_name("mini.safetensors"))


def test_wrong_shapes_are_refused():
    with pytest.raises(ImageError):
        read_landmarks(torch.zeros(3, 64, 64))
    with pytest.raises(ImageError):
        read_landmarks(torch.zeros(2, 3, 64, 64), torch.zeros(1, 4))


def test_the_mirror_is_its_own_inverse():
    assert [MIRROR[i] for i in MIRROR] == list(range(len(POINTS)))
    assert len(set(POINTS)) == len(POINTS) and set(OVAL) | set(LEFT_IRIS) <= set(POINTS)


def test_another_size_of_network_is_loaded(tmp_path):
    from float_core.training.landmark_phase import save_landmarks

    config = LandmarkConfig(32, (8, 16, 16, 16), 16, 16, (8, 8, 8))
    network = LandmarkNetwork(config)
    path = save_landmarks(network, tmp_path / "small.safetensors", "Apache-2.0")
    assert load_landmark_network(path).config == config
