"""Frames of real clips as pairs: different frames of one clip, with masks where mouth and eyes are, and no flows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from float_core.errors import OptionError
from float_core.synthetic import rig as rigs
from float_core.synthetic.face_dataset import FaceDataset
from float_core.training import clip_faces, cut_clips
from float_core.training import prepare_videos as prepare
from float_core.training.clip_faces import different_frames, write_clip_faces
from float_core.training.cut_clips import VideoLimits
from float_core.training.video_clips import load_clip, open_clips
from tests.unit.training.drawn_talker import CodeTracker, talk, write


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Three prepared clips of two seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare, "MediaPipeTracker", CodeTracker)
        patch.setattr(cut_clips, "MediaPipeTracker", CodeTracker)
        patch.setattr(cut_clips, "_tracker", [])
        videos, out = tmp_path_factory.mktemp("videos"), tmp_path_factory.mktemp("clips")
        for number in range(3):
            (videos / f"speaker{number}").mkdir()
            write(videos / f"speaker{number}" / "a.mp4", *talk(2, seed=number))
        prepare.prepare_videos(videos, out, limits=VideoLimits(face_pixels=40))
    return out


def test_frames_that_differ(clips):
    _, facts = open_clips(clips)
    clip = load_clip(clips, facts[0], frames=False)
    chosen = different_frames(clip, 4, torch.Generator().manual_seed(0))
    assert len(set(chosen.tolist())) == 4
    mouth = clip.rig[:, rigs.index("jaw_open")]
    assert np.ptp(mouth[chosen]) > 0.8 * np.ptp(mouth)  # the widest and the most closed are among them


def test_shards_of_clips(clips, tmp_path):
    seen = []
    write_clip_faces(tmp_path, clips, frames=3, size=64, on_progress=lambda *step: seen.append(step))
    data = FaceDataset(tmp_path, "clip", hold_out=0)
    _, facts = open_clips(clips)
    assert data.heads == len(facts) and data.frames == data.sources == 3 and seen
    assert data.held_out.tolist() == [k for k, clip in enumerate(facts) if clip.split != "train"]
    pairs = data.pairs([0], [0], [1], 64)
    assert pairs.flow.weight.sum() == 0
    clip = load_clip(clips, facts[0])
    small = [np.asarray(Image.fromarray(frame).resize((64, 64), Image.Resampling.LANCZOS)) for frame in clip.frames]
    target = ((pairs.target[0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    assert any(np.array_equal(target, frame) for frame in small)
    assert torch.isin(pairs.target_rig, torch.from_numpy(clip.rig).float()).all()
    layout, _ = open_clips(clips)
    points = clip.points[0, [*layout.lip_outer_upper, *layout.lip_outer_lower], :2]
    x, y = ((points.mean(0) + 1) / 2 * clip_faces.MASK_SIZE).astype(int)
    assert pairs.flow.mouth[0, y, x] == 1 and 0.002 < pairs.flow.mouth.mean() < 0.2 and 0.001 < pairs.flow.eyes.mean() < 0.2
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    write_clip_faces(tmp_path, clips, frames=3, size=64)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_clips_that_are_too_short_are_refused(clips, tmp_path):
    with pytest.raises(OptionError, match="no clip of 900 frames"):
        write_clip_faces(tmp_path, clips, frames=900)
