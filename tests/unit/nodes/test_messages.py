"""What the artist reads: advice with an error, no folders of the server, and the compiler's warnings but no others."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def messages(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.messages")


def test_each_is_told_once_and_others_go_their_way(messages: ModuleType) -> None:
    told: list[str] = []
    with pytest.warns(UserWarning) as others, messages.compile_notes(told.append):
        for _ in range(2):
            warnings.warn("no compiler", messages.CompileWarning, stacklevel=1)
        warnings.warn("something else", UserWarning, stacklevel=1)
        assert told == []
    assert told == ["no compiler"]
    assert [str(w.message) for w in others] == ["something else"]


def test_what_ends_the_block_does_not_swallow_them(messages: ModuleType) -> None:
    told: list[str] = []
    with pytest.raises(KeyboardInterrupt), messages.compile_notes(told.append):
        warnings.warn("no compiler", messages.CompileWarning, stacklevel=1)
        raise KeyboardInterrupt
    assert told == ["no compiler"]


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
