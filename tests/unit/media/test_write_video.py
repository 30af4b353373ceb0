"""Videos: what is in the file, and that a stopped run leaves nothing behind."""

import importlib
import subprocess
from fractions import Fraction

import imageio_ffmpeg
import numpy as np
import pytest
import torch

from float_core.errors import OptionError, VideoError
from float_core.media.codecs import ffmpeg_program, probe
from float_core.media.read_media import open_audio, read_audio
from float_core.media.write_video import write_video
from float_core.types import AudioClip, FrameChunk

MODULE = importlib.import_module("float_core.media.write_video")  # the package's attribute of that name is the function


def chunks(count, height=48, width=64, size=4):
    """A bright bar that moves, in chunks."""
    for start in range(0, count, size):
        frames = torch.full((min(size, count - start), 3, height, width), -0.5)
        for n in range(frames.shape[0]):
            frames[n, :, :, (start + n) % width] = 1.0
        yield FrameChunk(frames, start)


def read_back(path):
    reader = imageio_ffmpeg.read_frames(str(path))
    meta = next(reader)
    width, height = meta["size"]
    return np.stack([np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader])


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_frames_size_and_codec(tmp_path, suffix):
    path = write_video(tmp_path / "new folder" / f"video{suffix}", chunks(10), fps=25)
    info = probe(path)
    assert (info.frames, info.fps, info.size, info.codec, info.audio_codec) == (10, 25.0, (64, 48), "h264", None)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_pixels_come_back(tmp_path):
    colors = torch.tensor([[-1.0, -1, -1], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1], [0.2, -0.3, 0.5]])
    frames = colors[:, :, None, None].expand(-1, -1, 64, 64).repeat_interleave(3, 0)
    read = read_back(write_video(tmp_path / "v.mp4", [FrameChunk(frames, 0)], fps=25))
    expected = ((frames + 1) * 127.5).round().permute(0, 2, 3, 1).numpy()
    assert read.shape == expected.shape
    assert np.abs(read.astype(float) - expected).mean() < 3


