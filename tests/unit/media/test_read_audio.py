"""Audio from files, good and bad ones, written by another program than the one that reads them."""

import importlib
import struct
import wave

import numpy as np
import pytest
import torch

from float_core.errors import AudioError
from float_core.media.downmix import BLOCK
from float_core.media.read_audio import decode_audio, open_audio, read_audio
from float_core.media.write_video import write_video
from float_core.types import AudioClip, FrameChunk
from tests.second_opinion import ffmpeg

MODULE = importlib.import_module("float_core.media.read_audio")


def tone(seconds, rate, pitch=440.0):
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def write_wav(path, channels, rate):
    samples = (np.stack(channels, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture(params=[read_audio, open_audio], ids=["whole", "in pieces"])
def read(request):
    """Both ways to a file refuse the same ones with the same words."""
    return request.param


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_a_wav_file_keeps_rate_and_samples(tmp_path, rate):
    clip = read_audio(write_wav(tmp_path / "a b'c.wav", [tone(0.7, rate)], rate))
    assert clip.sample_rate == rate
    assert clip.waveform.dtype == torch.float32 and clip.waveform.shape == (int(0.7 * rate),)
    assert np.abs(clip.waveform.numpy() - tone(0.7, rate)).max() < 1e-4


@pytest.mark.parametrize("name", ["http:a.wav", "concat:b.wav", "-c.wav", "d%03d.wav", "é ü.wav"])
def test_a_name_is_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_wav(tmp_path / name, [tone(0.1, 8000)], 8000)
    assert read_audio(name).samples == 800


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16be", "pcm_s24le", "pcm_s32le", "pcm_s64le", "pcm_f32le", "pcm_f64le"])
def test_every_kind_of_sample(tmp_path, codec):
    source = write_wav(tmp_path / "a.wav", [tone(0.5, 16000), tone(0.5, 16000, 300)], 16000)
    path = tmp_path / ("b.mov" if codec.endswith("be") else "b.wav")
    ffmpeg("-i", source, "-c:a", codec, path)
    expected = (tone(0.5, 16000) + tone(0.5, 16000, 300)) / 2
    assert np.abs(read_audio(path).waveform.numpy() - expected).max() < (0.01 if codec == "pcm_u8" else 1e-4)


def test_channels_are_averaged(tmp_path):
    one, other = tone(0.5, 16000), tone(0.5, 16000, 300)
    clip = read_audio(write_wav(tmp_path / "stereo.wav", [one, other], 16000))
    assert np.abs(clip.waveform.numpy() - (one + other) / 2).max() < 1e-4


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("one side.wav", "stereo|c1=c0"),
        ("one side.mp3", "stereo|c0=c0"),
        ("center.flac", "5.1|c2=c0"),
        ("center.ac3", "5.1(side)|c2=c0"),
        ("center.m4a", "7.1|c2=c0"),
        ("center with music.wav", "5.1|c0=0.1*c0|c1=-0.1*c0|c2=c0"),
        ("mono.opus", "mono|c0=c0"),
    ],
)
def test_a_voice_keeps_its_weight(tmp_path, name, channels):
    source = write_wav(tmp_path / "source.wav", [tone(1, 48000)], 48000)
    ffmpeg("-i", source, "-af", f"pan={channels}", tmp_path / name)
    middle = read_audio(tmp_path / name).waveform[12000:36000]
    assert middle.square().mean().sqrt() == pytest.approx(0.5 / 2**0.5, rel=0.05)


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.m4a"])
def test_a_voice_upside_down_on_one_side_is_heard_and_noted(tmp_path, read, name):
    source = write_wav(tmp_path / "source.wav", [tone(1, 44100)], 44100)
    ffmpeg("-i", source, "-af", "pan=stereo|c0=c0|c1=-1*c0", tmp_path / name)
    with pytest.warns(UserWarning, match=rf"channels of .*{name} cancel each other"):
        audio = read(tmp_path / name)
    waveform = torch.cat(list(audio.blocks())) if read is open_audio else audio.waveform
    assert waveform[11025:33075].square().mean().sqrt() == pytest.approx(0.5 / 2**0.5, rel=0.1)


@pytest.mark.parametrize("name", ["-a.mp3", "b.flac", "c.ogg", "d.m4a"])
def test_compressed_audio(tmp_path, name):
    source = write_wav(tmp_path / "a.wav", [tone(1.0, 22050)], 22050)
    ffmpeg("-i", source, f"file:{tmp_path / name}")
    clip = read_audio(tmp_path / name)
    assert clip.sample_rate == 22050
    assert abs(len(clip.waveform) - 22050) < 2500
    assert clip.waveform.abs().max() == pytest.approx(0.5, abs=0.1)


def test_the_audio_of_a_video(tmp_path):
    frames = FrameChunk(torch.zeros(13, 3, 32, 32), 0)
    video = write_video(tmp_path / "v.mp4", [frames], fps=25, audio=AudioClip(torch.from_numpy(tone(0.5, 16000)), 16000))
    clip = read_audio(video)
    assert len(clip.waveform) / clip.sample_rate == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.ogg", "a.mkv"])
