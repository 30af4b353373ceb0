"""A folder of photographs becomes portraits that the photo rig moves: one face each, cropped, with mesh, pose and masks.

Restartable: what is done is kept, rejects are remembered with their reasons. Several processes share the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..errors import FloatError, OptionError
from ..face.crop import MARGIN, Square, cut_square, square_inside
from ..face.pixels import resize_square, rgb_pixels
from ..media.read_image import read_image
from ..pixels import from_bytes
from ..progress import ProgressCallback
from ..synthetic import rig as rigs
from ..synthetic.eyewear import Eyewear
from ..synthetic.photo_controls import eye_opening, fit_pose, measure_controls
from ..synthetic.portraits import MeshLayout, Portrait, load_portrait, read_identity, save_index, save_portrait
from .contact_sheet import write_sheet
from .mediapipe_landmarks import FoundFaces, Landmarker, MediaPipeLandmarker
from .preparation import Rejected, counted_reasons, file_name, read_json, work_through, write_json

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_PERSON_SIZE = 256
_SECOND_FACE = 0.4  # a second face this tall beside the first one is a second person, a smaller one the background's
_SHOWN = 48  # portraits on the sheet, eight in a row
_REJECTS, _REPORT = "rejects.json", "report.json"


@dataclass(frozen=True)
class PortraitLimits:
    """What is kept: the face's height in pixels, its turn in degrees, the openness of each eye (height over width)."""

    face_pixels: int = 120
    yaw: float = 28.0
    pitch: float = 22.0
    roll: float = 25.0
    eye_opening: float = 0.17


@dataclass(frozen=True)
class PreparedPortraits:
    """`kept` portraits in the folder; `rejected`: reason -> how many; `people`: how many identities are known apart."""

    folder: Path
    kept: int
    rejected: dict[str, int]
    people: int


def prepare_portraits(
    source: str | Path,
    out: str | Path,
    *,
    size: int = 512,
    limits: PortraitLimits = PortraitLimits(),
    workers: int = 1,
    on_progress: ProgressCallback | None = None,
) -> PreparedPortraits:
    """Prepares every image under `source` into `out`, at `size` pixels. Folders inside `source` are taken for people.

    Raises OptionError if there are no images, or if no landmark detector is installed."""
    source, out = Path(source), Path(out)
    paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise OptionError(f"{source} holds no images; expected files ending in {', '.join(SUFFIXES)}")
    out.mkdir(parents=True, exist_ok=True)
    layout = MediaPipeLandmarker().layout  # fails here, once, if it is not installed
    rejects: dict[str, str] = read_json(out / _REJECTS) or {}
    names = {path: file_name(path, source) for path in paths}
    todo = [path for path, name in names.items() if name not in rejects and not (out / f"{name}.npz").exists()]
    done = len(paths) - len(todo)
    work = [(path, names[path], path.parent.relative_to(source).as_posix(), out, size, limits) for path in todo]
    for path, reason in work_through(_work, work, workers, lambda item: (item[0], "broken file: it ends the process that reads it")):
        done += 1
        if reason:
            rejects[names[path]] = reason
            write_json(out / _REJECTS, rejects)
        if on_progress is not None:
            on_progress("portraits", done, len(paths))
    return _finish(out, layout, rejects, size)


