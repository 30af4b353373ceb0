"""How far the landmark network agrees with the meshes of prepared material that it never saw: portraits kept back, and speakers of the
splits valid and test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import OptionError
from ..face.landmark_network import LandmarkNetwork
from ..face.landmark_points import LEFT_LIDS, RIGHT_LIDS, places
from ..face.landmarks import FaceLandmarks, load_landmark_network, read_faces
from ..pixels import from_bytes
from ..progress import ProgressCallback, counted
from ..synthetic.portraits import MeshLayout, load_portrait, open_portraits
from .landmark_samples import is_held_out, mesh_facts
from .preparation import write_json
from .video_clips import load_clip, open_clips

_CLIPS, _FRAMES = 24, 12  # of speakers kept back that are measured at most, and frames of each
_CORNERS = places((LEFT_LIDS[0][0], RIGHT_LIDS[0][-1]))


@dataclass(frozen=True)
class Agreement:
    """faces: how many were compared. error, median_error: mean distance of a face's points over that of its outer eye corners. lip_r,
    lid_r: correlation of the openings over all faces; lip_r_within, lid_r_within: mean correlation within each clip, NaN for portraits.
    yaw, pitch, roll: mean difference in degrees. missed: share taken for no face."""

    faces: int
    error: float
    median_error: float
    lip_r: float
    lid_r: float
    lip_r_within: float
    lid_r_within: float
    yaw: float
    pitch: float
    roll: float
    missed: float


Group = tuple[Tensor, list[np.ndarray], MeshLayout]  # images of one clip or of some portraits, and their meshes


def measure_agreement(
    weights: str | Path, portraits: str | Path, clips: str | Path | None = None, *, on_progress: ProgressCallback | None = None
) -> dict[str, Agreement]:
    """Of the network in a file, for "portraits", and for "clips" if there are any. Raises OptionError if nothing was kept back."""
    network = load_landmark_network(weights)
    layout, names = open_portraits(portraits)
    kept = [name for name in names if is_held_out(name)]
    if not kept:
        raise OptionError(f"none of the {len(names)} portraits in {portraits} is kept back for measuring; expected about one in 24")
    result = {"portraits": _compare(network, _portraits(Path(portraits), kept, layout, on_progress))}
    if clips is not None:
        result["clips"] = _compare(network, _clips(Path(clips), on_progress))
    return result


def save_agreement(agreement: dict[str, Agreement], path: Path) -> None:
    """As JSON."""
    write_json(path, {name: asdict(one) for name, one in agreement.items()})


def _portraits(folder: Path, names: list[str], layout: MeshLayout, on_progress: ProgressCallback | None) -> Iterator[Group]:
    for name in counted(names, "portraits", on_progress):
        portrait = load_portrait(folder, name)
        yield from_bytes(torch.from_numpy(portrait.image)).permute(2, 0, 1)[None], [portrait.points], layout


def _clips(folder: Path, on_progress: ProgressCallback | None) -> Iterator[Group]:
    layout, facts = open_clips(folder)
    kept = [clip for clip in facts if clip.split != "train"]
    if not kept:
        raise OptionError(f"{folder} has only clips of the split train; expected speakers that were kept back")
    for one in counted(kept[:: max(1, len(kept) // _CLIPS)][:_CLIPS], "clips", on_progress):
        clip = load_clip(folder, one)
        seen = np.flatnonzero(clip.seen)
        seen = seen[:: max(1, len(seen) // _FRAMES)]
        assert clip.frames is not None
        yield from_bytes(torch.from_numpy(clip.frames[seen])).permute(0, 3, 1, 2), list(clip.points[seen]), layout


def _compare(network: LandmarkNetwork, groups: Iterator[Group]) -> Agreement:
    errors, ours, theirs, turns, faces, within = [], [], [], [], [], []
    for images, meshes, layout in groups:
        found = read_faces(network, images)
        truth = [mesh_facts(mesh, layout) for mesh in meshes]
        points, pose, openings = (np.stack([facts[i] for facts in truth]) for i in range(3))
        mine = openings_of(found)
        errors.append(point_errors(found.points / (images.shape[-1] / 2) - 1, torch.from_numpy(points)))
        turns.append(np.abs(found.pose.numpy() - pose))
        faces.append(found.is_face.numpy())
        ours.append(mine)
        theirs.append(openings)
        if len(images) > 2:
            within.append([_correlation(mine[:, :1], openings[:, :1]), _correlation(mine[:, 1:], openings[:, 1:])])
    mine, mesh, error = np.concatenate(ours), np.concatenate(theirs), np.concatenate(errors)
    lips_inside, lids_inside = np.mean(within, 0).tolist() if within else (np.nan, np.nan)
    yaw, pitch, roll = np.concatenate(turns).mean(0).tolist()
    return Agreement(
        faces=len(error),
        error=float(error.mean()),
        median_error=float(np.median(error)),
        lip_r=_correlation(mine[:, :1], mesh[:, :1]),
        lid_r=_correlation(mine[:, 1:], mesh[:, 1:]),
        lip_r_within=lips_inside,
        lid_r_within=lids_inside,
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        missed=float((np.concatenate(faces) < 0.5).mean()),
    )


def openings_of(found: FaceLandmarks) -> np.ndarray:
    """(B, 3): lips, left and right lid."""
    return torch.cat([found.lip_opening[:, None], found.lid_opening], 1).numpy()


def point_errors(points: Tensor, truth: Tensor) -> np.ndarray:
    """(B,): mean distance of points (B, N, 2) from the truth, over the distance of the true outer eye corners."""
    eyes = (truth[:, _CORNERS[1]] - truth[:, _CORNERS[0]]).norm(dim=-1)
    return ((points - truth).norm(dim=-1).mean(1) / eyes).numpy()


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