def test_audio_in_pieces_is_the_whole_audio(tmp_path, name):
    voices = [np.roll(tone(8.4, 44100, pitch), 100) for pitch in (220, 440)]
    source = write_wav(tmp_path / "source.wav", voices, 44100)
    ffmpeg("-i", source, tmp_path / name)
    file, clip = open_audio(tmp_path / name), read_audio(tmp_path / name)
    assert (file.path, file.sample_rate, file.samples, file.channels) == (tmp_path / name, 44100, clip.samples, 2)
    for _ in range(2):  # as often as it is asked for
        blocks = list(file.blocks())
        assert all(block.dtype == torch.float32 and 0 < len(block) <= BLOCK for block in blocks)
        assert len(blocks) == -(-clip.samples // BLOCK) and torch.equal(torch.cat(blocks), clip.waveform)


def test_the_rate_of_the_beginning_holds_to_the_end(tmp_path):
    """MP3 files are often glued together; each has its own rate and channels."""
    for name, rate, channels in (("a", 44100, 2), ("b", 22050, 1), ("c", 44100, 2)):
        ffmpeg("-i", write_wav(tmp_path / f"{name}.wav", [tone(2, rate)] * channels, rate), tmp_path / f"{name}.mp3")
    glued = tmp_path / "glued.mp3"
    glued.write_bytes(b"".join((tmp_path / f"{name}.mp3").read_bytes() for name in "abc"))
    clip = read_audio(glued)
    assert clip.sample_rate == 44100 and clip.samples == pytest.approx(6 * 44100, rel=0.05)
    assert all(0.3 < part.abs().max() < 0.6 for part in clip.waveform[5000:-5000].split(22050))


def test_damage_in_the_middle_costs_only_what_is_damaged(tmp_path):
    source = write_wav(tmp_path / "a.wav", [tone(10, 44100)], 44100)
    ffmpeg("-i", source, tmp_path / "a.mp3")
    data = bytearray((tmp_path / "a.mp3").read_bytes())
    data[40_000:44_000] = bytes(range(256)) * 15 + bytes(160)
    (tmp_path / "a.mp3").write_bytes(data)
    assert read_audio(tmp_path / "a.mp3").samples == pytest.approx(10 * 44100, rel=0.1)
    ffmpeg("-i", source, tmp_path / "a.flac")
    whole = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    assert read_audio(tmp_path / "cut.flac").samples == pytest.approx(5 * 44100, rel=0.2)


def test_audio_that_is_not_read_to_its_end_closes_its_file(tmp_path, monkeypatch):
    opened = []
    real = MODULE.av.open
    monkeypatch.setattr(MODULE.av, "open", lambda *given, **named: opened.append(real(*given, **named)) or opened[-1])
    blocks = open_audio(write_wav(tmp_path / "a.wav", [tone(60, 16000)], 16000)).blocks()
    next(blocks)
    assert list(opened[-1].streams.audio)
    blocks.close()
    assert len(opened) == 2
    with pytest.raises(AssertionError, match="not open"):
        next(opened[-1].demux())


def test_no_more_than_a_block_is_held(tmp_path):
    """Ten minutes of a file: what is decoded is never far ahead of what was asked for."""
    path = write_wav(tmp_path / "a.wav", [np.zeros(600 * 16000, np.float32)], 16000)
    decoded = 0
    real = MODULE.decode_all

    def counted(container, stream):
        nonlocal decoded
        for frame in real(container, stream):
            decoded += frame.samples
            yield frame

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "decode_all", counted)
        for number, block in enumerate(decode_audio(path)):
            assert decoded - BLOCK * number <= 2 * BLOCK and block.samples.untyped_storage().nbytes() <= 8 * BLOCK


@pytest.mark.parametrize("change", ["longer", "shorter", "another rate", "other channels", "gone"])
def test_a_file_that_changes_while_it_is_in_use(tmp_path, change):
    path = write_wav(tmp_path / "a.wav", [tone(5, 16000)], 16000)
    file = open_audio(path)
    if change == "gone":
        path.unlink()
    else:
        channels = [tone({"longer": 9, "shorter": 3}.get(change, 5), 16000)] * (2 if change == "other channels" else 1)
        write_wav(path, channels, 8000 if change == "another rate" else 16000)
    with pytest.raises(AudioError, match="no audio file" if change == "gone" else r"has changed since.*80000 samples of 16000 Hz.* before"):
        list(file.blocks())


def test_a_video_without_audio_says_so(tmp_path, read):
    video = write_video(tmp_path / "v.mp4", [FrameChunk(torch.zeros(3, 3, 32, 32), 0)], fps=25)
    with pytest.raises(AudioError, match="no audio track"):
        read(video)


def test_unusable_files(tmp_path, read):
    with pytest.raises(AudioError, match="no audio file"):
        read(tmp_path / "absent.wav")
    with pytest.raises(AudioError, match="no audio file"):
        read(tmp_path)
    (tmp_path / "text.wav").write_text("not audio")
    with pytest.raises(AudioError, match=r"cannot be read as audio: .*Invalid data"):
        read(tmp_path / "text.wav")
    with pytest.raises(AudioError, match=r"empty|cannot be read"):
        read(write_wav(tmp_path / "empty.wav", [np.zeros(0, np.float32)], 16000))


def test_samples_that_are_not_finite(tmp_path, read):
    samples = struct.pack("<4f", 0.0, float("nan"), 0.5, 0.0)
    form = struct.pack("<HHIIHH", 3, 1, 16000, 64000, 4, 32)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(samples)) + samples
    (tmp_path / "nan.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    with pytest.raises(AudioError, match="not finite"):
        read(tmp_path / "nan.wav")
