"""Portraits with a face mesh, as the photo rig takes them: in memory and on disk.

A folder of prepared portraits holds `portraits.json` (the mesh's layout, a list of what is there) and, for each portrait, NAME.jpg (the
crop) and NAME.npz (points, pose, masks). Which detector gave the points does not matter: the layout names those that the rig needs.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..atomic_file import write_beside
from ..errors import ImageError, OptionError

INDEX = "portraits.json"
HELD_OUT_ONE_IN = 24  # people


@dataclass(frozen=True)
class EyeLayout:
    """Point numbers of one eye: lid edges from the image's left corner to its right one, corners included, as many above as below, and
    as many along the fold above the upper lid; iris: its center, then points on its rim; brow: lower and upper edge, from the nose
    outwards."""

    upper: tuple[int, ...]
    lower: tuple[int, ...]
    fold: tuple[int, ...]
    iris: tuple[int, ...]
    brow_lower: tuple[int, ...]
    brow_upper: tuple[int, ...]


@dataclass(frozen=True)
class MeshLayout:
    """What the numbers of a mesh's points mean. `triangles` (T, 3) leave holes at mouth and eyes. Lips go from the image's left corner to
    its right one, corners included, as many above as below; `oval` is the outline, in order around the face; `jaw` the lower part of the
    outline from the image's left to its right, chin in the middle; `rigid` points that no expression moves, with `rigid_shape`, their
    usual places (x right, y down, z to the viewer, unit: from the eyes' middle to the mouth's, origin: between the ears)."""

    triangles: tuple[tuple[int, int, int], ...]
    lip_outer_upper: tuple[int, ...]
    lip_outer_lower: tuple[int, ...]
    lip_inner_upper: tuple[int, ...]
    lip_inner_lower: tuple[int, ...]
    left_eye: EyeLayout  # in the image
    right_eye: EyeLayout
    oval: tuple[int, ...]
    jaw: tuple[int, ...]
    nose: tuple[int, ...]  # bridge, tip and wings: what holds still when the mouth moves
    nose_base: int
    cheeks: tuple[tuple[int, ...], tuple[int, ...]]  # what a smile lifts, left and right in the image
    rigid: tuple[int, ...]
    rigid_shape: tuple[tuple[float, float, float], ...]

    @property
    def eyes(self) -> tuple[EyeLayout, EyeLayout]:
        """Both eyes, the one on the image's left first."""
        return self.left_eye, self.right_eye

    @classmethod
    def from_json(cls, data: dict) -> MeshLayout:
        """The inverse of `dataclasses.asdict`."""
        values = {name: _tuples(value) for name, value in data.items() if not name.endswith("_eye")}
        eyes: dict[str, Any] = {name: EyeLayout(**{k: _tuples(v) for k, v in data[name].items()}) for name in ("left_eye", "right_eye")}
        return cls(**values, **eyes)


@dataclass(frozen=True, eq=False)
class Portrait:
    """`image` (S, S, 3) uint8 RGB; `points` (N, 3): x, y in [-1, 1] over the image, z in the same unit, towards the viewer; `person`
    (P, P) float32, 1 where the person is, 0 background; `identity`: equal for images of the same person."""

    name: str
    image: np.ndarray
    points: np.ndarray
    person: np.ndarray
    identity: str = ""


def reframe(portrait: Portrait, zoom: float, offset: tuple[float, float]) -> Portrait:
    """The portrait cut to a square that is `zoom` times smaller and lies inside of it: `offset` (x, y) from -1 (left, top) to 1."""
    size = len(portrait.image)
    side = min(size, max(1, round(size / zoom)))
    x, y = (round((size - side) * (1 + value) / 2) for value in offset)
    box = (x, y, x + side, y + side)
    image = Image.fromarray(portrait.image).resize((size, size), Image.Resampling.LANCZOS, box=box)
    small = len(portrait.person)
    scale = small / size
    cut = (x * scale, y * scale, (x + side) * scale, (y + side) * scale)
    person = Image.fromarray(portrait.person).resize((small, small), Image.Resampling.BILINEAR, box=cut)
    corner = np.array([x, y]) * 2 / size - 1
    points = portrait.points * (size / side)
    points[:, :2] = (portrait.points[:, :2] - corner) * (size / side) - 1
    return Portrait(portrait.name, np.array(image), points, np.array(person), portrait.identity)


def save_portrait(portrait: Portrait, folder: Path) -> None:
    """Writes NAME.jpg and, last, NAME.npz: a portrait that has the second is whole."""
    stem = folder / portrait.name
    with write_beside(f"{stem}.jpg") as unfinished:
        Image.fromarray(portrait.image).save(unfinished, "JPEG", quality=95, subsampling=0)
    person = np.round(portrait.person * 255).astype(np.uint8)
    with write_beside(f"{stem}.npz") as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(file, points=portrait.points.astype(np.float32), person=person, identity=portrait.identity)


def load_portrait(folder: Path, name: str) -> Portrait:
    """One portrait of a prepared folder. Raises ImageError if its files are damaged."""
    try:
        with Image.open(folder / f"{name}.jpg") as image, np.load(folder / f"{name}.npz", allow_pickle=False) as facts:
            pixels = np.array(image.convert("RGB"))
            return Portrait(name, pixels, facts["points"], facts["person"].astype(np.float32) / 255, str(facts["identity"]))
    except (OSError, ValueError, KeyError) as error:
        raise ImageError(
            f"the prepared portrait {folder / name} cannot be read: {error}. Delete its files and prepare it again."
        ) from error


def read_identity(folder: Path, name: str) -> str:
    """Whom a portrait shows, read without its image."""
    with np.load(folder / f"{name}.npz", allow_pickle=False) as facts:
        return str(facts["identity"])


def held_out(identity: str) -> bool:
    """Whether portraits of this person are never trained on: one person in 24, by a stable hash of the name."""
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4], "big") % HELD_OUT_ONE_IN == 0


def save_index(folder: Path, layout: MeshLayout, people: dict[str, str], size: int) -> None:
    """Writes the list of a prepared folder; `people`: portrait -> identity."""
    data = {"size": size, "portraits": people, "layout": asdict(layout)}
    with write_beside(folder / INDEX) as unfinished:
        unfinished.write_text(json.dumps(data))


def open_portraits(folder: str | Path) -> tuple[MeshLayout, list[str]]:
    """The mesh's layout and the portraits' names of a prepared folder. Raises OptionError if it is none."""
    path = Path(folder) / INDEX
    try:
        data = json.loads(path.read_text())
        layout, names = MeshLayout.from_json(data["layout"]), [str(name) for name in data["portraits"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OptionError(
            f"{folder} holds no prepared portraits ({INDEX}: {error}); expected a folder that `prepare portraits` wrote"
        ) from error
    if not names:
        raise OptionError(f"{folder} is an empty set of portraits; expected at least one")
    return layout, names


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value
