"""Measures that need weights: their mathematics by hand-made features, their adapters by packages that stand in for the real ones."""

from __future__ import annotations

import math
import sys
from types import MappingProxyType, ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from float_core.errors import CheckpointError, OptionError
from float_core.evaluation.csim import IdentitySimilarity, facenet_descriptor
from float_core.evaluation.fid import FrameDistance, inception_features
from float_core.evaluation.fvd import VideoDistance, i3d_features
from float_core.evaluation.lip_sync_error import LipSyncError, sync_error, syncnet_features

CPU = torch.device("cpu")
VOICE = np.zeros(16000, np.float32)


def frames(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 200, (count, 8, 8, 3), np.uint8)


def colors(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(float).mean((-3, -2))


@pytest.fixture
def package(monkeypatch):
    """Puts a module of these names in the place of a package."""

    def put(name: str, **content: object) -> None:
        parts = name.split(".")
        for n in range(1, len(parts) + 1):
            monkeypatch.setitem(sys.modules, ".".join(parts[:n]), ModuleType(".".join(parts[:n])))
        for key, value in content.items():
            monkeypatch.setattr(sys.modules[name], key, value, raising=False)

    return put


def test_a_distance_of_frames_is_over_all_clips():
    same, brighter = FrameDistance("FID", colors), FrameDistance("E-FID", colors)
    for seed in range(3):
        same.add(frames(20, seed), frames(20, seed), VOICE)
        brighter.add(frames(20, seed) + np.uint8(2), frames(20, seed), VOICE)
    assert same.result()["FID"] == pytest.approx(0, abs=1e-6) and brighter.result() == {"E-FID": pytest.approx(3 * 2**2)}


def test_fvd_looks_at_sixteen_frames_at_once():
    shapes = []

    def features(videos):
        shapes.append(videos.shape)
        return videos.astype(float).mean((1, 2, 3))

    fvd = VideoDistance(features)
    assert math.isnan(fvd.result()["FVD"])
    fvd.add(frames(15), frames(15), VOICE)
    assert math.isnan(fvd.result()["FVD"])
    fvd.add(frames(50) + np.uint8(1), frames(50), VOICE)
    assert fvd.result()["FVD"] == pytest.approx(3) and shapes == [(3, 16, 8, 8, 3)] * 2


def test_csim_compares_with_the_first_true_frame():
    true = frames(9)
    right, dark = IdentitySimilarity(colors), IdentitySimilarity(lambda pixels: colors(pixels) * ([1, 0, 0] if pixels.max() < 9 else 1))
    right.add(np.repeat(true[:1], 9, 0), true, VOICE)
    assert right.result()["CSIM"] == pytest.approx(1)
    dark.add(np.full_like(true, 5), true, VOICE)
    red = colors(true[:1])[0]
    assert dark.result()["CSIM"] == pytest.approx(red[0] / np.linalg.norm(red))


def test_lse_is_the_least_mean_distance_and_how_far_below_the_median_it_is():
    sound = np.random.default_rng(1).standard_normal((80, 6))
    distance, certainty = sync_error(np.roll(sound, 3, 0)[20:60], sound[20:60])
    assert distance < 0.3 and certainty > 2  # where the sound before the clip is missing it counts as 0
    assert sync_error(sound[:40], sound[:40])[0] == 0
    distance, certainty = sync_error(np.random.default_rng(2).standard_normal((40, 6)), sound[:40])
    assert distance > 2 and certainty < 1
    measure = LipSyncError(lambda made, _voice: (made[5:], made[5:]))
    measure.add(np.zeros((4, 6)), np.zeros(0), VOICE)
    assert all(math.isnan(value) for value in measure.result().values())
    measure.add(sound, sound, VOICE)
    assert measure.result()["LSE-D"] == 0 and measure.result()["LSE-C"] > 2


@pytest.mark.parametrize(
    ("load", "install"),
    [
        (inception_features, "pytorch-fid"),
        (i3d_features, "cd-fvd"),
        (facenet_descriptor, "facenet-pytorch"),
        (lambda device: syncnet_features("none", device), "syncnet-python"),
    ],
    ids=["fid", "fvd", "csim", "lse"],
)
def test_a_missing_package_is_told_with_its_name(monkeypatch, load, install):
    for name in ("pytorch_fid", "cdfvd", "facenet_pytorch", "syncnet_python"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(OptionError, match=f"pip install {install}"):
        load(CPU)


def test_inception_gets_pixels_from_0_to_1(package):
    class InceptionV3(nn.Module):
        BLOCK_INDEX_BY_DIM = MappingProxyType({2048: 3})

        def __init__(self, blocks):
            super().__init__()
            assert blocks == [3]

        def forward(self, pixels):
            assert pixels.shape[1:] == (3, 8, 8) and 0.5 < pixels.max() <= 1 and pixels.min() >= 0
            return [pixels.mean((2, 3), keepdim=True)]

    package("pytorch_fid.inception", InceptionV3=InceptionV3)
    assert np.allclose(inception_features(CPU)(frames(40)), colors(frames(40)) / 255, atol=1e-6)


def test_i3d_gets_videos_as_its_package_prepares_them(package):
    def preprocess(videos):
        assert videos.dtype == np.uint8
        return torch.from_numpy(videos).float().permute(0, 4, 1, 2, 3)

    package("cdfvd.third_party.i3d.utils", load_i3d_model=lambda device: lambda part: part.mean((2, 3, 4)), preprocess_i3d=preprocess)
    videos = frames(96).reshape(6, 16, 8, 8, 3)
    assert np.allclose(i3d_features(CPU)(videos), videos.astype(float).mean((1, 2, 3)), atol=1e-3)


def test_facenet_gets_its_size_and_range(package):
    class InceptionResnetV1(nn.Module):
        def __init__(self, pretrained):
            super().__init__()
            assert pretrained == "vggface2"

        def forward(self, faces):
            assert faces.shape[1:] == (3, 160, 160) and -1 <= faces.min() < -0.5
            return faces.mean((2, 3))

    package("facenet_pytorch", InceptionResnetV1=InceptionResnetV1)
    assert np.allclose(facenet_descriptor(CPU)(frames(3)), (colors(frames(3)) - 127.5) / 128, atol=0.05)


def test_syncnet_sees_five_frames_and_their_sound(package, tmp_path):
    class S(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.layer = nn.Linear(1, size)

        def forward_lip(self, mouths):
            assert mouths.shape[1:] == (3, 5, 224, 224)
            return mouths[:, 2].mean((1, 2, 3))[:, None].expand(-1, 1024)  # red is their last channel

        def forward_aud(self, sounds):
            assert sounds.shape[1:] == (1, 13, 20)
            return sounds[:, 0, 0, :1].expand(-1, 1024)

    def mfcc(samples, rate):
        assert samples.dtype == np.int16 and rate == 16000
        return np.repeat(np.arange(len(samples) // 160 - 1)[:, None], 13, 1)

    package("syncnet_python.SyncNetModel", S=S)
    package("python_speech_features", mfcc=mfcc)
    torch.save(S(1024).state_dict(), tmp_path / "syncnet.model")
    made = np.zeros((25, 8, 8, 3), np.uint8)
    made[..., 0] = np.arange(25)[:, None, None]
    mouth, sound = syncnet_features(tmp_path / "syncnet.model", CPU)(made, VOICE)
    assert mouth.shape == sound.shape == (20, 1024)
    assert np.allclose(mouth[:, 0], np.arange(20) + 2, atol=1e-3) and sound[:, 0].tolist() == list(range(0, 80, 4))
    assert len(syncnet_features(tmp_path / "syncnet.model", CPU)(made[:3], VOICE)[0]) == 0
    torch.save({"other": torch.zeros(1)}, tmp_path / "other.model")
    with pytest.raises(CheckpointError, match=r"syncnet_v2\.model"):
        syncnet_features(tmp_path / "other.model", CPU)
