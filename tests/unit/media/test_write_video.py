"""Videos: what another program finds in the file, and that a stopped run leaves nothing behind."""

import importlib
import re
import resource
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from float_core.errors import OptionError, VideoError
from float_core.media.read_audio import open_audio, read_audio
from float_core.media.write_video import write_video
from float_core.types import AudioClip, FrameChunk
from tests.second_opinion import audio_samples, ffmpeg, probe, yuv_frames

MODULE = importlib.import_module("float_core.media.movie_file")
COLORS = torch.tensor([[-1.0, -1, -1], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1], [0.2, -0.3, 0.5], [0.0, 0, 0], [0.6, 0.2, 0.0]])


def chunks(count, height=48, width=64, size=4):
    """A bright bar that moves, in chunks."""
    for start in range(0, count, size):
        frames = torch.full((min(size, count - start), 3, height, width), -0.5)
        for n in range(frames.shape[0]):
            frames[n, :, :, (start + n) % width] = 1.0
        yield FrameChunk(frames, start)


def tone(seconds, rate, pitch=440.0):
    return 0.4 * torch.sin(2 * torch.pi * pitch * torch.arange(int(seconds * rate)) / rate)


def loudness(samples) -> float:
    """The amplitude of a tone, its ends left out."""
    quarter = len(samples) // 4
    return float(np.sqrt(2 * np.square(samples[quarter:-quarter]).mean()))


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv"])
def test_frames_size_and_codec(tmp_path, suffix):
    path = write_video(tmp_path / "new folder" / f"video{suffix}", chunks(10), fps=25)
    info = probe(path)
    assert (info.frames, info.fps, info.size, info.codec, info.audio_codec) == (10, 25.0, (64, 48), "h264", None)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def bt709(pixels: np.ndarray) -> np.ndarray:
    """(..., 3) RGB from 0 to 255 as Y, Cb, Cr in limited range, by the formulas of ITU-R BT.709."""
    red, green, blue = np.moveaxis(pixels / 255, -1, 0)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return np.stack([16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748], -1)


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv"])
def test_colors_are_those_of_bt709_and_the_file_says_so(tmp_path, suffix):
    frames = COLORS[:, :, None, None].expand(-1, -1, 64, 64).repeat_interleave(3, 0)
    path = write_video(tmp_path / f"v{suffix}", [FrameChunk(frames, 0)], fps=25, audio=AudioClip(tone(1, 16000), 16000))
    expected = bt709(((COLORS + 1) * 127.5).round().numpy()).repeat(3, 0)
    for plane, values in zip(yuv_frames(path), expected.T, strict=True):
        assert np.abs(plane[:, 4:-4, 4:-4] - values[:, None, None]).max() < 2.1
    assert re.search(r"yuv420p\(tv, bt709, progressive\)|yuv420p\(tv, bt709\)", probe(path).said)  # all three, or it names each
    data = path.read_bytes()
    if suffix != ".mkv":
        assert b"colr" + b"nclx" + bytes([0, 1, 0, 1, 0, 1]) in data or (
            suffix == ".mov" and b"colrnclc" + bytes([0, 1, 0, 1, 0, 1]) in data
        )
        assert data.index(b"moov") < data.index(b"mdat")  # starts before it is loaded


def test_detail_comes_back(tmp_path):
    frames = torch.rand(6, 3, 12, 16, generator=torch.Generator().manual_seed(0)).mul(2).sub(1)
    frames = torch.nn.functional.interpolate(frames, size=(96, 128), mode="bilinear")
    luma, blue, red = yuv_frames(write_video(tmp_path / "v.mp4", [FrameChunk(frames, 0)], fps=25))
    expected = bt709(((frames + 1) * 127.5).round().permute(0, 2, 3, 1).numpy())
    assert np.abs(luma - expected[..., 0]).mean() < 2.5
    for plane, channel in ((blue, 1), (red, 2)):
        assert np.abs(plane - expected[..., channel].reshape(6, 48, 2, 64, 2).mean((2, 4))).mean() < 2.5