@pytest.mark.parametrize(
    ("seconds", "rate", "fps"), [(1.0, 16000, 25), (0.61, 22050, 25), (2.013, 44100, 30), (0.1, 8000, 50), (3.37, 48000, 60)]
)
def test_the_length_is_the_sounds_within_one_frame(tmp_path, seconds, rate, fps):
    samples = int(seconds * rate)
    clip = AudioClip(0.3 * torch.sin(torch.arange(samples) * 0.1), rate)
    frames = -(-samples * fps // rate)
    path = write_video(tmp_path / "v.mp4", chunks(frames), fps=fps, audio=clip)
    info, sound = probe(path), read_audio(path)
    assert info.frames == frames and info.audio_codec == "aac"
    assert abs(info.duration - samples / rate) <= 1 / fps + 0.01
    assert abs(len(sound.waveform) / sound.sample_rate - samples / rate) <= 1 / fps + 0.005


# How a sound file differs from plain mono samples: what ffmpeg makes it with, beyond the samples.
SOURCES = {
    "mono.wav": [],
    "stereo.wav": ["-filter_complex", "[0:a]asplit[a][b];[b]volume=0.3[c];[a][c]amerge=inputs=2"],
    "five channels and one for the bass.flac": ["-af", "pan=5.1|c0=c0|c1=0.5*c0|c2=0.2*c0|c3=c0|c4=0*c0|c5=0.1*c0"],
    "lossy with a title.mp3": ["-metadata", "title=a title"],
    "too loud.wav": ["-af", "aformat=sample_fmts=flt,volume=3", "-c:a", "pcm_f32le"],
    "late.mp4": [
        "-f",
        "lavfi",
        "-i",
        "color=s=32x32:d=2",
        "-filter_complex",
        "[0:a]asetpts=PTS+0.7/TB[late]",
        "-map",
        "[late]",
        "-map",
        "1:v",
    ],
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_sound_of_a_file_is_as_if_its_samples_had_been_given(tmp_path, name, suffix):
    samples = (0.5 * torch.sin(torch.arange(29_876) ** 1.3 * 0.01)).numpy().astype("<f4").tobytes()
    source = tmp_path / f"a 'name: {name}"
    command = [ffmpeg_program(), "-v", "error", "-f", "f32le", "-ar", "22050", "-ac", "1", "-i", "pipe:0", *SOURCES[name], f"file:{source}"]
    subprocess.run(command, input=samples, check=True)
    file, clip = open_audio(source), read_audio(source)
    assert file.channels == {"s": 2, "f": 6}.get(name[0], 1)
    frames = -(-file.samples * 25 // file.sample_rate)
    given, read = (write_video(tmp_path / f"{i}{suffix}", chunks(frames), fps=25, audio=sound) for i, sound in enumerate((clip, file)))
    assert probe(given) == probe(read)
    expected, found = read_audio(given), read_audio(read)
    assert open_audio(read).channels == 1 and found.samples == expected.samples
    assert (found.waveform - expected.waveform).square().mean() < 1e-4 * expected.waveform.square().mean()
    assert b"a title" not in read.read_bytes()


def test_a_sound_file_that_is_gone(tmp_path):
    source = write_video(tmp_path / "a.mp4", chunks(4), fps=25, audio=AudioClip(torch.zeros(2000), 16000))
    file = open_audio(source)
    source.unlink()
    with pytest.raises(VideoError, match="No such file"):
        write_video(tmp_path / "v.mp4", chunks(4), fps=25, audio=file)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("fps", "expected"), [(Fraction(30000, 1001), 29.97), (23.976, 23.98), (12.5, 12.5)])
def test_fractional_rates(tmp_path, fps, expected):
    assert probe(write_video(tmp_path / "v.mp4", chunks(6), fps=fps)).fps == pytest.approx(expected, abs=0.01)


def test_odd_sizes_are_extended(tmp_path):
    path = write_video(tmp_path / "v.mp4", chunks(3, height=33, width=47), fps=25)
    assert probe(path).size == (48, 34)


def test_an_existing_file_is_replaced_only_at_the_end(tmp_path):
    path = tmp_path / "v.mp4"
    path.write_text("old")

    def watched():
        for chunk in chunks(6):
            assert path.read_text() == "old"
            yield chunk

    write_video(path, watched(), fps=25)
    assert probe(path).frames == 6


@pytest.mark.parametrize("stop", [KeyboardInterrupt, GeneratorExit, RuntimeError, OSError])
def test_a_stopped_run_leaves_nothing(tmp_path, stop):
    path = tmp_path / "v.mp4"
    path.write_text("old")

    def stopped():
        yield from chunks(8)
        raise stop("stopped by the test")

    with pytest.raises(stop):
        write_video(path, stopped(), fps=25, audio=AudioClip(torch.zeros(16000), 16000))
    assert [file.name for file in tmp_path.iterdir()] == ["v.mp4"]
    assert path.read_text() == "old"


def test_ffmpegs_own_words_are_in_the_error(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "SCALER", "nosuchfilter")
    endless = (FrameChunk(torch.zeros(8, 3, 256, 256), 8 * n) for n in range(1000))
    with pytest.raises(VideoError, match="nosuchfilter"):
        write_video(tmp_path / "v.mp4", endless, fps=25)
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_talks_without_end_does_not_block(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "SCALER", "scale,format=yuv420p,showinfo")
    monkeypatch.setattr(MODULE, "COLOURS", ["-loglevel", "info"])
    assert probe(write_video(tmp_path / "v.mp4", chunks(600, 16, 16, 100), fps=25)).frames == 600


def test_frames_that_do_not_fit_are_refused(tmp_path):
    small, large = torch.zeros(2, 3, 16, 16), torch.zeros(2, 3, 32, 16)
    bad = torch.zeros(2, 3, 16, 16)
    bad[1, 0, 3, 3] = float("nan")
    cases = [
        ([], "no frames"),
        ([FrameChunk(small, 1)], "expected frame 0"),
        ([FrameChunk(small, 0), FrameChunk(small, 3)], "expected frame 2"),
        ([FrameChunk(small, 0), FrameChunk(large, 2)], "first ones"),
        ([FrameChunk(small[:, :1], 0)], "shape"),
        ([FrameChunk(small, 0), FrameChunk(bad, 2)], "frame 3 .*not finite"),
    ]
    for frames, words in cases:
        with pytest.raises(VideoError, match=words):
            write_video(tmp_path / "v.mp4", frames, fps=25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), "fast", None, 5000])
def test_unusable_rates(tmp_path, fps):
    with pytest.raises(OptionError):
        write_video(tmp_path / "v.mp4", chunks(2), fps=fps)


def test_unusable_targets_and_sounds(tmp_path):
    with pytest.raises(VideoError, match="expected one of"):
        write_video(tmp_path / "v.avi", chunks(2), fps=25)
    (tmp_path / "file").write_text("")
    with pytest.raises(VideoError, match="cannot be made"):
        write_video(tmp_path / "file" / "v.mp4", chunks(2), fps=25)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(VideoError, match="is a folder"):
        write_video(tmp_path / "folder.mp4", chunks(2), fps=25)
    with pytest.raises(VideoError, match="all finite"):
        write_video(tmp_path / "v.mp4", chunks(2), fps=25, audio=AudioClip(torch.full((9,), float("nan")), 16000))


def test_probe_names_what_it_cannot_read(tmp_path):
    with pytest.raises(VideoError, match="no file"):
        probe(tmp_path / "absent.mp4")
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(VideoError, match="cannot be read"):
        probe(tmp_path / "text.mp4")
