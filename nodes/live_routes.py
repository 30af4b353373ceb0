"""What the page asks the server for: names of directions, whether a live preview can be drawn, and the image.

Knows which request gets which answer; what a request may hold is in live_requests, how both travel in host_bridge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..float_core import FloatError
from ..float_core.calibration import read_calibration
from ..float_core.checkpoints.calibration_file import calibration_path
from ..float_core.checkpoints.find_parts import BUNDLED as BUNDLED_FILES
from . import host_bridge, live_preview
from .host_bridge import Answer, Request
from .lambda_settings import DIRECTIONS
from .live_preview import NoRunError
from .live_requests import LARGEST_BODY, BadRequestError, NewestWins, SupersededError, describe_directions, node_id, parse_preview_request
from .load_model import BUNDLED


def register() -> None:
    """Called once, when ComfyUI starts."""
    newest = NewestWins()
    host_bridge.serve("GET", "/float/directions", _directions)
    host_bridge.serve("GET", "/float/live", _state)
    host_bridge.serve("POST", "/float/live", lambda request: _image(request, newest), LARGEST_BODY)


async def _directions(request: Request) -> Answer:
    name = request.query.get("model", "")
    if name == BUNDLED:
        file = BUNDLED_FILES["mini"]
    elif name in host_bridge.model_files():
        file = Path(host_bridge.model_path(name))
    else:
        return _error(404, "not_found", f"there is no model {name[:200]!r} in models/float")
    path = calibration_path(file)
    try:
        calibration = read_calibration(path) if path.is_file() else None
    except FloatError as error:
        return _error(400, "bad_file", str(error))
    return _json({"directions": describe_directions(calibration, len(calibration.directions) if calibration else DIRECTIONS)})


async def _state(request: Request) -> Answer:
    try:
        subject = live_preview.last_run(node_id(request.query.get("node")))
    except NoRunError as error:
        return _json({"ready": False, "message": str(error), "directions": []})
    except BadRequestError as error:
        return _error(400, "bad_request", str(error))
    core = subject.model.core
    directions = describe_directions(core.calibration, core.basis.shape[1])
    return _json(
        {"ready": True, "message": "", "frames": subject.motion.latents.shape[1], "fps": subject.motion.fps, "directions": directions}
    )


async def _image(request: Request, newest: NewestWins) -> Answer:
    try:
        node, values, seconds = parse_preview_request(request.body)
        if host_bridge.is_running():
            return _error(503, "busy", "ComfyUI is running: the image follows again when it is done.")
        subject = live_preview.last_run(node)
        image = await newest.run(node, lambda: live_preview.draw(subject, values, seconds))
    except (BadRequestError, FloatError) as error:
        return _error(400, "bad_request", str(error))
    except NoRunError as error:
        return _error(404, "no_run", str(error))
    except SupersededError:
        return _error(409, "superseded", "a newer request came in")
    except RuntimeError as error:  # the networks were moved away under the image, or the memory is full
        return _error(503, "busy", f"the image could not be drawn now: {str(error)[:300]}")
    return Answer(200, image, "image/jpeg")


def _json(content: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(content).encode(), "application/json")


def _error(status: int, code: str, message: str) -> Answer:
    return _json({"error": message, "code": code}, status)
