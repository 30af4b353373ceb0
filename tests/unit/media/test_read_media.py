"""Images and sounds from files, good and bad ones."""

import importlib
import struct
import subprocess
import wave

import numpy as np
import pytest
import torch
from PIL import Image

from float_core.errors import AudioError, ImageError
from float_core.media.codecs import ffmpeg_program
from float_core.media.read_media import BLOCK, open_audio, read_audio, read_image
from float_core.media.write_video import write_video
from float_core.types import AudioClip, FrameChunk

MODULE = importlib.import_module("float_core.media.read_media")


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
    """Both ways to a sound refuse the same files with the same words."""
    return request.param


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_a_wav_file_keeps_rate_and_samples(tmp_path, rate):
    clip = read_audio(write_wav(tmp_path / "a b'c.wav", [tone(0.7, rate)], rate))
    assert clip.sample_rate == rate
    assert clip.waveform.dtype == torch.float32 and clip.waveform.shape == (int(0.7 * rate),)
    assert np.abs(clip.waveform.numpy() - tone(0.7, rate)).max() < 1e-4


def test_channels_are_averaged(tmp_path):
    loud, silent = tone(0.5, 16000), np.zeros(8000, np.float32)
    clip = read_audio(write_wav(tmp_path / "stereo.wav", [loud, silent], 16000))
    assert np.abs(clip.waveform.numpy() - loud / 2).max() < 1e-4


@pytest.mark.parametrize("name", ["-a.mp3", "b.flac", "c.ogg", "d.m4a"])
def test_compressed_sounds(tmp_path, name):
    source = write_wav(tmp_path / "a.wav", [tone(1.0, 22050)], 22050)
    subprocess.run([ffmpeg_program(), "-v", "error", "-i", str(source), f"file:{tmp_path / name}"], check=True, stdin=subprocess.DEVNULL)
    clip = read_audio(tmp_path / name)
    assert clip.sample_rate == 22050
    assert abs(len(clip.waveform) - 22050) < 2500
    assert clip.waveform.abs().max() == pytest.approx(0.5, abs=0.1)


def test_the_sound_of_a_video(tmp_path):
    frames = FrameChunk(torch.zeros(13, 3, 32, 32), 0)
    video = write_video(tmp_path / "v.mp4", [frames], fps=25, audio=AudioClip(torch.from_numpy(tone(0.5, 16000)), 16000))
    clip = read_audio(video)
    assert len(clip.waveform) / clip.sample_rate == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.ogg", "a.mkv"])
def test_a_sound_in_pieces_is_the_whole_sound(tmp_path, name):
    voices = [np.roll(tone(8.4, 44100, pitch), 100) for pitch in (220, 440)]
    source = write_wav(tmp_path / "source.wav", voices, 44100)
    subprocess.run([ffmpeg_program(), "-v", "error", "-i", str(source), str(tmp_path / name)], check=True, stdin=subprocess.DEVNULL)
    file, clip = open_audio(tmp_path / name), read_audio(tmp_path / name)
    assert (file.path, file.sample_rate, file.samples, file.channels) == (tmp_path / name, 44100, clip.samples, 2)
    for _ in range(2):  # as often as it is asked for
        blocks = list(file.blocks())
        assert all(block.dtype == torch.float32 and 0 < len(block) <= BLOCK for block in blocks)
        assert len(blocks) == -(-clip.samples // BLOCK) and torch.equal(torch.cat(blocks), clip.waveform)


def test_a_sound_that_is_not_read_to_its_end_stops_ffmpeg(tmp_path, monkeypatch):
    started: list[subprocess.Popen] = []
    start = MODULE.start_ffmpeg
    monkeypatch.setattr(MODULE, "start_ffmpeg", lambda *given, **named: started.append(start(*given, **named)) or started[-1])
    blocks = open_audio(write_wav(tmp_path / "a.wav", [tone(60, 16000)], 16000)).blocks()
    next(blocks)
    assert started[-1].poll() is None
    blocks.close()
    assert len(started) == 2 and started[-1].poll() is not None


@pytest.mark.parametrize("change", ["longer", "shorter", "another rate", "gone"])
def test_a_file_that_changes_while_it_is_in_use(tmp_path, change):
    path = write_wav(tmp_path / "a.wav", [tone(5, 16000)], 16000)
    file = open_audio(path)
    if change == "gone":
        path.unlink()
    else:
        write_wav(path, [tone({"longer": 9, "shorter": 3}.get(change, 5), 16000)], 8000 if change == "another rate" else 16000)
    with pytest.raises(AudioError, match="no sound file" if change == "gone" else r"has changed since.*80000 of 16000 Hz before"):
        list(file.blocks())


def test_a_video_without_sound_says_so(tmp_path, read):
    video = write_video(tmp_path / "v.mp4", [FrameChunk(torch.zeros(3, 3, 32, 32), 0)], fps=25)
    with pytest.raises(AudioError, match="no sound track"):
        read(video)


def test_unusable_sounds(tmp_path, read):
    with pytest.raises(AudioError, match="no sound file"):
        read(tmp_path / "absent.wav")
    with pytest.raises(AudioError, match="no sound file"):
        read(tmp_path)
    (tmp_path / "text.wav").write_text("not a sound")
    with pytest.raises(AudioError, match=r"cannot be read as sound: .*Invalid data"):
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


@pytest.mark.parametrize(("mode", "name"), [("RGB", "a.jpg"), ("RGBA", "a.png"), ("P", "a.gif"), ("L", "a.webp"), ("I;16", "a.tiff")])
def test_images_are_read_in_their_own_mode(tmp_path, mode, name):
    Image.new(mode, (20, 10)).save(tmp_path / name)
    image = read_image(str(tmp_path / name))
    assert image.size == (20, 10)
    assert np.asarray(image).shape[:2] == (10, 20)  # loaded: the file is closed


def test_the_first_image_of_an_animation(tmp_path):
    first, second = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 255))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert read_image(tmp_path / "a.gif").convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_unusable_images(tmp_path):
    with pytest.raises(ImageError, match="no image file"):
        read_image(tmp_path / "absent.png")
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(ImageError, match="not an image"):
        read_image(tmp_path / "text.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:3000])
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(tmp_path / "cut.png")
