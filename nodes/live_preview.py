"""The live preview of an edit: what the last run of a LambdaEdit node saw, what the page may ask, and one frame of it rendered again.

Holds weak references only: what ComfyUI's cache drops is gone here too. The server's threads and ComfyUI's both come here, so what is
remembered is locked. Knows no server; imports no ComfyUI.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from reprlib import repr as short  # what the page sends may be anything, of any length
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from PIL import Image

from ..float_core import (
    Calibration,
    MotionEdit,
    MotionSequence,
    OptionError,
    SourceIdentity,
    direction_name,
    edit_motion,
    frame_memory,
    render_frames,
)
from ..float_core.argument_checks import check_number
from ..float_core.motion_editing import direction_group
from ..float_core.pixels import to_rows
from .widget_values import DIRECTIONS, LambdaSettings

if TYPE_CHECKING:
    from .managed_model import ManagedModel

MOST_NODES = 64  # whose last runs are remembered
NODE_ID = re.compile(r"[0-9]{1,18}(:[0-9]{1,18}){0,15}")  # inside subgraphs "1:2"
LARGEST_BODY = 2 * 2**20  # bytes
LONGEST = 86400.0  # seconds: a time beyond it is a mistake
UNKNOWN_RANGE = 3.0  # of a slider where nothing was measured, in coefficient units
FORMATS: dict[str, dict[str, Any]] = {"jpeg": {"quality": 90}, "png": {"compress_level": 1}}  # how PIL writes them

Result = TypeVar("Result")

_lock = threading.Lock()
_identities: weakref.WeakSet[SourceIdentity] = weakref.WeakSet()
_runs: OrderedDict[str, LastRun] = OrderedDict()


class NoRunError(Exception):
    """There is nothing to render from; the message says what to do."""


class SupersededError(Exception):
    """A newer request of the same node came in."""


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


def remember_identity(identity: SourceIdentity) -> None:
    """Call it where an identity is made: motions that were made for it will find it, whatever becomes of them."""
    with _lock:
        _identities.add(identity)


def identity_of(motion: MotionSequence) -> SourceIdentity | None:
    """Whom a motion was made for, if that is known and still in memory: the identity with the motion's source w_{r->S}, which edits,
    cuts and files keep and a retarget replaces."""
    if motion.source is None:
        return None
    with _lock:
        known = list(_identities)
    return next((identity for identity in known if torch.equal(identity.motion, motion.source.to(identity.motion))), None)


def remember_run(
    node: str, model: ManagedModel, motion: MotionSequence, identity: SourceIdentity | None, edits: tuple[MotionEdit, ...]
) -> None:
    """Keeps in mind what a LambdaEdit node was given; the oldest node is forgotten where there are too many."""
    known = weakref.ref(identity) if identity is not None else None
    with _lock:
        _runs[node] = LastRun(weakref.ref(model), weakref.ref(motion), known, edits)
        _runs.move_to_end(node)
        for gone in [name for name, run in _runs.items() if not run.alive()]:
            del _runs[gone]
        while len(_runs) > MOST_NODES:
            _runs.popitem(last=False)


def last_run(node: str) -> Subject:
    """What the node was given in its last run. Raises NoRunError when there was none, or ComfyUI no longer has it."""
    with _lock:
        run = _runs.get(node)
    if run is None:
        raise NoRunError("No run yet: press Run once, then the preview follows the sliders.")
    model, motion = run.model(), run.motion()
    if model is None or motion is None:
        raise NoRunError("ComfyUI has freed the last run from its memory: press Run again.")
    identity = run.identity() if run.identity is not None else identity_of(motion)
    return Subject(model, motion, identity, run.edits)


@dataclass(frozen=True)
class PreviewRequest:
    """Which frame the page asks for: the node, its widget values, the time in seconds, and "jpeg" or "png"."""

    node: str
    values: Mapping[str, Any]
    seconds: float = 0.0
    format: str = "jpeg"


@torch.no_grad()
def draw(subject: Subject, asked: PreviewRequest) -> bytes:
    """The frame at that time (the nearest there is) under the node's widget values, in that format. Raises NoRunError without an
    identity, FloatError where the values are wrong, and what ManagedModel.computing does."""
    if subject.identity is None:
        raise NoRunError("It is not known whose motion this is: connect FLOAT Encode Source Identity to the input identity, and run.")
    core = subject.model.core
    settings = LambdaSettings.of(asked.values, core.calibration)
    edited = edit_motion(core, subject.motion, (*settings.edits, *subject.edits), outside_scale=settings.outside_scale)
    index = min(int(asked.seconds * edited.fps + 0.5), edited.latents.shape[1] - 1)
    frame = replace(edited, latents=edited.latents[:1, index : index + 1])
    with subject.model.computing("autoencoder", memory=frame_memory(core), work="rendering the preview", wait=False) as ready:
        (chunk,) = render_frames(ready, subject.identity, frame, batch_size=1)
    return _encoded(chunk.frames[0], asked.format)


def _encoded(frame: torch.Tensor, kind: str) -> bytes:
    file = BytesIO()
    Image.fromarray(to_rows(frame)).save(file, kind, **FORMATS[kind])
    return file.getvalue()


class NewestWins:
    """Runs one piece of work at a time, off the event loop; of those that wait for one key, only the newest runs."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._tickets = itertools.count()
        self._newest: dict[str, int] = {}

    async def run(self, key: str, work: Callable[[], Result]) -> Result:
        """The result of `work`. Raises SupersededError when a newer call for the key came while this one waited."""
        ticket = next(self._tickets)
        self._newest[key] = ticket
        try:
            async with self._turn:
                if self._newest.get(key) != ticket:
                    raise SupersededError
                return await asyncio.to_thread(work)
        finally:
            if self._newest.get(key) == ticket:
                del self._newest[key]


