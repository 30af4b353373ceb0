"""Frames at a constant rate from videos of every kind, and their audio on the same clock."""

from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from float_core.errors import AudioError, VideoError
from float_core.media.read_audio import read_audio
from float_core.media.read_video import first_frame_time, has_audio, read_frames
from tests.second_opinion import ffmpeg

SIZE = 64
MS = Fraction(1, 1000)


def level(number: int) -> int:
    return 16 + 9 * number  # of gray; H.264 keeps it within 2


def write_frames(path, times, images=None, *, settings=lambda stream: None, container=None, rate=25):
    """One frame at each of `times` (milliseconds), gray by its number if no images (H, W, 3) are given."""
    with av.open(str(path), "w", format=container) as file:
        images = [np.full((SIZE, SIZE, 3), level(n), np.uint8) for n in range(len(times))] if images is None else images
        stream = file.add_stream("libx264", rate=rate, options={"crf": "1"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt, stream.time_base = "yuv420p", MS
        stream.codec_context.time_base = MS
        settings(stream)
        for time, pixels in zip(times, images, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time, MS
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def numbers(path, fps=25):
    """Which of the frames that `write_frames` made are shown."""
    return [round((float(frame.mean()) - 16) / 9) for frame in read_frames(path, fps)]


def test_a_constant_rate_stays_as_it_is(tmp_path):
    assert numbers(write_frames(tmp_path / "a.mp4", range(0, 400, 40))) == list(range(10))


def test_a_faster_rate_loses_frames_and_a_slower_one_repeats_them(tmp_path):
    fast, slow = (write_frames(tmp_path / f"{step}.mkv", range(0, 400, step), rate=Fraction(1000, step)) for step in (20, 80))
    assert numbers(fast) == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert numbers(slow) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_frames_of_a_variable_rate_last_as_long_as_their_time_stamps_say(tmp_path):
    path = write_frames(tmp_path / "a.mkv", [0, 40, 55, 70, 120, 400, 440])
    assert numbers(path) == [0, 2, 3, 4, 4, 4, 4, 4, 4, 4, 5, 6]


def test_what_does_not_begin_at_zero_begins_with_its_first_frame(tmp_path):
    path = write_frames(tmp_path / "a.mkv", [1000, 1040, 1080])
    assert numbers(path) == [0, 1, 2] and first_frame_time(path) == pytest.approx(1.0)


@pytest.mark.parametrize(("turn", "quarters"), [(90, 1), (-90, -1), (180, 2)])
def test_the_rotation_that_the_file_names_is_applied(tmp_path, turn, quarters):
    image = np.zeros((48, 96, 3), np.uint8)
    image[:16, :32] = 250  # a bright corner: left, above
    path = write_frames(tmp_path / "a.mp4", [0, 40], [image] * 2, settings=lambda stream: stream.set_display_rotation(turn))
    frame = next(read_frames(path))
    assert np.abs(frame.astype(int) - np.rot90(image, quarters)).mean() < 4


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    assert next(read_frames(write_frames(tmp_path / "a.mkv", [0, 40], settings=wide))).shape == (SIZE, round(SIZE * 4 / 3), 3)


@pytest.mark.parametrize(("height", "matrix"), [(480, "bt601"), (720, "bt709")])
def test_colors_that_the_file_does_not_name_are_the_usual_ones_of_its_size(tmp_path, height, matrix):
    Image.new("RGB", (96, height), (200, 40, 60)).save(tmp_path / "a.png")
    path = tmp_path / "a.mkv"
    convert = f"scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p,setparams=colorspace=unknown"
    ffmpeg("-i", tmp_path / "a.png", "-vf", convert, "-c:v", "libx264", "-crf", "1", path)
    assert np.abs(next(read_frames(path))[height // 2, 48].astype(int) - (200, 40, 60)).max() < 6


def test_a_cut_file_ends_where_it_was_cut(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (30, SIZE, SIZE, 3), dtype=np.uint8)
    path = write_frames(tmp_path / "a.ts", range(0, 1200, 40), list(noise), container="mpegts")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 5 <= len(list(read_frames(path))) < 25


def test_a_folder_of_images_is_a_video(tmp_path):
    for n in (2, 10, 1):
        Image.fromarray(np.full((8, 8, 3), n, np.uint8)).save(tmp_path / f"{n:04}.png")
    assert [int(frame[0, 0, 0]) for frame in read_frames(tmp_path)] == [1, 2, 10] and first_frame_time(tmp_path) == 0
    Image.fromarray(np.zeros((9, 8, 3), np.uint8)).save(tmp_path / "9999.png")
    with pytest.raises(VideoError, match="9999"):
        list(read_frames(tmp_path))


def test_what_is_no_video_is_told(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"not a video")
    (tmp_path / "empty").mkdir()
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.1", tmp_path / "audio.wav")
    for name, said in {
        "none.mp4": "no video file",
        "broken.mp4": "cannot be read",
        "audio.wav": "no video track",
        "empty": "no frames",
    }.items():
        with pytest.raises(VideoError, match=said):
            next(read_frames(tmp_path / name))


def write_audio(path, pieces, rate=16000):
    """Pieces (start in milliseconds, samples) as uncompressed audio with these time stamps."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_f32le", rate=rate, layout="mono")
        for start, samples in pieces:
            frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start * rate // 1000, Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def ones(seconds):
    return np.ones(round(16000 * seconds))


def test_audio_stands_where_its_time_stamps_say(tmp_path):
    path = write_audio(tmp_path / "a.mkv", [(100, ones(0.2)), (300, 0.5 * ones(0.1)), (600, 0.25 * ones(0.1))])
    heard = read_audio(path, start=0.0).waveform
    assert len(heard) == 16000 * 0.7
    assert [float(heard[int(16000 * t)]) for t in (0.05, 0.2, 0.35, 0.5, 0.65)] == [0, 1, 0.5, 0, 0.25]
    later = read_audio(path, start=0.25).waveform
    assert torch.equal(later, heard[4000:]) and len(read_audio(path).waveform) == 16000 * 0.4


def test_time_stamps_that_shake_leave_no_holes(tmp_path):
    path = write_audio(tmp_path / "a.mkv", [(0, ones(0.1)), (107, ones(0.1)), (193, ones(0.1))])
    assert torch.equal(read_audio(path, start=0.0).waveform, torch.ones(4800))


def test_whether_there_is_audio(tmp_path):
    assert has_audio(write_audio(tmp_path / "a.mkv", [(0, ones(0.1))]))
    assert not has_audio(write_frames(tmp_path / "b.mkv", [0, 40])) and not has_audio(tmp_path)
    (tmp_path / "broken.mp4").write_bytes(b"not a video")
    with pytest.raises(VideoError, match="cannot be read"):
        has_audio(tmp_path / "broken.mp4")


def test_audio_that_ends_before_the_frames_begin_is_told(tmp_path):
    with pytest.raises(AudioError, match="ends before"):
        read_audio(write_audio(tmp_path / "a.mkv", [(0, ones(0.1))]), start=3.0)
