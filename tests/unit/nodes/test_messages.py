"""What the artist reads: advice with an error, no folders of the server, and the pack's warnings but no others."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from types import ModuleType

import pytest
import torch


@pytest.fixture(scope="module")
def messages(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.messages")


@pytest.fixture
def warn(pack: ModuleType) -> Callable[[], object]:
    """Stereo with one channel upside down, of which the pack warns."""
    conversions = importlib.import_module(f"{pack.__name__}.nodes.conversions")
    left = torch.sin(torch.arange(8000) * 0.1)
    return lambda: conversions.audio_to_clip({"waveform": torch.stack([left, -left])[None], "sample_rate": 16000})


def test_what_the_pack_warns_of_is_told_once_and_other_warnings_go_their_way(messages: ModuleType, warn: Callable[[], object]) -> None:
    told: list[str] = []
    with pytest.warns(UserWarning) as others, messages.told_warnings(told.append):
        for _ in range(2):
            warn()
            assert len(told) == 1
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert "cancel each other" in told[0]
    assert [str(w.message) for w in others] == ["something else"]
    with messages.told_warnings(told.append):
        warn()
    assert told == [told[0]] * 2, "and again in the next run"


def test_what_ends_the_block_does_not_swallow_them(messages: ModuleType, warn: Callable[[], object]) -> None:
    told: list[str] = []
    before = warnings.showwarning
    with pytest.raises(KeyboardInterrupt), messages.told_warnings(told.append):
        warn()
        raise KeyboardInterrupt
    assert len(told) == 1
    assert warnings.showwarning is before


def test_an_error_comes_with_advice_for_comfyui(messages: ModuleType) -> None:
    assert messages.advised(messages.FaceNotFoundError("No face was found.")).startswith("No face was found. Set mode to box")
    assert messages.advised(messages.FaceNotFoundError("no face was found")).startswith("no face was found. Set mode to box")
    assert "README" in messages.advised(messages.CalibrationError("no calibration."))
    assert messages.advised(messages.FloatError("something else")) == "something else"


FOLDERS = {"/srv/comfy": "ComfyUI", "/srv/comfy/models/float": "models/float", "/root": "~", "/": "nowhere", "/srv/comfy/output": "output"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Saved /srv/comfy/output/motion/float_00001_.safetensors", "Saved output/motion/float_00001_.safetensors"),
        ("/srv/comfy/models/float/x.pth has no decoder: look into /srv/comfy.", "models/float/x.pth has no decoder: look into ComfyUI."),
        ("'/root/.cache/x' and /root", "'~/.cache/x' and ~"),
        ("/rootless, /srv/comfy-2/x, a/root/b, 3/4", "/rootless, /srv/comfy-2/x, a/root/b, 3/4"),
    ],
)
def test_where_folders_are_is_not_told(messages: ModuleType, text: str, shown: str) -> None:
    assert messages.without_folders(text, FOLDERS) == shown
