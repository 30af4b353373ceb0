"""The names of tensors: which part a name belongs to, how files spell it, what may be absent and what may stand beside.

The names in use everywhere else are those of the released checkpoint. Knows names and shapes only, no files and no values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

Shape = tuple[int, ...]

ENCODER = "motion_autoencoder.enc."
DECODER = "motion_autoencoder.dec."
WAV2VEC2 = "audio_encoder.wav2vec2."
PROJECTION = "audio_encoder.audio_projection."
EMOTION_HEAD = "emotion_encoder.wav2vec2_for_emotion."
EMOTION_WAV2VEC2 = EMOTION_HEAD + "wav2vec2."
NETWORKS = {  # FloatModel's part -> the prefix of its module's names
    "autoencoder": "motion_autoencoder.",
    "transformer": "fmt.",
    "audio_encoder": "audio_encoder.",
    "emotion": "emotion_encoder.",
}

# Files of one part have its prefix taken off: (what the file holds, a name that gives it away, the prefix to put back).
SINGLE_PARTS: tuple[tuple[str, re.Pattern[str], str], ...] = tuple(
    (part, re.compile(pattern), prefix)
    for part, pattern, prefix in (
        ("encoder", r"net_app\.convs\.\d+\.", ENCODER),
        ("decoder", r"direction\.weight$|to_flows\.\d+\.", DECODER),
        ("encoder and decoder", r"enc\.net_app\.|dec\.direction\.", NETWORKS["autoencoder"]),
        ("transformer", r"blocks\.\d+\.attn\.qkv\.", NETWORKS["transformer"]),
        ("audio encoder", r"audio_projection\.\d\.", NETWORKS["audio_encoder"]),
        ("speech emotion", r"wav2vec2_for_emotion\.", NETWORKS["emotion"]),
        ("speech emotion", r"classifier\.(dense|out_proj)\.", EMOTION_HEAD),
        ("wav2vec2", r"(wav2vec2\.)?feature_extractor\.", WAV2VEC2),
        ("audio projection", r"[01]\.(weight|bias)$", PROJECTION),
    )
)

# Heads of other tasks that stand beside a wav2vec2 in its folder; nothing here reads them.
FOLDER_EXTRAS = ("lm_head.", "quantizer.", "project_q.", "project_hid.", "projector.")
AUDIO_FOLDER_EXTRAS = (*FOLDER_EXTRAS, "classifier.")

# Used in training only. Some files have it, some do not, and a network has it or not by its configuration.
OPTIONAL = ("masked_spec_embed",)

# The two spellings of a weight norm: torch.nn.utils.weight_norm and torch.nn.utils.parametrizations.weight_norm.
_WEIGHT_NORM = ((".weight_g", ".parametrizations.weight.original0"), (".weight_v", ".parametrizations.weight.original1"))

_NAMED = 5  # names that an error spells out; the rest is counted


def single_part(names: Iterable[str]) -> tuple[str, str] | None:
    """What a file without prefixes holds and the prefix that its names lack, or None if it is not known."""
    names = list(names)
    for part, pattern, prefix in SINGLE_PARTS:
        if any(pattern.match(name) for name in names):
            return part, prefix
    return None


def is_prefixed(names: Iterable[str]) -> bool:
    """Whether any name carries the prefix of a network."""
    return any(name.startswith(tuple(NETWORKS.values())) for name in names)


def respell(name: str, wanted: Collection[str]) -> str:
    """The name as the module spells it: weight norm has two spellings."""
    if name in wanted:
        return name
    for old, new in _WEIGHT_NORM:
        for a, b in ((old, new), (new, old)):
            if name.endswith(a) and name.removesuffix(a) + b in wanted:
                return name.removesuffix(a) + b
    return name


def is_optional(name: str) -> bool:
    """Whether a network runs without this tensor."""
    return name.rsplit(".", 1)[-1] in OPTIONAL


@dataclass(frozen=True)
class Match:
    """How names and shapes of a file fit a module: `pairs` module name -> file name, and what does not fit."""

    pairs: dict[str, str]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]

    def problems(self) -> str:
        """One line per kind of misfit, the first few names and a count of the rest; empty if all is well."""
        kinds = (("missing", self.missing), ("unexpected", self.unexpected), ("of the wrong shape", self.misshapen))
        return "; ".join(f"{len(names)} {kind}: {first_few(names)}" for kind, names in kinds if names)


def match(wanted: Mapping[str, Shape], found: Mapping[str, Shape], constants: Collection[str] = ()) -> Match:
    """Fit the tensors `found` in a file to those `wanted` by a module. Constants follow from the configuration and are not loaded."""
    pairs = {respell(name, wanted): name for name in found if name not in constants}
    missing = [name for name in wanted if name not in pairs and name not in constants and not is_optional(name)]
    unexpected = [name for spelled, name in pairs.items() if spelled not in wanted and not is_optional(spelled)]
    pairs = {spelled: name for spelled, name in pairs.items() if spelled in wanted}
    wrong = [(s, n) for s, n in pairs.items() if tuple(found[n]) != tuple(wanted[s])]
    misshapen = [f"{name} (found {list(found[name])}, expected {list(wanted[spelled])})" for spelled, name in wrong]
    return Match(pairs, tuple(missing), tuple(unexpected), tuple(misshapen))


def first_few(names: Collection[str]) -> str:
    """The first five names; the rest is counted."""
    rest = len(names) - _NAMED
    return ", ".join(list(names)[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
