"""`train`: the two phases, emotions, and the landmark network. Reads the options, calls the rooms, reports progress."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..argument_checks import check_whole
from ..errors import OptionError
from .files import Portrait, check_folder, check_inputs, check_output
from .options import TRAINING, device, require_training
from .program import program_name
from .progress_bar import ProgressReport

if TYPE_CHECKING:
    from ..training.loop import Plan
    from ..training.motion_sources import MotionSource

_MATERIAL = {  # the option of each kind of material of phase 2
    "clips": "clips of prepare videos",
    "speech": "recordings of prepare speech",
    "data": "what synthesize wrote",
    "latents": "what prepare latents wrote",
}
LICENSE = "Apache-2.0"  # of models that are trained on synthetic material alone; --license says otherwise


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `train`."""
    parser.description = "Train a model; an interrupted run goes on."
    phases = parser.add_subparsers(metavar="PHASE", required=True)
    first = phases.add_parser("autoencoder", help="phase 1: the motion auto-encoder, writes autoencoder.safetensors")
    _add_shared(first, TRAINING / "configs" / "mini_autoencoder.json")
    first.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="the folder that synthesize wrote")
    first.add_argument("--portrait", type=Path, metavar="IMAGE", help="a real portrait to show on the sample sheets; never trained on")
    _add_start(first, "auto-encoder")
    first.set_defaults(run=run_train_autoencoder)
    second = phases.add_parser("motion", help="phase 2: the motion from audio, writes model.safetensors")
    _add_shared(second, TRAINING / "configs" / "mini_motion.json")
    second.add_argument("--autoencoder", required=True, metavar="FILE", help="the result of phase 1")
    for name, text in _MATERIAL.items():
        second.add_argument(f"--{name}", type=Path, action="append", default=[], metavar="FOLDER", help=f"{text}; may be given again")
    _add_start(second, "transformer and the audio encoder")
    second.set_defaults(run=run_train_motion)
    _add_emotion(phases)
    _add_landmarks(phases)


