"""The sampler's widget values as options."""

from __future__ import annotations

import importlib

import pytest

VALUES = {"steps": 8, "solver": "rk4", "audio_guidance": 3.0, "emotion_guidance": 0.5, "seed": 9, "noise_policy": "same_each_window"}


@pytest.fixture(scope="module")
def settings(pack):
    return importlib.import_module(f"{pack.__name__}.nodes.sampling_settings")


@pytest.fixture(scope="module")
def options(pack):
    return importlib.import_module(f"{pack.__name__}.float_core").SamplingOptions


def test_a_prompt_from_before_there_was_a_quality(settings, options):
    assert settings.sampling_options(**VALUES) == settings.sampling_options("as set above", **VALUES) == options(**VALUES)


def test_a_quality_decides_how_and_the_widgets_what(settings, options):
    assert settings.QUALITY_CHOICES == ("as set above", "fast", "balanced", "best")
    for quality in settings.QUALITY_CHOICES[1:]:
        expected = options.of_quality(quality, seed=9, audio_guidance=3.0, emotion_guidance=0.5, noise_policy="same_each_window")
        assert settings.sampling_options(quality, **VALUES) == expected
        assert settings.sampling_options(quality) == options.of_quality(quality)


def test_what_is_no_quality(settings, pack):
    errors = importlib.import_module(f"{pack.__name__}.float_core")
    with pytest.raises(errors.OptionError, match="quality is 'good'; expected one of fast, balanced, best"):
        settings.sampling_options("good", **VALUES)
    with pytest.raises(errors.OptionError, match="multiple of 4"):
        settings.sampling_options("as set above", **{**VALUES, "steps": 10})