@pytest.mark.parametrize(
    ("seconds", "rate", "fps"), [(1.0, 16000, 25), (0.61, 22050, 25), (2.013, 44100, 30), (0.1, 8000, 50), (3.37, 48000, 60)]
)
def test_the_length_is_that_of_the_audio_within_one_frame(tmp_path, seconds, rate, fps):
    samples = int(seconds * rate)
    clip = AudioClip(0.3 * torch.sin(torch.arange(samples) * 0.1), rate)
    frames = -(-samples * fps // rate)
    path = write_video(tmp_path / "v.mp4", chunks(frames), fps=fps, audio=clip)
    info, audio = probe(path), read_audio(path)
    assert info.frames == frames and info.audio_codec == "aac"
    assert abs(info.duration - samples / rate) <= 1 / fps + 0.01
    assert abs(len(audio.waveform) / audio.sample_rate - samples / rate) <= 1 / fps + 0.005
    assert abs(audio_samples(path).shape[1] / 48000 - samples / rate) <= 0.025


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_what_is_heard_and_what_is_seen_belong_together(tmp_path, suffix):
    """A flash and a click, both at 2 seconds, on the clock of the file."""
    frames, waveform = torch.full((75, 3, 32, 32), -1.0), torch.zeros(3 * 16000)
    frames[50], waveform[32000:32020] = 1, 1
    path = write_video(tmp_path / f"v{suffix}", [FrameChunk(frames, 0)], fps=25, audio=AudioClip(waveform, 16000))
    pcm = ("-f", "f32le", "-ac", "1", "-af", "aresample=async=1:first_pts=0")
    click = np.abs(np.frombuffer(ffmpeg("-i", path, *pcm, "pipe:1"), "<f4")).argmax() / 48000
    gray = ffmpeg("-i", path, "-fps_mode", "cfr", "-r", "25", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1")
    flash = np.frombuffer(gray, np.uint8).reshape(-1, 32 * 32).mean(1).argmax() / 25
    assert click == pytest.approx(2, abs=0.03) and flash == pytest.approx(2, abs=0.041)


# How an audio file differs from plain mono samples: what ffmpeg makes it with, beyond the samples.
SOURCES = {
    "mono.wav": [],
    "stereo.wav": ["-filter_complex", "[0:a]asplit[a][b];[b]volume=0.3[c];[a][c]amerge=inputs=2"],
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
def test_the_audio_of_a_file_is_as_if_its_samples_had_been_given(tmp_path, name, suffix):
    samples = (0.5 * torch.sin(torch.arange(29_876) ** 1.3 * 0.01)).numpy().astype("<f4").tobytes()
    source = tmp_path / f"a 'name: {name}"
    ffmpeg("-f", "f32le", "-ar", "22050", "-ac", "1", "-i", "pipe:0", *SOURCES[name], f"file:{source}", given=samples)
    file, clip = open_audio(source), read_audio(source)
    channels = 2 if name == "stereo.wav" else 1
    assert file.channels == channels
    if channels == 2:
        clip = AudioClip(torch.from_numpy(np.array(audio_samples(source))), clip.sample_rate)
    frames = -(-file.samples * 25 // file.sample_rate)
    given, read = (write_video(tmp_path / f"{i}{suffix}", chunks(frames), fps=25, audio=audio) for i, audio in enumerate((clip, file)))
    strip = re.compile(r"from '.*'|creation_time.*|\d+ kb/s")
    assert strip.sub("", probe(given).said) == strip.sub("", probe(read).said)
    expected, found = audio_samples(given), audio_samples(read)
    assert found.shape == expected.shape and len(found) == channels
    assert np.square(found - expected).mean() < 1e-4 * np.square(expected).mean()
    assert b"a title" not in read.read_bytes()


@pytest.mark.parametrize("given", ["a file", "samples"])
@pytest.mark.parametrize("source", ["left.wav", "upside down.flac", "two voices.wav"])
def test_stereo_stays_stereo(tmp_path, given, source):
    one, other = tone(2, 16000), tone(2, 16000, 300)
    pair = {"left.wav": (one, 0 * one), "upside down.flac": (one, -one), "two voices.wav": (one, other)}[source]
    waveform = torch.stack(pair)
    path = tmp_path / source
    ffmpeg("-f", "f32le", "-ar", "16000", "-ac", "2", "-i", "pipe:0", path, given=waveform.T.contiguous().numpy().tobytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of channels that cancel in the mix for the model
        audio = open_audio(path) if given == "a file" else AudioClip(waveform, 16000)
    found = audio_samples(write_video(tmp_path / "v.mp4", chunks(50), fps=25, audio=audio))
    assert len(found) == 2
    for side, samples in zip(found, pair, strict=True):
        assert loudness(side) == pytest.approx(loudness(samples.numpy()), abs=0.02)
    together = float((found[0] * found[1]).mean() / np.square(found[0]).mean())
    assert together == pytest.approx({"left.wav": 0, "upside down.flac": -1, "two voices.wav": 0}[source], abs=0.03)


@pytest.mark.parametrize("given", ["a file", "samples"])
def test_more_channels_become_two(tmp_path, given):
    """5.1 with a voice in the center, music on the left and a rumble in the bass."""
    voice, music, bass, rest = tone(2, 48000), tone(2, 48000, 1000) / 4, 2 * tone(2, 48000, 50), torch.zeros(96000)
    waveform = torch.stack([music, rest, voice, bass, rest, rest])
    path = tmp_path / "a.wav"
    layout = ("-f", "f32le", "-ar", "48000", "-ch_layout", "5.1(side)", "-i", "pipe:0", "-c:a", "pcm_f32le")
    ffmpeg(*layout, path, given=waveform.T.contiguous().numpy().tobytes())
    audio = open_audio(path) if given == "a file" else AudioClip(waveform, 48000)
    left, right = audio_samples(write_video(tmp_path / "v.mp4", chunks(50), fps=25, audio=audio))
    spectrum = np.abs(np.fft.rfft(np.stack([left, right])[:, 24000:72000])) / 24000  # by Hz
    assert spectrum[:, 440] == pytest.approx([0.4, 0.4], abs=0.02)
    assert spectrum[:, 1000] == pytest.approx([0.0707, 0], abs=0.01)
    assert spectrum[:, 50].max() < 0.01


def test_an_audio_file_that_is_gone_or_another(tmp_path):
    source = write_video(tmp_path / "a.mp4", chunks(4), fps=25, audio=AudioClip(torch.zeros(2000), 16000))
    file = open_audio(source)
    rendered = []
    frames = (rendered.append(chunk.start) or chunk for chunk in chunks(4))
    source.unlink()
    with pytest.raises(VideoError, match="no audio file"):
        write_video(tmp_path / "v.mp4", frames, fps=25, audio=file)
    assert list(tmp_path.iterdir()) == [] and rendered == []
    write_video(source, chunks(4), fps=25, audio=AudioClip(torch.zeros(90000), 16000))
    with pytest.raises(VideoError, match="has changed since it was opened"):
        write_video(tmp_path / "v.mp4", chunks(4), fps=25, audio=file)
    assert list(tmp_path.iterdir()) == [source]


def test_the_video_does_not_replace_the_file_of_its_audio(tmp_path):
    source = write_video(tmp_path / "a.mp4", chunks(4), fps=25, audio=AudioClip(torch.zeros(2000), 16000))
    before, file = source.read_bytes(), open_audio(source)
    (tmp_path / "link.mp4").symlink_to(source)
    for name in ("a.mp4", "link.mp4", "../" + tmp_path.name + "/a.mp4"):
        with pytest.raises(OptionError, match="the result would replace it"):
            write_video(tmp_path / name, chunks(4), fps=25, audio=file)
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("fps", "length"),
    [
        (Fraction(30000, 1001), Fraction(1001, 30000)),
        (23.976, Fraction(1001, 24000)),
        (59.94, Fraction(1001, 60000)),
        (12.5, Fraction(2, 25)),
        (1, 1),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_rates_are_exact(tmp_path, fps, length, suffix):
    """By the index of the file, in which every frame's length is written as a fraction."""
    path = write_video(tmp_path / f"v{suffix}", chunks(10), fps=fps)
    data = path.read_bytes()
    at = data.index(b"mdhd")
    scale, lasts = (int.from_bytes(data[at + n : at + n + 4], "big") for n in (16, 20))
    assert Fraction(lasts, scale) == 10 * length
    stts = data.index(b"stts")
    assert int.from_bytes(data[stts + 8 : stts + 12], "big") == 1  # all frames are of one length
    assert probe(path).frames == 10


@pytest.mark.parametrize(("fps", "expected"), [(Fraction(30000, 1001), 29.97), (23.976, 23.98), (12.5, 12.5)])
def test_fractional_rates(tmp_path, fps, expected):
    for suffix in (".mp4", ".mkv"):
        assert probe(write_video(tmp_path / f"v{suffix}", chunks(6), fps=fps)).fps == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("height", "width"), [(33, 47), (1, 1), (2, 2), (16, 1), (3, 400)])
def test_odd_sizes_are_extended(tmp_path, height, width):
    path = write_video(tmp_path / "v.mp4", chunks(3, height=height, width=width), fps=25)
    assert probe(path).size == (width + width % 2, height + height % 2) and probe(path).frames == 3


def test_one_frame_is_a_video(tmp_path):
    for suffix in (".mp4", ".mkv"):
        info = probe(write_video(tmp_path / f"v{suffix}", chunks(1), fps=25))
        assert (info.frames, info.duration) == (1, pytest.approx(0.04, abs=0.01))


def test_an_existing_file_is_replaced_only_at_the_end(tmp_path):
    path = tmp_path / "v.mp4"
    path.write_text("old")

    def watched():
        for chunk in chunks(6):
            assert path.read_text() == "old"
            yield chunk

    write_video(path, watched(), fps=25)
    assert probe(path).frames == 6


class Interrupt(BaseException):
    """As ComfyUI's InterruptProcessingException, which is no Exception."""


@pytest.mark.parametrize("stop", [KeyboardInterrupt, GeneratorExit, RuntimeError, OSError, Interrupt, StopIteration, VideoError])
@pytest.mark.parametrize("after", [0, 8, 200])
def test_a_stopped_run_leaves_nothing(tmp_path, stop, after):
    path = tmp_path / "v.mp4"
    path.write_text("old")

    class Stopped:
        """An iterator, as a generator would change StopIteration."""

        def __init__(self):
            self.left = chunks(after)

        def __iter__(self):
            return self

        def __next__(self):
            chunk = next(self.left, None)
            if chunk is None:
                raise stop("stopped by the test")
            return chunk

    given = {"fps": 25, "audio": AudioClip(torch.zeros(16000), 16000)}
    if stop is StopIteration and after:
        assert write_video(path, Stopped(), **given) == path  # that is how an iterator ends
    else:
        with pytest.raises(VideoError if stop is StopIteration else stop, match="no frames" if stop is StopIteration else "by the test"):
            write_video(path, Stopped(), **given)
        assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["v.mp4"]


def test_an_interrupt_while_a_frame_is_encoded_leaves_nothing(tmp_path, monkeypatch):
    real, calls = MODULE.MovieFile.add_frame, []

    def interrupted(movie, pixels):
        calls.append(1)
        if len(calls) == 60:
            raise KeyboardInterrupt
        real(movie, pixels)

    monkeypatch.setattr(MODULE.MovieFile, "add_frame", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "v.mp4", chunks(100), fps=25, audio=AudioClip(torch.zeros(64000), 16000))
    assert list(tmp_path.iterdir()) == []


def test_what_the_encoder_says_is_in_the_error(tmp_path, monkeypatch):
    monkeypatch.setitem(MODULE._SETTINGS, "preset", "nosuchpreset")
    endless = (FrameChunk(torch.zeros(8, 3, 64, 64), 8 * n) for n in range(1000))
    with pytest.raises(VideoError, match=r"v\.mp4|the video cannot be written: .+"):
        write_video(tmp_path / "v.mp4", endless, fps=25)
    assert list(tmp_path.iterdir()) == []


def test_a_pyav_without_the_encoder_is_said_before_a_frame_is_rendered(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "_ENCODER", "libx999")
    rendered = []
    with pytest.raises(VideoError, match="no encoder libx999"):
        write_video(tmp_path / "v.mp4", (rendered.append(1) or chunk for chunk in chunks(4)), fps=25)
    assert rendered == [] and list(tmp_path.iterdir()) == []


def test_a_full_disk(tmp_path):
    """The system's own refusal to write more, in the middle and at the end."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = torch.rand(100, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for size in (100_000, 400):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            with pytest.raises(VideoError, match="cannot be written: File too large"):
                write_video(tmp_path / "v.mp4", [FrameChunk(noise if size > 400 else noise[:1], 0)], fps=25)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_length(tmp_path):
    """A minute and a half of frames and of stereo: after the first quarter, the process grows no more."""
    source = tmp_path / "a.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=d=96:r=44100", "-ac", "2", source)
    frames = torch.linspace(-1, 1, 50).view(-1, 1, 1, 1).expand(50, 3, 32, 32)
    used: list[float] = []

    def watched():
        for start in range(0, 2400, 50):
            used.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20)
            yield FrameChunk(frames, start)

    assert probe(write_video(tmp_path / "v.mp4", watched(), fps=25, audio=open_audio(source))).frames == 2400
    assert max(used) - max(used[:12]) < 15  # MB; the samples alone are 34


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
        ([FrameChunk(torch.zeros(1, 3, 2, 16386), 0)], "1 to 16384"),
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


def test_unusable_targets_and_audio_are_told_before_a_frame_is_rendered(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.mp4").mkdir()
    nan, empty = torch.full((9,), float("nan")), torch.zeros(2, 0)
    cases = [
        ("v.avi", None, r"ends in '\.avi'; expected one of \.mp4, "),
        ("v", None, "expected one of"),
        ("file/v.mp4", None, "v.mp4 cannot be written: (Not a directory|File exists)"),
        ("folder.mp4", None, "folder.mp4 cannot be written: Is a directory"),
        ("/dev/null/v.mp4", None, "cannot be written"),
        ("/proc/v.mp4", None, "cannot be written"),
        ("v.mp4", AudioClip(nan, 16000), "all finite"),
        ("v.mp4", AudioClip(empty, 16000), r"\(2, 0\)"),
        ("v.mp4", AudioClip(torch.zeros(1, 2, 9), 16000), "expected"),
        ("v.mp4", AudioClip(torch.zeros(9, dtype=torch.int16), 16000), "values of torch.int16"),
        ("v.mp4", AudioClip(np.zeros(9, np.float32), 16000), "waveform is ndarray"),
        ("v.mp4", torch.zeros(9), "audio is Tensor; expected AudioClip"),
        ("v.mp4", AudioClip(torch.zeros(9), 0), "rate is 0"),
        ("v.mp4", AudioClip(torch.zeros(9), 44100.5), r"rate is 44100\.5"),
        ("v.mp4", AudioClip(torch.zeros(9), 2_000_000), "1000 to 1000000"),
    ]
    before = sorted(tmp_path.rglob("*"))
    for name, audio, words in cases:
        rendered = []
        with pytest.raises(VideoError, match=words):
            write_video(tmp_path / name, (rendered.append(1) or chunk for chunk in chunks(2)), fps=25, audio=audio)
        assert rendered == [] and sorted(tmp_path.rglob("*")) == before, name


def test_a_file_that_may_not_be_written(tmp_path, monkeypatch):
    def refused(*_given):
        raise PermissionError(13, "Permission denied")

    rendered = []
    monkeypatch.setattr("float_core.atomic_file.os.open", refused)
    with pytest.raises(VideoError, match=r"v\.mp4 cannot be written: Permission denied"):
        write_video(tmp_path / "v.mp4", (rendered.append(1) or chunk for chunk in chunks(2)), fps=25)
    assert rendered == []


def test_a_name_that_is_taken_at_the_last_moment(tmp_path):
    def taken():
        yield from chunks(4)
        (tmp_path / "v.mp4").mkdir()

    with pytest.raises(VideoError, match=r"v\.mp4 cannot be written: Is a directory"):
        write_video(tmp_path / "v.mp4", taken(), fps=25)
    assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]