def _add_emotion(phases: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = phases.add_parser("emotion", help="the emotions that a model hears in a voice, writes model.safetensors")
    parser.add_argument("--model", required=True, metavar="FILE", help="the model that learns to hear them, such as the result of phase 2")
    for name in ("speech", "clips"):
        text = f"{_MATERIAL[name]}; may be given again"
        parser.add_argument(f"--{name}", type=Path, action="append", default=[], metavar="FOLDER", help=text)
    _add_results(parser)
    parser.set_defaults(run=run_train_emotion)


def _add_landmarks(phases: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = phases.add_parser(
        "landmarks", help="the face landmark network, writes landmarks.safetensors and its agreement with portraits kept back"
    )
    config = TRAINING / "configs" / "landmarks.json"
    parser.add_argument("--config", type=Path, default=config, metavar="FILE", help="JSON with sizes and steps (default: %(default)s)")
    parser.add_argument("--portraits", type=Path, required=True, metavar="FOLDER", help="prepared portraits")
    parser.add_argument("--clips", type=Path, metavar="FOLDER", help="prepared videos, whose frames are used as well")
    parser.add_argument("--frames", type=int, default=4, metavar="N", help="moved frames of each portrait (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="samples, checkpoints, log and the result")
    parser.add_argument("--measure", type=Path, metavar="FILE", help="train nothing: measure these weights, and write only agreement.json")
    parser.add_argument("--device", default="auto", help="cpu, cuda ... (default: auto)")
    parser.add_argument("--license", default=LICENSE, help="license to write into the result (default: %(default)s)")
    parser.set_defaults(run=run_train_landmarks)


def run_train_landmarks(options: argparse.Namespace) -> None:
    """Samples, training, the result as a file, and how far it agrees with what was kept back."""
    require_training()
    from ..training.landmark_agreement import measure_agreement, save_agreement
    from ..training.landmark_phase import LandmarkTraining, save_landmarks, train_landmarks
    from ..training.landmark_samples import write_samples

    check_whole("--frames", options.frames, low=0)
    place, result = str(device(options.device)), options.out / "landmarks.safetensors"
    files = check_inputs(options.config, options.measure)
    check_folder("--out", options.out)
    check_output("the result", result, inputs=files)
    config = LandmarkTraining.read(options.config)
    with ProgressReport() as report:
        if options.measure is None:
            samples = write_samples(options.out / "crops", options.portraits, options.clips, frames=options.frames, on_progress=report)
            network = train_landmarks(config, samples, options.out, device=place, on_progress=report)
            print(save_landmarks(network, result, options.license))
        agreement = measure_agreement(options.measure or result, options.portraits, options.clips, on_progress=report)
    options.out.mkdir(parents=True, exist_ok=True)
    save_agreement(agreement, options.out / "agreement.json")
    for name, one in agreement.items():
        for figure, value in vars(one).items():
            print(f"{name + ': ' + figure.replace('_', ' '):34s} {value:8.3f}")


def _add_shared(parser: argparse.ArgumentParser, config: Path) -> None:
    parser.add_argument("--config", type=Path, default=config, metavar="FILE", help="JSON with sizes and steps (default: %(default)s)")
    parser.add_argument("--device", default="auto", help="cpu, cuda ... (default: auto)")
    _add_results(parser)


def _add_results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="checkpoints, log, samples and the result")
    parser.add_argument("--license", default=LICENSE, help="license to write into the result (default: %(default)s)")


def _add_start(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--from", dest="start", metavar="MODEL", help=f"begin with the {what} of this model (a file or a name)")
    parser.add_argument("--dry-run", action="store_true", help="only say what the run will be: sizes, and time on this machine")


def run_train_autoencoder(options: argparse.Namespace) -> None:
    """Phase 1, all its stages, then the result as a model file without transformer."""
    require_training()
    from .. import load_model, model_files, save_model
    from ..training.autoencoder_phase import as_model, stage_of, train_autoencoder
    from ..training.autoencoder_training import AutoencoderTraining
    from ..training.loop import Processes, plan

    inputs = [options.portrait, *(() if options.start is None else model_files(options.start))]
    result = _check_shared(options, "autoencoder.safetensors", inputs)
    _check_made(options.data, "faces/faces_*.npy")
    config = AutoencoderTraining.read(options.config)
    start = None if options.start is None else load_model(options.start)
    config = config if start is None else config.for_model(start)
    faces, where = options.data / "faces", str(device(options.device))
    if options.dry_run:
        for index, stage in enumerate(config.stages):
            phase, loop, folder = stage_of(config, index, faces, options.out, device=where)
            _print_plan(f"stage {index + 1}, {stage.size} pixels, {loop.note}", plan(phase, loop, folder, where))
        return
    portrait = None if options.portrait is None else Portrait.open(options.portrait).at_size(config.network.size)
    with ProgressReport() as report:
        networks = train_autoencoder(config, faces, options.out, start=start, portrait=portrait, device=where, on_progress=report)
    if Processes.of_environment().rank == 0:
        print(save_model(as_model(networks, options.out), result, license=options.license))


def run_train_motion(options: argparse.Namespace) -> None:
    """Phase 2 on top of a phase 1 result, then the whole model as one file."""
    require_training()
    from .. import load_model, model_files, save_model
    from ..training.loop import Processes, plan
    from ..training.motion_phase import MotionTraining, motion_phase_of, train_motion

    inputs = [*model_files(options.autoencoder), *(() if options.start is None else model_files(options.start))]
    result = _check_shared(options, "model.safetensors", inputs)
    sources = _motion_sources(options)
    config = MotionTraining.read(options.config)
    base = load_model(options.autoencoder)
    base.require("autoencoder")
    if config.transformer.latent_size != base.basis.shape[0]:
        raise OptionError(
            f"{options.config} is for latents of {config.transformer.latent_size}; {options.autoencoder} has {base.basis.shape[0]}. "
            "Change the configuration."
        )
    start = None if options.start is None else load_model(options.start)
    where = str(device(options.device))
    with ProgressReport() as report:
        if options.dry_run:
            phase = motion_phase_of(config, sources, base.basis, start=start, device=where, on_progress=report)
            planned = plan(phase, config.loop, options.out, where)
        else:
            networks = train_motion(config, sources, base.basis, options.out, start=start, device=where, on_progress=report)
    if options.dry_run:
        _print_plan("motion", planned)
        return
    if Processes.of_environment().rank > 0:  # the first one saves
        return
    whole = replace(
        base,
        config=replace(base.config, name=config.name, transformer=config.transformer, audio=config.audio, fps=networks.audio_encoder.fps),
        transformer=networks.fmt,
        audio_encoder=networks.audio_encoder,
    )
    print(save_model(whole, result, license=options.license))


def run_train_emotion(options: argparse.Namespace) -> None:
    """Trains the compact emotion classifier, then writes the model with it."""
    require_training()
    from .. import load_model, model_files, save_model
    from ..training.emotion_phase import train_emotion

    if not options.speech and not options.clips:
        raise OptionError("there is no material; expected at least one of --speech, --clips")
    result = options.out / "model.safetensors"
    check_folder("--out", options.out)
    check_output("the result", result, inputs=check_inputs(*model_files(options.model)))
    base = load_model(options.model)
    with ProgressReport() as report:
        classifier, found = train_emotion(options.speech, options.clips, on_progress=report)
    print(f"{found.recordings} recordings of {found.speakers} speakers; of others, {found.accuracy:.0%} are heard right")
    if found.missing:
        print(f"never heard, as there are no recordings: {', '.join(found.missing)}")
    options.out.mkdir(parents=True, exist_ok=True)
    whole = replace(base, config=replace(base.config, emotion=classifier.config), emotion_loader=lambda: classifier)
    print(save_model(whole, result, license=options.license))


def _motion_sources(options: argparse.Namespace) -> list[MotionSource]:
    from ..training.motion_sources import MotionSource

    for folder in options.data:
        _check_made(folder, "voices/*.npz")
    found = [
        *(MotionSource("videos", folder) for folder in options.clips),
        *(MotionSource("speech", folder) for folder in options.speech),
        *(MotionSource("synthetic", folder / "voices") for folder in options.data),
        *(MotionSource("latents", folder) for folder in options.latents),
    ]
    if not found:
        raise OptionError(f"there is no material; expected at least one of --{', --'.join(_MATERIAL)}")
    return found


def _print_plan(name: str, planned: Plan) -> None:
    print(
        f"{name}: {planned.trained / 1e6:.2f} million weights, checkpoint {planned.checkpoint_bytes / 1e6:.0f} MB, "
        f"step {planned.done} of {planned.steps}, {planned.seconds_per_step:.2f} s a step, {planned.hours:.1f} hours left"
    )


def _check_shared(options: argparse.Namespace, result: str, inputs: Iterable[Path | None]) -> Path:
    """Refuses what can be known to fail before anything is loaded; returns the path of the result. Finds the processes that train together,
    before anything is on a device."""
    from ..training.loop import Processes

    Processes.of_environment()
    device(options.device)
    files = check_inputs(options.config, *inputs)
    check_folder("--out", options.out)
    path: Path = options.out / result
    check_output("the result", path, inputs=files)
    return path


def _check_made(folder: Path, material: str) -> None:
    if next(folder.glob(material), None) is None:
        raise OptionError(f"{folder} has no {material}. Make some: {program_name()} synthesize --out {folder}")
