"""What the page asks the server for: names of directions, whether a live preview can be rendered, and its image.

Knows which request gets which answer; what a request may hold is in live_preview, how both travel in host_bridge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..float_core import FloatError
from ..float_core.calibration import calibration_of
from . import host_bridge, live_preview
from .host_bridge import Answer, Request
from .live_preview import NewestWins, NoRunError, PreviewRequest, SupersededError
from .managed_model import NetworksInUseError
from .messages import advised
from .source_nodes import BUNDLED, model_source
from .widget_values import DIRECTIONS


class BusyError(Exception):
    """The preview cannot be rendered now, but soon; the message says why."""


def register() -> None:
    """Called once, when ComfyUI starts."""
    newest = NewestWins()
    host_bridge.serve("GET", "/float/directions", _directions)
    host_bridge.serve("GET", "/float/live", _state)
    host_bridge.serve("POST", "/float/live", lambda request: _image(request, newest), live_preview.LARGEST_BODY)


async def _directions(request: Request) -> Answer:
    name = request.query.get("model", "")
    if name != BUNDLED and name not in host_bridge.model_files():
        return _error(404, "not_found", f"there is no model {name[:200]!r} in models/float")
    try:
        calibration = calibration_of(model_source(name))
    except FloatError as error:
        return _error(400, "bad_file", str(error))
    count = len(calibration.directions) if calibration is not None else DIRECTIONS
    return _json({"directions": live_preview.describe_directions(calibration, count)})


async def _state(request: Request) -> Answer:
    try:
        subject = live_preview.last_run(live_preview.node_id(request.query.get("node")))
    except NoRunError as error:
        return _json({"ready": False, "message": str(error), "directions": []})
    except FloatError as error:
        return _error(400, "bad_request", str(error))
    core = subject.model.core
    directions = live_preview.describe_directions(core.calibration, core.basis.shape[1])
    return _json(
        {"ready": True, "message": "", "frames": subject.motion.latents.shape[1], "fps": subject.motion.fps, "directions": directions}
    )


async def _image(request: Request, newest: NewestWins) -> Answer:
    try:
        asked = live_preview.parse_preview_request(request.body)
        image = await newest.run(asked.node, lambda: _draw(asked))
    except FloatError as error:
        return _error(400, "bad_request", advised(error))
    except NoRunError as error:
        return _error(404, "no_run", str(error))
    except SupersededError:
        return _error(409, "superseded", "a newer request came in")
    except BusyError as error:
        return _error(503, "busy", str(error))
    return Answer(200, image, f"image/{asked.format}")


def _draw(asked: PreviewRequest) -> bytes:
    """In its turn: meanwhile a run may have begun, or have put another in the place of the node's last one."""
    if host_bridge.is_running():
        raise BusyError("ComfyUI is running: the preview follows again when it is done.")
    subject = live_preview.last_run(asked.node)
    try:
        return live_preview.draw(subject, asked)
    except NetworksInUseError as error:
        raise BusyError("ComfyUI is running: the preview follows again when it is done.") from error
    except RuntimeError as error:
        if host_bridge.is_out_of_memory(error):
            raise BusyError(f"There is not enough memory for the preview now: {error}") from error
        if host_bridge.is_running():  # it has begun meanwhile, and has taken the networks from the device
            raise BusyError("ComfyUI is running: the preview follows again when it is done.") from error
        raise


def _json(content: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode(), "application/json")


def _error(status: int, code: str, message: str) -> Answer:
    return _json({"error": host_bridge.for_the_page(message), "code": code}, status)
