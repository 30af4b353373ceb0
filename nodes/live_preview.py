"""The live preview of an edit: what the last run of a LambdaEdit node saw, and one frame of it drawn again.

Holds weak references only: what ComfyUI's cache drops is gone here too. Knows nothing of requests; imports no ComfyUI.
"""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import torch

from ..float_core import MotionEdit, MotionSequence, SourceIdentity, edit_motion, render_frames
from .conversions import frames_to_image
from .lambda_settings import LambdaSettings
from .memory_estimates import frame_memory

if TYPE_CHECKING:
    from .managed_model import ManagedModel

MOST_NODES = 64  # whose last runs are remembered
QUALITY = 90

_identities: dict[int, tuple[weakref.ref[MotionSequence], weakref.ref[SourceIdentity]]] = {}
_runs: OrderedDict[str, LastRun] = OrderedDict()


class NoRunError(Exception):
    """There is nothing to draw from; the message says what to do."""


@dataclass(frozen=True)
class LastRun:
    """What a LambdaEdit node was given: weak references, and the edits that came over a socket."""

    model: weakref.ref[ManagedModel]
    motion: weakref.ref[MotionSequence]
    identity: weakref.ref[SourceIdentity] | None
    edits: tuple[MotionEdit, ...]

    def alive(self) -> bool:
        """Whether ComfyUI still has what the node was given."""
        return self.model() is not None and self.motion() is not None


@dataclass(frozen=True)
class Subject:
    """The same, held while it is used."""

    model: ManagedModel
    motion: MotionSequence
    identity: SourceIdentity | None
    edits: tuple[MotionEdit, ...]


def remember_identity(motion: MotionSequence, identity: SourceIdentity) -> None:
    """Whom a motion was made for. Call it where a motion is sampled for an identity, or retargeted to one."""
    key = id(motion)

    def forget(gone: weakref.ref[MotionSequence]) -> None:
        if key in _identities and _identities[key][0] is gone:  # the number may have been given to a newer motion
            del _identities[key]

    _identities[key] = (weakref.ref(motion, forget), weakref.ref(identity))


def identity_of(motion: MotionSequence) -> SourceIdentity | None:
    """Whom it was made for, if that is known and still in memory."""
    entry = _identities.get(id(motion))
    return entry[1]() if entry is not None and entry[0]() is motion else None


def carry_identity(before: MotionSequence, after: MotionSequence) -> MotionSequence:
    """`after`, of which it is known from now on that it was made for whom `before` was. Call it where a motion is changed."""
    identity = identity_of(before)
    if identity is not None and after is not before:
        remember_identity(after, identity)
    return after


def remember_run(
    node: str, model: ManagedModel, motion: MotionSequence, identity: SourceIdentity | None, edits: tuple[MotionEdit, ...]
) -> None:
    """Keeps in mind what a LambdaEdit node was given; the oldest node is forgotten where there are too many."""
    known = weakref.ref(identity) if identity is not None else None
    _runs[node] = LastRun(weakref.ref(model), weakref.ref(motion), known, edits)
    _runs.move_to_end(node)
    for gone in [name for name, run in _runs.items() if not run.alive()]:
        del _runs[gone]
    while len(_runs) > MOST_NODES:
        _runs.popitem(last=False)


def last_run(node: str) -> Subject:
    """What the node was given in its last run. Raises NoRunError when there was none, or ComfyUI no longer has it."""
    run = _runs.get(node)
    if run is None:
        raise NoRunError("No run yet: press Run once, then this image follows the sliders.")
    model, motion = run.model(), run.motion()
    if model is None or motion is None:
        raise NoRunError("ComfyUI has freed the last run from its memory: press Run again.")
    identity = run.identity() if run.identity is not None else identity_of(motion)
    return Subject(model, motion, identity, run.edits)


@torch.no_grad()
def draw(subject: Subject, values: Mapping[str, Any], seconds: float) -> bytes:
    """The frame at that time (the nearest there is) under the node's widget values, as a JPEG. Raises NoRunError without an identity,
    FloatError where the values are wrong."""
    if subject.identity is None:
        raise NoRunError("It is not known whose motion this is: connect FLOAT Encode Source Identity to the input identity, and run.")
    core = subject.model.core
    settings = LambdaSettings.of(values, core.calibration)
    edited = edit_motion(core, subject.motion, (*settings.edits, *subject.edits), outside_scale=settings.outside_scale)
    index = min(int(seconds * edited.fps + 0.5), edited.latents.shape[1] - 1)
    frame = replace(edited, latents=edited.latents[:1, index : index + 1])
    ready = subject.model.ready("autoencoder", memory=frame_memory(subject.model.autoencoder))
    chunk = next(itertools.islice(render_frames(ready, subject.identity, frame, batch_size=1), 1))
    return _jpeg(chunk.frames)


def _jpeg(frames: torch.Tensor) -> bytes:
    from PIL import Image

    pixels = frames_to_image(frames)[0].mul(255).round().byte().cpu().numpy()
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