def prepare_one(
    pixels: np.ndarray, found: FoundFaces, layout: MeshLayout, size: int, limits: PortraitLimits
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Crop (size, size, 3), points (N, 3) and person's mask of one photograph. Raises Rejected."""
    mesh = _only_face(found, layout, limits)
    square = _square(mesh, layout, pixels.shape[0], pixels.shape[1])
    half, corner = (square[2] - square[0]) / 2, np.array([square[0], square[1], 0.0])
    points = (mesh - corner) / half - np.array([1.0, 1.0, 0.0])
    _check_pose(points, layout, limits)
    crop = resize_square(cut_square(pixels, square), size).byte().permute(1, 2, 0).numpy()
    if Eyewear.of(crop, points, fit_pose(points, layout), layout).hides_eyes:
        raise Rejected("eyes behind dark glasses")
    person = np.repeat((found.person * 255).clip(0, 255).astype(np.uint8)[..., None], 3, 2)
    mask = resize_square(cut_square(person, square), _PERSON_SIZE)[0] / 255
    return crop, points, mask.numpy()


def _only_face(found: FoundFaces, layout: MeshLayout, limits: PortraitLimits) -> np.ndarray:
    if not found.meshes:
        raise Rejected("no face")
    mesh, *others = found.meshes
    height = float(np.ptp(mesh[list(layout.oval), 1]))
    if any(np.ptp(other[list(layout.oval), 1]) > _SECOND_FACE * height for other in others):
        raise Rejected("several faces")
    if height < limits.face_pixels:
        raise Rejected("face too small")
    low, high = mesh[list(layout.oval), :2].min(0), mesh[list(layout.oval), :2].max(0)
    if len(found.hands) and ((found.hands > low) & (found.hands < high)).all(1).any():
        raise Rejected("a hand before the face")
    return mesh


def _check_pose(points: np.ndarray, layout: MeshLayout, limits: PortraitLimits) -> None:
    controls = dict(zip(rigs.RIG_NAMES, measure_controls(points, layout).tolist(), strict=True))
    for name in ("yaw", "pitch", "roll"):
        if abs(controls[name]) > getattr(limits, name):
            raise Rejected("turned too far")
    head = fit_pose(points, layout).to_head(points)
    if min(eye_opening(head, eye) for eye in layout.eyes) < limits.eye_opening:
        raise Rejected("eyes closed")


def _square(mesh: np.ndarray, layout: MeshLayout, height: int, width: int) -> Square:
    """The square around the face's box, as `face.crop` has it; moved into the image, or up to a quarter smaller, if it reaches out."""
    low, high = mesh[list(layout.oval), :2].min(0), mesh[list(layout.oval), :2].max(0)
    side = int(MARGIN * (high - low).max())
    if min(height, width) < 0.75 * side:
        raise Rejected("face fills the image")
    return square_inside(((low + high) / 2).tolist(), side, height, width)


_detector: list[Landmarker] = []  # one a process


def _work(item: tuple[Path, str, str, Path, int, PortraitLimits]) -> tuple[Path, str]:
    path, name, group, out, size, limits = item
    if not _detector:
        _detector.append(MediaPipeLandmarker())
    landmarker = _detector[0]
    try:
        pixels = rgb_pixels(read_image(path))
        crop, points, person = prepare_one(pixels, landmarker.find(pixels), landmarker.layout, size, limits)
    except Rejected as reason:
        return path, str(reason)
    except FloatError as error:
        return path, f"broken file: {error}"
    save_portrait(Portrait(name, crop, points, person, group if group != "." else name), out)
    return path, ""


def spread(names: Sequence[str], most: int) -> list[str]:
    """At most so many of the names, evenly spread over all of them."""
    count = min(most, len(names))
    return [names[i * len(names) // count] for i in range(count)]


def _finish(out: Path, layout: MeshLayout, rejects: dict[str, str], size: int) -> PreparedPortraits:
    names = sorted(path.stem for path in out.glob("*.npz"))
    if not names:
        raise OptionError(f"no portrait could be used: {counted_reasons(rejects.values())}; see {out / _REJECTS}")
    people = {name: read_identity(out, name) for name in names}
    save_index(out, layout, people, size)
    portraits = [load_portrait(out, name) for name in spread(names, _SHOWN)]
    tiles = torch.stack([resize_square(torch.from_numpy(p.image).permute(2, 0, 1).float(), 128) for p in portraits])
    blank = torch.zeros(-len(tiles) % 8, 3, 128, 128)
    write_sheet(out / "sheet.jpg", list(from_bytes(torch.cat([tiles, blank])).split(8)))
    counts = counted_reasons(rejects.values())
    write_json(out / _REPORT, {"kept": len(names), "people": len(set(people.values())), "rejected": counts})
    return PreparedPortraits(out, len(names), counts, len(set(people.values())))