def describe_directions(calibration: Calibration | None, count: int = DIRECTIONS) -> list[dict[str, Any]]:
    """Name, group, range and labels of every direction; the range is the natural one where that was `measured`."""
    found = []
    for k in range(count):
        known = calibration.directions[k] if calibration is not None else None
        labels = [{"name": label.name, "group": label.group, "strength": label.strength} for label in known.labels] if known else []
        low, high = (known.low, known.high) if known is not None else (-UNKNOWN_RANGE, UNKNOWN_RANGE)
        names = {"name": direction_name(calibration, k), "group": direction_group(calibration, k)}
        found.append({"index": k, **names, "low": low, "high": high, "measured": known is not None, "labels": labels})
    return found


def parse_preview_request(body: bytes | None) -> PreviewRequest:
    """What a body asks for; None = one that was too large. Raises OptionError."""
    if body is None:
        raise OptionError(f"the body is larger than {LARGEST_BODY} bytes")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise OptionError("the body is not JSON; expected an object with node, values and time") from error
    if not isinstance(data, dict):
        raise OptionError(f"the body is a JSON {type(data).__name__}; expected an object with node, values and time")
    values, seconds, kind = data.get("values"), data.get("time", 0.0), data.get("format", "jpeg")
    if not isinstance(values, dict):
        raise OptionError(f"values is {type(values).__name__}; expected an object of widget values by name")
    if not isinstance(kind, str) or kind not in FORMATS:
        raise OptionError(f"format is {short(kind)}; expected {' or '.join(FORMATS)}")
    return PreviewRequest(node_id(data.get("node")), values, check_number("time", seconds, low=0, high=LONGEST), kind)


def node_id(value: object) -> str:
    """A node's id, checked. Raises OptionError."""
    if not isinstance(value, str) or not NODE_ID.fullmatch(value):
        raise OptionError(f"node is {short(value)}; expected a node's id, such as 9 or 5:9")
    return value
