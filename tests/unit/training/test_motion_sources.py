"""Material of phase 2: mouths of real clips free of whose they are, drawn heads around them, mixing by shares, cached latents."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from float_core.audio.compact_encoder import CompactAudioEncoder
from float_core.cli.main import main
from float_core.config import EMOTIONS, AutoencoderConfig, CompactAudioConfig, ModelConfig
from float_core.errors import OptionError
from float_core.synthetic.coarticulation import Coarticulation
from float_core.synthetic.espeak import Phoneme
from float_core.synthetic.rig import RIG_NAMES, RIG_SCALES
from float_core.synthetic.visemes import VISEMES, occupancy, segments
from float_core.training import fit_coarticulation
from float_core.training.audio_offset import Following
from float_core.training.clip_mouths import drawn_opening, measure_mouth, mouth_rest, relative_mouth
from float_core.training.face_tracks import measure_tracks
from float_core.training.motion_dataset import ClipMixture, MotionClip, SourceShares
from float_core.training.motion_sources import MaterialConfig, MotionSource, load_sources
from float_core.training.preparation import write_json
from float_core.training.speech_timings import SpeechTimings
from float_core.training.video_clips import MARGIN, SAMPLE_RATE, ClipFacts, RawClip, save_clip, save_clip_index
from float_core.types import FloatModel, Provenance
from tests.unit.training.drawn_talker import LAYOUT, face

ENCODER = CompactAudioEncoder(CompactAudioConfig(feature_size=8, mel_bands=16, width=8, dilations=(1,)))
BASIS = torch.linalg.qr(torch.randn(24, 20, generator=torch.Generator().manual_seed(0)))[0]
PLAIN = MaterialConfig(variants=0, takes=1, emotional=0.0)
FRAMES = 75


def gaps(seed: int, rest: float = 0.0) -> np.ndarray:
    """A mouth that opens and closes, in hundredths of a head unit; it is shut at both ends and at frame 37."""
    random = np.random.default_rng(seed)
    curve = 8 * (1 - np.cos(np.arange(FRAMES) * random.uniform(0.5, 0.8))) * np.hanning(FRAMES)
    curve[36:39] = 0
    return curve + rest


def prepared(folder: Path, speakers: dict[str, tuple[float, str]]) -> Path:
    """Clips of speakers with a rest opening and a split."""
    facts = []
    (folder / "clips").mkdir(parents=True)
    for name, (rest, split) in speakers.items():
        points = np.stack([face(gap, (0, 0), 0.4, 6) for gap in gaps(len(facts), rest)]).astype(np.float32)
        sound = np.random.default_rng(1).standard_normal(int((FRAMES / 25 + 2 * MARGIN) * SAMPLE_RATE)).astype(np.float32) * 0.1
        silent = Following(np.zeros(3), np.zeros(3), np.ones(3), False, False)
        raw = RawClip(points, np.ones(FRAMES, bool), *measure_tracks(points, LAYOUT), sound, silent, SpeechTimings())
        save_clip(folder, name, [torch.zeros(3, 32, 32, dtype=torch.uint8)] * FRAMES, raw, 32)
        facts.append(ClipFacts(name, name, 0.0, FRAMES, name, "neutral", split, "voice"))
    save_clip_index(folder, LAYOUT, facts, 32)
    return folder


def rig_of(clip: MotionClip) -> np.ndarray:
    return (clip.motion @ BASIS).numpy() * np.array(RIG_SCALES)


def test_tracks_give_the_lips_back_whoever_speaks(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "clips", {"closed": (0.0, "train"), "apart": (4.0, "test")})
    clips = load_sources([MotionSource("videos", folder)], BASIS, ENCODER, PLAIN)
    assert [clip.held_out for clip in clips] == [True, False]  # in the order of names
    for clip, true in zip(clips, (gaps(1), gaps(0)), strict=True):
        opening = drawn_opening(rig_of(clip))
        assert np.corrcoef(opening, true)[0, 1] > 0.98
        assert opening[37] < 0.012, "lips that touch stay closed through all smoothing"
        assert opening[0] < 0.012, "no offset between people"
        assert opening.max() > 0.1
        assert clip.closed[37] == 1 and not clip.closed[:5].any(), "closed while speaking, not while resting"


def test_a_still_reader_is_given_a_head_that_moves_unless_all_is_true(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "clips", {"one": (0.0, "train")})
    yaw, jaw = RIG_NAMES.index("yaw"), RIG_NAMES.index("jaw_open")
    drawn = load_sources([MotionSource("videos", folder)], BASIS, ENCODER, MaterialConfig(variants=0, takes=4, emotional=1.0))
    assert len(drawn) == 4 and len({id(clip.audio) for clip in drawn}) == 1, "takes share their recording"
    assert np.mean([rig_of(clip)[:, yaw].std() for clip in drawn]) > 1.0
    for clip in drawn[1:]:
        np.testing.assert_allclose(rig_of(clip)[:, jaw], rig_of(drawn[0])[:, jaw], atol=1e-4)
    assert len({int(clip.emotion.argmax()) for clip in drawn}) > 1
    (filmed,) = load_sources([MotionSource("videos", folder)], BASIS, ENCODER, MaterialConfig(variants=0, video_truth="all"))
    assert np.allclose(rig_of(filmed)[:, yaw], 6, atol=0.5)


def test_emotions_show_in_speech_without_video(tmp_path: Path) -> None:
    folder = tmp_path / "speech"
    folder.mkdir()
    facts = [{"name": n, "source": n, "seconds": 3.0, "speaker": n, "emotion": e, "timed": "beside", "split": "train"}
             for n, e in (("calm", "neutral"), ("glad", "happy"), ("label", "sad"))]  # fmt: skip
    write_json(folder / "speech.json", {"sample_rate": 16000, "recordings": facts})
    wave = np.round(np.random.default_rng(0).standard_normal(48000) * 3000).astype(np.int16)
    for one in facts:
        known = one["name"] != "label"
        names, times = (["", "a", "m", "a", ""], [(0, 1), (1, 1.5), (1.5, 1.7), (1.7, 2.2), (2.2, 3)]) if known else ([], np.zeros((0, 2)))
        np.savez(folder / f"{one['name']}.npz", waveform=wave, phonemes=np.array(names, np.str_), times=np.array(times, np.float32),
                 words=np.array([], np.str_), word_times=np.zeros((0, 2), np.float32), text="")  # fmt: skip
    calm, glad = load_sources([MotionSource("speech", folder)], BASIS, ENCODER, PLAIN)  # a recording of unknown sounds moves nothing
    smile = RIG_NAMES.index("smile")
    means = [(rig_of(clip)[:, smile] - clip.rest.numpy()[smile] * RIG_SCALES[smile]).mean() for clip in (calm, glad)]
    assert means[1] > means[0] + 0.4
    assert glad.emotion.tolist() == [float(name == "happy") for name in EMOTIONS]
    assert drawn_opening(rig_of(calm))[40] < 0.012 and calm.closed[40] == 1, "m closes the lips"
    assert drawn_opening(rig_of(calm))[60:].max() < 0.01, "at rest 0.2 s after the last sound"


def made(kind: str, speaker: str, frames: int) -> MotionClip:
    return MotionClip(None, torch.zeros(frames, 4), torch.zeros(7), None, np.zeros(frames), False, kind, speaker)  # type: ignore[arg-type]


def test_kinds_mix_by_their_shares_and_speakers_are_balanced() -> None:
    clips = [*(made("videos", "s1", 100) for _ in range(64)), made("videos", "s2", 100), made("speech", "a", 900), made("speech", "b", 900)]
    mixture = ClipMixture(clips, SourceShares(videos=0.6, speech=0.2, synthetic=5.0))
    drawn = mixture.draw(8000, torch.Generator().manual_seed(0))
    kinds, speakers = Counter(clip.kind for clip in drawn), Counter(clip.speaker for clip in drawn)
    assert kinds["videos"] / kinds["speech"] == pytest.approx(3, rel=0.1)
    assert speakers["s1"] / speakers["s2"] == pytest.approx(8, rel=0.25), "by the square root: 64 clips count as 8"
    assert speakers["a"] == pytest.approx(speakers["b"], rel=0.15)


def test_nothing_to_train_on_is_told(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "clips", {"one": (0.0, "test")})
    with pytest.raises(OptionError, match="nothing to train on"):
        load_sources([MotionSource("videos", folder)], BASIS, ENCODER, PLAIN)
    with pytest.raises(OptionError, match="no folder of prepared speech"):
        load_sources([MotionSource("speech", folder)], BASIS, ENCODER, PLAIN)


def test_coarticulation_is_found_again_from_mouths_that_it_made() -> None:
    random = np.random.default_rng(0)
    true = Coarticulation(0.1 * random.random((11, len(VISEMES), 3)), np.ones(3), "")
    mouths = []
    for number in range(40):
        sounds = [Phoneme(str(random.choice(list("aiupmstfnr"))), 0.5 + 0.09 * i, 0.59 + 0.09 * i) for i in range(25)]
        shares = occupancy(segments(sounds), 80)
        mouths.append(fit_coarticulation.SpokenMouth(f"s{number % 3}", False, shares, true.curves(shares)))
    table = fit_coarticulation.fit(mouths)
    found, wanted = (np.concatenate([t.curves(m.sounds)[:, 0] for m in mouths]) for t in (table, true))
    assert np.corrcoef(found, wanted)[0, 1] > 0.95
    assert not table.curves(occupancy([], 10)).any(), "silence is rest"


def test_the_rest_of_a_speaker_is_no_expression() -> None:
    points = np.stack([face(gap, (0, 0), 0.4, 0) for gap in gaps(0, 3.0)])
    measures = measure_mouth(points, LAYOUT)
    rest = mouth_rest([measures])
    assert rest.gap == pytest.approx(measures.gap.min(), abs=0.005)
    curves = relative_mouth(measures, rest)
    assert np.abs(curves[[0, 37, -1]]).max() < 0.05


def test_prepare_latents_writes_what_the_encoder_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    class Encoder(torch.nn.Module):
        def encode(self, images: torch.Tensor) -> tuple[None, torch.Tensor, None]:
            return None, images.mean((1, 2, 3))[:, None].expand(-1, 20), None

    config = ModelConfig("own", autoencoder=AutoencoderConfig(size=16, latent_size=24, channels=(8, 8, 8)))
    model = FloatModel(config, Provenance("f", "", "", ""), autoencoder=Encoder(), basis_tensor=BASIS)
    monkeypatch.setattr("float_core.load_model", lambda _path: model)
    folder = prepared(tmp_path / "clips", {"one": (0.0, "train"), "two": (0.0, "test")})
    command = ["prepare", "latents", str(folder), "--model", "m", "--out", str(tmp_path / "latents")]
    assert main(command) == 0 and "latents of 2 clips" in capsys.readouterr().out
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "latents").iterdir()}
    assert main(command) == 0
    assert before == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "latents").iterdir()}, "an interrupted call goes on"
    one, two = load_sources([MotionSource("latents", tmp_path / "latents")], BASIS, ENCODER, PLAIN)
    assert one.rest is None and one.motion.shape == (FRAMES, 24) and one.kind == "latents"
    assert (one.held_out, two.held_out) == (False, True)
    torch.testing.assert_close(one.motion @ BASIS, torch.full((FRAMES, 20), -1.0), atol=0.02, rtol=0)
    assert json.loads((folder / "videos.json").read_text())["clips"][0]["speaker"] == one.speaker


def test_facts_are_read_as_they_were_written() -> None:
    assert set(asdict(MaterialConfig())["shares"]) == {"videos", "speech", "synthetic", "latents"}
    with pytest.raises(OptionError, match="takes is 0"):
        MaterialConfig(takes=0)
