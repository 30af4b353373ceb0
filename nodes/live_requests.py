"""What a request of the page may hold, and which of several is answered. Checks everything; knows no server, no image and no model."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..float_core import Calibration, direction_name
from ..float_core.motion_editing import direction_group
from .lambda_settings import DIRECTIONS

NODE_ID = re.compile(r"[0-9]{1,18}(:[0-9]{1,18}){0,15}")  # inside subgraphs "1:2"
LARGEST_BODY = 2 * 2**20  # bytes
LONGEST_CLIP = 86400.0  # seconds: a time beyond it is a mistake
NO_CALIBRATION = 3.0  # range of a slider where nothing is known, in coefficient units

Result = TypeVar("Result")


class BadRequestError(Exception):
    """The message says what was found and what was expected."""


class SupersededError(Exception):
    """A newer request of the same node came in."""


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
        low, high = (known.low, known.high) if known is not None else (-NO_CALIBRATION, NO_CALIBRATION)
        names = {"name": direction_name(calibration, k), "group": direction_group(calibration, k)}
        found.append({"index": k, **names, "low": low, "high": high, "measured": known is not None, "labels": labels})
    return found


def parse_preview_request(body: bytes | None) -> tuple[str, Mapping[str, Any], float]:
    """Node, widget values and seconds of a body; None = one that was too large. Raises BadRequestError."""
    if body is None:
        raise BadRequestError(f"the body is larger than {LARGEST_BODY} bytes")
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequestError("the body is not JSON; expected an object with node, values and time") from error
    if not isinstance(data, dict):
        raise BadRequestError(f"the body is a JSON {type(data).__name__}; expected an object with node, values and time")
    values, seconds = data.get("values"), data.get("time", 0.0)
    if not isinstance(values, dict):
        raise BadRequestError(f"values is {type(values).__name__}; expected an object of widget values by name")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= LONGEST_CLIP:
        raise BadRequestError(f"time is {str(seconds)[:100]!r}; expected seconds from 0 to {LONGEST_CLIP:g}")
    return node_id(data.get("node")), values, float(seconds)


def node_id(value: object) -> str:
    """A node's id, checked. Raises BadRequestError."""
    if not isinstance(value, str) or not NODE_ID.fullmatch(value):
        raise BadRequestError(f"node is {str(value)[:100]!r}; expected a node's id, such as 9 or 5:9")
    return value
