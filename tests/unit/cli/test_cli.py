"""The command line without networks: what every option hands to which function, progress, errors and exit statuses."""

import argparse
import io
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import float_core
from float_core.cli.animate import add_options
from float_core.cli.main import COMMANDS, main
from float_core.cli.options import box, motion_edit
from float_core.cli.progress_bar import ProgressReport, readable_seconds
from float_core.config import AutoencoderConfig, ModelConfig
from float_core.errors import FaceNotFoundError, ImageError
from float_core.types import AudioFile, CropTransform, FaceCrop, FloatModel, FrameChunk, MotionEdit, Provenance, SamplingOptions

MODEL = FloatModel(
    ModelConfig("tiny", AutoencoderConfig(size=16, latent_size=4, basis_size=2, channels=(4, 4, 4))),
    Provenance("tiny.safetensors", "0", "own", "none"),
    autoencoder=torch.nn.Identity(),
)
CROP = FaceCrop(torch.zeros(1, 3, 16, 16), CropTransform((0, 0, 16, 16), 16, 16, 16), ("2 faces; the largest is used",))


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """The public functions replaced by ones that note their arguments."""
    seen: dict[str, dict] = {}

    def note(name, result):
        def function(*args, **named):
            seen[name if name not in seen else f"{name} again"] = {"args": args, **named}
            return result(*args) if callable(result) else result

        monkeypatch.setitem(float_core.__dict__, name, function)

    for file in ("me.png", "me.wav", "float.pth", "other.pth"):
        (tmp_path / file).touch()
    for folder in ("w2v", "ser"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    note("load_model", MODEL)
    note("read_image", "image")
    note("open_audio", AudioFile(Path("me.wav"), 16000, 160, 1, lambda: iter([torch.zeros(160)])))
    note("prepare_image", CROP)
    note("animate", lambda *_: iter([FrameChunk(torch.zeros(1, 3, 16, 16), 0)]))
    note("write_video", lambda path, chunks: Path(path))
    seen["out"] = {"path": tmp_path / "new" / "talk.mp4"}
    return seen


def animate(calls, *options: str) -> dict[str, dict]:
    for name in set(calls) - {"out"}:
        del calls[name]
    assert main(["animate", "me.png", "me.wav", "-o", str(calls["out"]["path"]), *options]) == 0
    return calls


def test_defaults(calls, capsys):
    animate(calls)
    assert calls["load_model"] == {
        "args": ("mini",),
        "audio_encoder": None,
        "emotion_model": None,
        "device": cli_device(),
        "dtype": torch.float32,
    }
    assert calls["read_image"]["args"] == (Path("me.png"),)
    assert calls["prepare_image"] == {"args": ("image", 16), "crop": "detect", "face": None, "device": cli_device()}
    assert calls["prepare_image again"] == {"args": ("image", 16), "crop": CROP.transform}  # what was found, at the model's size
    assert list(calls).index("prepare_image") < list(calls).index("load_model") < list(calls).index("prepare_image again")
    assert calls["animate"]["emotion"] is None
    assert calls["animate"]["options"] == SamplingOptions()
    assert calls["animate"]["edits"] == ()
    assert calls["animate"]["batch_size"] is None
    assert calls["write_video"]["fps"] == 25.0
    assert calls["write_video"]["audio"].sample_rate == 16000
    out, err = capsys.readouterr()
    assert out == f"{calls['out']['path']}\n"
    assert "note: 2 faces; the largest is used" in err


def cli_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")


# Every option of `animate`: (what is given, the function that must see it, under which name, the value).
EFFECTS = {
    "--model": (["other.pth"], "load_model", "args", ("other.pth",)),
    "--audio-encoder": (["w2v"], "load_model", "audio_encoder", Path("w2v")),
    "--emotion-model": (["ser"], "load_model", "emotion_model", Path("ser")),
    "--device": (["meta"], "load_model", "device", torch.device("meta")),
    "--dtype": (["bfloat16"], "load_model", "dtype", torch.bfloat16),
    "--seed": (["7"], "animate", "options", SamplingOptions(seed=7)),
    "--steps": (["4"], "animate", "options", SamplingOptions(steps=4)),
    "--solver": (["heun"], "animate", "options", SamplingOptions(solver="heun")),
    "--audio-guidance": (["3"], "animate", "options", SamplingOptions(audio_guidance=3.0)),
    "--emotion-guidance": (["-0.5"], "animate", "options", SamplingOptions(emotion_guidance=-0.5)),
    "--noise-policy": (["same_each_window"], "animate", "options", SamplingOptions(noise_policy="same_each_window")),
    "--time-grid": (["fine_end"], "animate", "options", SamplingOptions(time_grid="fine_end")),
    "--guidance-interval": (["0.1", "0.9"], "animate", "options", SamplingOptions(guidance_interval=(0.1, 0.9))),
    "--quality": (["best"], "animate", "options", SamplingOptions.of_quality("best")),
    "--released": ([], "animate", "options", SamplingOptions.released()),
    "--edit": (["3=-1.5"], "animate", "edits", (MotionEdit(3, -1.5),)),
    "--batch-size": (["2"], "animate", "batch_size", 2),
    "--compile": ([], "animate", "compile", True),
    "--face": (["1"], "prepare_image", "face", 1),
    "--box": (["1,2,30,40"], "prepare_image", "crop", (1, 2, 30, 40)),
    "--no-crop": ([], "prepare_image", "crop", None),
}


@pytest.mark.parametrize("option", EFFECTS)
def test_every_option_reaches_its_function(calls, option):
    values, function, name, expected = EFFECTS[option]
    assert animate(calls, option, *values)[function][name] == expected


@pytest.mark.parametrize(("text", "weights"), [("happy", [0, 0, 0, 1, 0, 0, 0]), ("happy=3, surprise=1", [0, 0, 0, 0.75, 0, 0, 0.25])])
def test_emotion(calls, text, weights):
    chosen = animate(calls, "--emotion", text)["animate"]["emotion"]
    assert chosen.probabilities.flatten().tolist() == pytest.approx(weights)


def test_no_option_is_left_untested():
    parser = argparse.ArgumentParser()
    add_options(parser)
    options = {option for action in parser._actions for option in action.option_strings if option.startswith("--")}
    motion = {"--emotion-timeline", "--preset", "--edits", "--fps", "--motion", "--save-motion"}  # test_cli_motion has these
    assert options == set(EFFECTS) | {"--help", "--out", "--emotion"} | motion


def test_only_the_command_that_is_called_is_imported():
    called = "from float_core.cli.main import build_parser; build_parser(['--', 'convert', 'train'])"
    said = subprocess.run([sys.executable, "-c", f"import sys; {called}; print(*sys.modules)"], capture_output=True, text=True, check=True)
    assert {f"float_core.cli.{name}" for name in COMMANDS} & set(said.stdout.split()) == {"float_core.cli.convert"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_listed_and_explains_itself(capsys, command):
    for words in (["--help"], [command, "--help"]):
        with pytest.raises(SystemExit):
            main(words)
        said = " ".join(capsys.readouterr().out.split())
        assert (f"{command} {COMMANDS[command]}" if len(words) == 1 else f" {command} ") in said


def test_released_settings_can_be_changed(calls):
    options = animate(calls, "--released", "--seed", "5", "--steps", "3")["animate"]["options"]
    assert options == replace(SamplingOptions.released(5), steps=3)


def test_a_quality_can_be_changed(calls):
    options = animate(calls, "--quality", "fast", "--seed", "5", "--steps", "6", "--audio-guidance", "3")["animate"]["options"]
    assert options == replace(SamplingOptions.of_quality("fast", seed=5, audio_guidance=3.0), steps=6)


def test_a_solver_alone_gets_steps_that_it_can_take(calls):
    assert animate(calls, "--solver", "rk4")["animate"]["options"].steps == 12
    assert animate(calls, "--solver", "heun", "--released")["animate"]["options"].steps == 10


def test_edits_repeat(calls):
    assert animate(calls, "--edit", "0=1", "--edit", "6=+.5")["animate"]["edits"] == (MotionEdit(0, 1.0), MotionEdit(6, 0.5))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--steps", "0"], "steps is 0"),
        (["--solver", "rk4", "--steps", "10"], "multiple of 4"),
        (["--emotion", "cheerful"], "happy"),
        (["--device", "nonsense"], "--device nonsense"),
    ],
)
def test_mistakes_are_one_line_and_status_2(calls, capsys, options, says):
    assert main(["animate", "me.png", "me.wav", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and err.count("\n") == 1 and says in err
    assert "animate" not in calls


@pytest.mark.parametrize(
    "options",
    [["--box", "1,2,3"], ["--box", "9,9,1,1"], ["--box", "1,2,3,inf"], ["--edit", "yaw"], ["--edit", "1=x"]],
)
def test_texts_that_cannot_be_read(capsys, options):
    with pytest.raises(SystemExit, match="2"):
        main(["animate", "me.png", "me.wav", *options])
    assert options[0] in capsys.readouterr().err


def test_option_texts():
    assert box("-1,2.9,30,40") == (-1, 2, 30, 40)
    assert motion_edit("12=+1.5") == MotionEdit(12, 1.5)


def raising(error):
    def function(*args, **named):
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (ImageError("no\n pixels"), 2, "error: me.png: no pixels\n"),
        (OSError(28, "No space left on device", "out.mp4"), 2, "error: out.mp4: No space left on device\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_exit_statuses(calls, monkeypatch, capsys, error, status, says):
    monkeypatch.setitem(float_core.__dict__, "prepare_image", raising(error))
    assert main(["animate", "me.png", "me.wav"]) == status
    assert capsys.readouterr().err == says


def test_no_face_and_several_faces_come_with_the_options_that_help(calls, monkeypatch, capsys):
    monkeypatch.setitem(float_core.__dict__, "prepare_image", raising(FaceNotFoundError("no face")))
    assert main(["animate", "me.png", "me.wav"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: me.png: no face. ") and "--box" in err and "--no-crop" in err
    monkeypatch.setitem(float_core.__dict__, "prepare_image", lambda *args, **named: replace(CROP, found=2))
    animate(calls)
    assert "--face N" in capsys.readouterr().err
    animate(calls, "--face", "1")
    assert "--face" not in capsys.readouterr().err


def test_faults_of_the_program_are_not_hidden(calls, monkeypatch):
    monkeypatch.setitem(float_core.__dict__, "animate", raising(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        main(["animate", "me.png", "me.wav", "-o", str(calls["out"]["path"])])


def test_our_warnings_are_notes(calls, monkeypatch, capsys):
    def warn(*args, **named):
        warnings.warn("the emotion is neutral", stacklevel=2)
        warnings.warn("for developers", FutureWarning, stacklevel=2)
        return iter(())

    monkeypatch.setitem(float_core.__dict__, "animate", warn)
    animate(calls)
    err = capsys.readouterr().err
    assert "note: the emotion is neutral\n" in err
    assert "developers" not in err


def test_convert(calls, monkeypatch, capsys, tmp_path):
    seen = []
    monkeypatch.setitem(float_core.__dict__, "convert_model", lambda source, path, **named: seen.append((source, path, named)) or path)
    target = tmp_path / "one.safetensors"
    assert main(["convert", "float.pth", str(target), "--dtype", "bfloat16", "--audio-encoder", "w2v", "--emotion-model", "ser"]) == 0
    parts = {"audio_encoder": Path("w2v"), "emotion_model": Path("ser")}
    assert seen == [("float.pth", target, {"dtype": torch.bfloat16, **parts})]
    assert capsys.readouterr().out == f"{target}\n"


def test_download(monkeypatch, capsys, tmp_path):
    seen = []

    def download(name, folder, *, on_progress):
        on_progress("download", 5, 10)
        seen.append((name, folder))
        return (Path(folder) / "x",)

    monkeypatch.setitem(float_core.__dict__, "download", download)
    monkeypatch.delenv("FLOAT_MODELS_DIR", raising=False)
    assert main(["download", "float", "--to", str(tmp_path)]) == 0
    assert main(["download", "face-detector"]) == 0
    monkeypatch.setenv("FLOAT_MODELS_DIR", str(tmp_path / "weights"))
    assert main(["download", "face-detector"]) == 0
    assert seen == [("float", tmp_path), ("face-detector", Path("models/float")), ("face-detector", str(tmp_path / "weights"))]
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'x'}\nmodels/float/x\n{tmp_path / 'weights' / 'x'}\n"
    assert "non-commercial" in err and "50% download 5/10" in err


def test_download_lists_what_there_is(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["download", "everything"])
    assert "face-detector" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_stage_that_is_passed_over_counts_for_nothing():
    clock = Clock()
    report = ProgressReport({"encode": 0.02, "sample": 0.18, "render": 0.8}, stream=io.StringIO(), clock=clock)
    clock.now = 1.0
    report("encode", 3, 3)
    assert report.fraction() == pytest.approx(0.02)  # a stage that may come is counted
    assert report.seconds_left() is None
    clock.now = 5.0
    report("render", 10, 40)
    assert report.fraction() == pytest.approx((0.02 + 0.2) / 0.82) and report.seconds_left() == pytest.approx(12.0)
    report("render", 40, 40)
    assert report.fraction() == 1.0


def test_a_terminal_that_has_gone_away_ends_no_run():
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    with ProgressReport(stream=Closed(), clock=Clock()) as report:
        report("render", 1, 1)


def test_time_left_is_each_stages_own_pace():
    clock = Clock()
    report = ProgressReport({"encode": 0.1, "render": 0.9}, stream=io.StringIO(), clock=clock)
    clock.now = 2.0
    report("encode", 1, 1)
    assert report.seconds_left() is None  # rendering has no pace yet
    assert report.fraction() == pytest.approx(0.1)
    clock.now = 6.0
    report("render", 10, 40)  # 4 s for a quarter
    assert report.seconds_left() == pytest.approx(12.0)
    assert report.fraction() == pytest.approx(0.1 + 0.9 / 4)
    clock.now = 10.0
    report("render", 40, 40)
    assert report.seconds_left() == pytest.approx(0.0)
    assert report.fraction() == pytest.approx(1.0)


def test_a_log_gets_few_plain_lines():
    clock, stream = Clock(), io.StringIO()
    with ProgressReport({"render": 1.0}, stream=stream, clock=clock) as report:
        for frame in range(1, 101):
            clock.now += 0.2
            report("render", frame, 100)
    lines = stream.getvalue().splitlines()
    assert 4 <= len(lines) <= 6
    assert lines[0] == "  1% render 1/100, about 0:20 left"
    assert lines[-1] == "100% render 100/100, about 0:00 left"
    assert "\r" not in stream.getvalue()


def test_a_terminal_gets_one_line_that_goes_away():
    clock, stream = Clock(), Terminal()
    with ProgressReport({"render": 1.0}, stream=stream, clock=clock) as report:
        for frame in range(1, 11):
            clock.now += 1.0
            report("render", frame, 10)
    shown = stream.getvalue()
    assert "\n" not in shown
    assert " 50% [============            ] render 5/10, about 0:05 left" in shown
    assert shown.split("\r")[-1] == "" and not shown.split("\r")[-2].strip()


def test_readable_numbers():
    assert [readable_seconds(s) for s in (7.4, 750, 3900)] == ["0:07", "12:30", "1:05:00"]
    stream = io.StringIO()
    ProgressReport(stream=stream, clock=Clock())("download x", 12_000_000, 24_000_000)
    assert stream.getvalue() == " 50% download x 12/24 MB, about 0:00 left\n"
