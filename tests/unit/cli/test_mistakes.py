"""Every mistake in the arguments is told before a model is loaded, and nothing that a user owns is overwritten."""

from __future__ import annotations

import json
import os
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import float_core
from float_core.cli.main import main
from float_core.types import MotionSequence

PORTRAIT = Path(__file__).resolve().parents[3] / "assets" / "portrait.jpg"


@pytest.fixture
def files(model, tmp_path, monkeypatch):
    """A folder with one good file of every kind, in which the commands run."""
    folder = tmp_path / "files"
    folder.mkdir()
    float_core.save_model(model, folder / "tiny.safetensors", dtype=torch.float32, license="x")
    float_core.save_motion(folder / "motion.safetensors", model, MotionSequence(torch.zeros(1, 3, 12), 25.0))
    Image.open(PORTRAIT).save(folder / "face.png")
    Image.new("RGB", (64, 64), "white").save(folder / "white.png")
    with wave.open(str(folder / "voice.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((np.sin(np.arange(3200) / 9) * 9000).astype("<i2").tobytes())
    (folder / "edits.json").write_text('[{"direction": 1, "offset": 2}]')
    (folder / "feelings.txt").write_text("0 neutral\n")
    (folder / "text.txt").write_text("nothing of use\n")
    (folder / "config.json").write_text(json.dumps({"preset": "mini"}))
    (folder / "folder").mkdir()
    (folder / "data" / "voices").mkdir(parents=True)
    (folder / "data" / "faces").mkdir()
    (folder / "data" / "voices" / "voice_00000.npz").touch()
    (folder / "data" / "faces" / "faces_00000.npy").touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def unloaded(monkeypatch):
    """No command may load, sample, download, render or train."""

    def started(*args, **named):
        raise AssertionError("it started")

    for name in ("load_model", "convert_model", "download", "animate", "sample_motion"):
        monkeypatch.setitem(float_core.__dict__, name, started)
    monkeypatch.setattr("float_core.synthetic.synthesize.synthesize", started)
    for kind in ("portraits", "videos", "speech"):
        monkeypatch.setattr(f"float_core.training.prepare_{kind}.prepare_{kind}", started)
    monkeypatch.setattr("float_core.training.autoencoder_phase.train_autoencoder", started)
    monkeypatch.setattr("float_core.training.motion_phase.train_motion", started)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(capsys, *arguments: str) -> str:
    """The one line that the command answers with; or the last line of argparse."""
    before = contents(Path.cwd())
    try:
        status = main(list(arguments))
    except SystemExit as stop:
        status = int(str(stop.code))
    out, err = capsys.readouterr()
    errors = [line for line in err.splitlines() if "error: " in line]
    assert status == 2 and out == "" and len(errors) == 1, err
    assert contents(Path.cwd()) == before
    return errors[0]


ANIMATE = ["animate", "face.png", "voice.wav", "-o", "out.mp4", "--model", "tiny.safetensors", "--device", "cpu"]
MISTAKES = [
    (["--model", "none.safetensors"], "none.safetensors does not exist"),
    (["--audio-encoder", "none"], "none is no folder"),
    (["--emotion-model", "voice.wav"], "voice.wav is no folder"),
    (["--device", "nonsense"], "--device nonsense"),
    (["--dtype", "int8"], "--dtype"),
    (["-o", "out.avi"], "--out is out.avi; expected a name that ends in .mp4"),
    (["-o", "out"], "--out is out; expected a name that ends in .mp4"),
    (["-o", "folder"], "--out is folder, a folder"),
    (["-o", "text.txt/out.mp4"], "text.txt is no folder"),
    (["-o", "text.txt/new/out.mp4"], "text.txt is no folder"),
    (["-o", "x" * 300 + ".mp4"], "File name too long"),
    (["--save-motion", "take.pt"], "--save-motion is take.pt; expected a name that ends in .safetensors"),
    (["--save-motion", "text.txt/take.safetensors"], "text.txt is no folder"),
    (["--seed", "-1"], "seed is -1"),
    (["--seed", "1.5"], "--seed"),
    (["--steps", "0"], "steps is 0"),
    (["--solver", "rk4", "--steps", "10"], "multiple of 4"),
    (["--audio-guidance", "nan"], "audio_guidance is nan"),
    (["--emotion-guidance", "inf"], "emotion_guidance is inf"),
    (["--guidance-interval", "0.9", "0.1"], "guidance_interval"),
    (["--guidance-interval", "0.91", "0.95"], "evaluate the velocity only at 0.00"),
    (["--quality", "superb"], "--quality"),
    (["--emotion", "cheerful"], "surprise"),
    (["--emotion", "happy=0"], "sum to 0"),
    (["--emotion", "happy=-1"], "happy"),
    (["--emotion", "happy=a"], "'a' is not a number"),
    (["--emotion", "happy=1,happy=2"], "names happy twice"),
    (["--emotion-timeline", "none.txt"], "none.txt: No such file"),
    (["--emotion-timeline", "folder"], "folder is a folder"),
    (["--emotion-timeline", "edits.json"], "line 1 of the emotion timeline"),
    (["--edits", "none.json"], "none.json: No such file"),
    (["--edits", "text.txt"], "not JSON"),
    (["--edits", "face.png"], "not a text file"),
    (["--edit", "0=1e7"], "1e7"),
    (["--edit", "yaw"], "DIRECTION=OFFSET"),
    (["--preset", "wild"], "--preset"),
    (["--fps", "9"], "--fps"),
    (["--motion", "none.safetensors"], "none.safetensors: No such file"),
    (["--motion", "voice.wav"], "not a safetensors file"),
    (["--motion", "tiny.safetensors"], "not a motion file"),
    (["--motion", "motion.safetensors", "--steps", "5"], "--steps would do nothing"),
    (["--batch-size", "0"], "batch_size is 0"),
    (["--batch-size", "x"], "--batch-size"),
    (["--face", "-1"], "--face"),
    (["--face", "40"], "face.png: face 40 was asked for"),
    (["--box", "1,2,3"], "--box"),
    (["--box", "2000,2000,2100,2100"], "face.png: the face box (2000.0, 2000.0, 2100.0, 2100.0) is outside"),
    (["--box", "0,0,90000,90000"], "far larger than the image"),
]


@pytest.mark.parametrize(("options", "says"), MISTAKES, ids=[" ".join(options)[:40] for options, _ in MISTAKES])
def test_animate_tells_it_before_anything_starts(files, unloaded, capsys, options, says):
    assert says in refused(capsys, *ANIMATE, *options)


@pytest.mark.parametrize(
    ("image", "audio", "says"),
    [
        ("none.png", "voice.wav", "none.png: No such file"),
        ("face.png", "none.wav", "none.wav: No such file"),
        ("folder", "voice.wav", "folder is a folder"),
        ("face.png", "folder", "folder is a folder"),
        ("text.txt", "voice.wav", "text.txt"),
        ("face.png", "text.txt", "text.txt"),
        ("white.png", "voice.wav", "white.png: no face was found"),
    ],
)
def test_animate_looks_at_image_and_audio_first(files, unloaded, capsys, image, audio, says):
    assert says in refused(capsys, "animate", image, audio, *ANIMATE[3:])


@pytest.mark.parametrize("options", [["--edit", "4=1"], ["--preset", "calm"]])
def test_what_only_the_model_knows_is_told_before_anything_is_sampled(files, monkeypatch, capsys, options):
    monkeypatch.setattr("float_core.pipeline.animate.encode_identity", lambda *args: pytest.fail("it started"))
    assert "from 0 to 3" in (said := refused(capsys, *ANIMATE, *options)) or "no calibration" in said


TRAIN_MOTION = ["train", "motion", "--data", "data", "--out", "run"]
OTHERS = [
    (["convert", "none.pth", "x.safetensors"], "none.pth does not exist"),
    (["convert", "tiny.safetensors", "x.pth"], "OUT is x.pth; expected a name that ends in .safetensors"),
    (["convert", "tiny.safetensors", "text.txt/x.safetensors"], "text.txt is no folder"),
    (["convert", "tiny.safetensors", "x.safetensors", "--emotion-model", "none"], "none is no folder"),
    (["evaluate", "--model", "none.pth"], "none.pth does not exist"),
    (["evaluate", "--image", "none.png"], "none.png: No such file"),
    (["evaluate", "--image", "text.txt"], "text.txt"),
    (["evaluate", "--clips", "1"], "--clips"),
    (["evaluate", "--seed", "-1"], "--seed"),
    (["evaluate", "--out", "text.txt"], "--out is text.txt, which is no folder"),
    (["evaluate", "--out", "text.txt/new"], "text.txt is no folder"),
    (["evaluate", "--what", "real"], "--what real needs --real"),
    (["evaluate", "--sweep", "steps=2,5"], "--sweep does nothing without --real"),
    (["evaluate", "--real", "folder"], "folder is no folder of prepared videos"),
    (["evaluate", "--real", "folder", "--sweep", "seed=1,2"], "expected one of steps"),
    (["evaluate", "--real", "folder", "--sweep", "steps=5"], "two values or more"),
    (["evaluate", "--real", "folder", "--sweep", "steps=0,5"], "steps is 0"),
    (["evaluate", "--real", "folder", "--codec", "52"], "--codec is 52"),
    (["evaluate", "--real", "folder", "--seeds", "1"], "--seeds is 1"),
    (["evaluate", "--real", "folder", "--weights", "lse"], "expected fid, fvd, csim or lse=FILE"),
    (["evaluate", "--real", "folder", "--weights", "lse=none.model"], "none.model: No such file"),
    (["evaluate", "--device", "nonsense"], "--device nonsense"),
    (["calibrate", "none.pth"], "none.pth does not exist"),
    (["calibrate", "tiny.safetensors", "--image", "none.png"], "none.png: No such file"),
    (["calibrate", "tiny.safetensors", "--image", "white.png"], "white.png: no face was found"),
    (["calibrate", "tiny.safetensors", "--heads", "0"], "--heads"),
    (["calibrate", "tiny.safetensors", "--seed", "-1"], "--seed"),
    (["calibrate", "tiny.safetensors", "--sheet", "sheet.jpg"], "--sheet is sheet.jpg; expected a name that ends in .png"),
    (["calibrate", "tiny.safetensors", "--sheet", "text.txt/sheet.png"], "text.txt is no folder"),
    (["calibrate", "tiny.safetensors", "--out", "x.txt"], "--out is x.txt; expected a name that ends in .json"),
    (["calibrate", "tiny.safetensors", "--out", "text.txt/x.json"], "text.txt is no folder"),
    (["calibrate", "tiny.safetensors", "--device", "nonsense"], "--device nonsense"),
    (["train", "autoencoder", "--data", "none", "--out", "run"], "none has no faces"),
    (["train", "autoencoder", "--data", "data", "--out", "text.txt"], "--out is text.txt, which is no folder"),
    (["train", "autoencoder", "--data", "data", "--out", "run", "--config", "none.json"], "none.json: No such file"),
    (["train", "autoencoder", "--data", "data", "--out", "run", "--config", "text.txt"], "not a training configuration"),
    (["train", "autoencoder", "--data", "data", "--out", "run", "--portrait", "none.png"], "none.png: No such file"),
    (["train", "autoencoder", "--data", "data", "--out", "run", "--portrait", "white.png"], "white.png: no face was found"),
    (["train", "motion", "--data", "none", "--out", "run", "--autoencoder", "tiny.safetensors"], "none has no voices"),
    ([*TRAIN_MOTION, "--autoencoder", "none.pth"], "none.pth does not exist"),
    (
        ["train", "motion", "--data", "data", "--out", "run", "--autoencoder", "tiny.safetensors", "--device", "nonsense"],
        "--device nonsense",
    ),
    (["synthesize", "--out", "text.txt"], "--out is text.txt, which is no folder"),
    (["synthesize", "--out", "new", "--heads", "-1"], "--heads"),
    (["synthesize", "--out", "new", "--frames", "1"], "--frames"),
    (["synthesize", "--out", "new", "--size", "8"], "--size"),
    (["synthesize", "--out", "new", "--voices", "-1"], "--voices"),
    (["synthesize", "--out", "new", "--portraits", "none"], "--portraits is none, which is no folder"),
    (["synthesize", "--out", "new", "--portraits", "folder", "--portrait-heads", "0"], "--portrait-heads"),
    (["prepare", "portraits", "none", "--out", "new"], "none is no folder"),
    (["prepare", "portraits", "folder", "--out", "text.txt"], "--out is text.txt, which is no folder"),
    (["prepare", "portraits", "folder", "--out", "folder/../folder/new"], "inside of folder"),
    (["prepare", "portraits", "folder", "--out", "new", "--workers", "0"], "--workers"),
    (["prepare", "portraits", "folder", "--out", "new", "--size", "0"], "--size"),
    (["prepare", "videos", "none", "--out", "new"], "none is no folder"),
    (["prepare", "videos", "folder", "--out", "folder/new"], "inside of folder"),
    (["prepare", "videos", "folder", "--out", "new", "--layout", "mead"], "--layout"),
    (["prepare", "videos", "folder", "--out", "new", "--size", "65"], "--size"),
    (["prepare", "speech", "folder", "--out", "new", "--layout", "vfhq"], "--layout"),
    (["prepare", "speech", "folder", "--out", "text.txt"], "--out is text.txt, which is no folder"),
    (["download", "float", "--to", "text.txt"], "--to is text.txt, which is no folder"),
    (["download", "everything"], "everything"),
]


@pytest.mark.parametrize(("arguments", "says"), OTHERS, ids=[" ".join(arguments)[:60] for arguments, _ in OTHERS])
def test_the_other_commands_tell_it_before_anything_starts(files, unloaded, capsys, arguments, says):
    assert says in refused(capsys, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [*ANIMATE, "-o", "locked/new/out.mp4"],
        [*ANIMATE, "--save-motion", "locked/take.safetensors"],
        ["convert", "tiny.safetensors", "locked/x.safetensors"],
        ["calibrate", "tiny.safetensors", "--out", "locked/x.json"],
        ["evaluate", "--out", "locked/new"],
        ["synthesize", "--out", "locked/new"],
        ["download", "float", "--to", "locked"],
        ["train", "autoencoder", "--data", "data", "--out", "locked/run"],
    ],
    ids=lambda arguments: " ".join(arguments)[:20],
)
def test_folders_that_cannot_be_written(files, unloaded, capsys, monkeypatch, arguments):
    (files / "locked").mkdir()
    access = os.access  # the tests may run as root, who may do anything
    monkeypatch.setattr(os, "access", lambda path, mode: access(path, mode) and not (mode == os.W_OK and Path(path).name == "locked"))
    assert "locked cannot be written to" in refused(capsys, *arguments)


def spelled(path: Path, way: str) -> str:
    """The same file under another name."""
    link = path.with_name(f"link{path.suffix}")
    if way == "symbolic link":
        link.symlink_to(path)
    elif way == "hard link":
        link.hardlink_to(path)
    names = {"same": path.name, "detour": f"folder/../{path.name}", "through nothing": f"none/../{path.name}", "absolute": str(path)}
    return names.get(way, link.name)


OVERWRITTEN = [  # what is read, and the command that would write there
    ("take.mp4", ["animate", "face.png", "take.mp4", *ANIMATE[5:], "-o", "{}"]),
    ("take.mp4", ["animate", "take.mp4", "voice.wav", *ANIMATE[5:], "-o", "{}"]),
    ("motion.safetensors", [*ANIMATE, "--motion", "motion.safetensors", "--save-motion", "{}"]),
    ("tiny.safetensors", [*ANIMATE, "--save-motion", "{}"]),
    ("edits.safetensors", [*ANIMATE, "--edits", "edits.safetensors", "--save-motion", "{}"]),
    ("feelings.mp4", ["animate", "face.png", "voice.wav", *ANIMATE[5:], "--emotion-timeline", "feelings.mp4", "-o", "{}"]),
    ("tiny.safetensors", ["convert", "tiny.safetensors", "{}"]),
    ("face.png", ["calibrate", "tiny.safetensors", "--image", "face.png", "--sheet", "{}"]),
    ("face.json", ["calibrate", "tiny.safetensors", "--image", "face.json", "--out", "{}"]),
]


@pytest.mark.parametrize("way", ["same", "detour", "through nothing", "absolute", "symbolic link", "hard link"])
@pytest.mark.parametrize(("name", "arguments"), OVERWRITTEN, ids=[f"{arguments[0]} over {name}" for name, arguments in OVERWRITTEN])
def test_an_output_that_is_an_input_is_refused(files, unloaded, capsys, name, arguments, way):
    for copy, original in (
        ("take.mp4", "voice.wav"),
        ("face.json", "face.png"),
        ("edits.safetensors", "edits.json"),
        ("feelings.mp4", "feelings.txt"),
    ):
        (files / copy).write_bytes((files / original).read_bytes())
    output = spelled(files / name, way)
    assert "the result would replace it" in refused(capsys, *(text.format(output) for text in arguments))


@pytest.mark.parametrize("name", ["evaluation.json", "evaluation.md"])
def test_evaluating_replaces_none_of_its_inputs(files, unloaded, capsys, name):
    (files / "face.png").rename(files / "folder" / name)
    said = refused(capsys, "evaluate", "--model", "tiny.safetensors", "--image", f"folder/{name}", "--out", "folder")
    assert "the result would replace it" in said


@pytest.mark.parametrize("phase", ["autoencoder", "motion"])
def test_training_replaces_none_of_its_inputs(files, unloaded, capsys, phase):
    (files / "run").mkdir()
    common = ["train", phase, "--data", "data", "--out", "run"]
    if phase == "motion":
        (files / "tiny.safetensors").rename(files / "run" / "model.safetensors")
        said = refused(capsys, *common, "--autoencoder", "run/model.safetensors")
    else:
        (files / "face.png").rename(files / "run" / "autoencoder.safetensors")
        said = refused(capsys, *common, "--portrait", "run/autoencoder.safetensors")
    assert "the result would replace it" in said


@pytest.mark.parametrize(
    ("first", "second", "arguments"),
    [
        ("x.json", "x.png", ["calibrate", "tiny.safetensors", "--image", "face.png", "--out", "x.json", "--sheet", "x.png"]),
        ("x.mp4", "x.safetensors", [*ANIMATE, "-o", "x.mp4", "--save-motion", "x.safetensors"]),
    ],
)
def test_two_outputs_to_one_file_are_refused(files, unloaded, capsys, first, second, arguments):
    (files / first).write_text("older")
    (files / second).symlink_to(first)
    assert f"{second} is the same file as {first}" in refused(capsys, *arguments)


def test_a_folder_of_networks_is_an_input_too(files, unloaded, capsys):
    (files / "folder" / "model.safetensors").write_bytes(b"weights")
    said = refused(capsys, "convert", "tiny.safetensors", "folder/model.safetensors", "--audio-encoder", "folder")
    assert "the result would replace it" in said


def test_an_older_calibration_may_be_replaced(files, monkeypatch):
    """It lies beside the weights and is read with them."""
    from float_core.cli.calibrate import _check
    from float_core.cli.main import build_parser

    (files / "tiny.calibration.json").write_text("{}")
    words = ["calibrate", "tiny.safetensors", "--image", "face.png"]
    options = build_parser(words).parse_args(words)
    assert _check(options) == Path("tiny.calibration.json")
