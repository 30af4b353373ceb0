"""`synthesize` and `train`: training material and the two phases. Reads the options, calls the rooms, reports progress."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ..atomic_file import refuse_input
from ..errors import OptionError
from .options import device
from .progress_bar import ProgressReport

LICENSE = "Apache-2.0"  # of models that are trained on synthetic material alone; --license says otherwise
_TRAINING = Path(__file__).parents[1] / "training"


def add_synthesize(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `synthesize` to the parser."""
    parser = commands.add_parser(
        "synthesize",
        help="make training material",
        description="Write synthetic faces (drawn heads, and photographs that move) and voices (by espeak-ng), with exact motion. "
        "Faces that are already there are kept: an interrupted call goes on, and two calls at once share the work.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the folders faces and voices are written")
    parser.add_argument("--heads", type=int, default=1024, metavar="N", help="heads to draw; 0 for none (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=4, metavar="N", help="poses of each head (default: %(default)s)")
    parser.add_argument("--size", type=int, default=256, metavar="PIXELS", help="size of the images (default: %(default)s)")
    parser.add_argument("--portraits", type=Path, metavar="FOLDER", help="prepared portraits (prepare portraits), made to move")
    parser.add_argument("--portrait-heads", type=int, metavar="N", help="heads of them (default: each portrait once)")
    parser.add_argument(
        "--sheets", type=int, default=0, metavar="N", help="only show N of them at the extremes of every control, to look at"
    )
    parser.add_argument("--voices", type=int, default=1200, metavar="N", help="clips to speak; 0 for none (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="decides everything that is drawn (default: %(default)s)")
    parser.set_defaults(run=run_synthesize)


def run_synthesize(options: argparse.Namespace) -> None:
    """Runs the command."""
    from ..synthetic.synthesize import synthesize

    if options.sheets:
        _write_sheets(options)
        return
    with ProgressReport() as report:
        folder = synthesize(
            options.out,
            heads=options.heads,
            frames=options.frames,
            size=options.size,
            voices=options.voices,
            portraits=options.portraits,
            portrait_heads=options.portrait_heads,
            seed=options.seed,
            on_progress=report,
        )
    print(folder)


def _write_sheets(options: argparse.Namespace) -> None:
    from ..synthetic.photo_faces import control_sheets
    from ..training.contact_sheet import write_sheet

    if options.portraits is None:
        raise OptionError("--sheets shows portraits that move: give --portraits FOLDER too")
    for group, rows in control_sheets(options.portraits, options.sheets, options.size).items():
        print(write_sheet(options.out / f"{group}.jpg", rows))


def add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `train autoencoder` and `train motion` to the parser."""
    parser = commands.add_parser("train", help="train a model of one's own", description="Train a model; an interrupted run goes on.")
    phases = parser.add_subparsers(metavar="PHASE", required=True)
    first = phases.add_parser("autoencoder", help="phase 1: the motion auto-encoder, writes autoencoder.safetensors")
    _add_shared(first, _TRAINING / "configs" / "mini_autoencoder.json")
    first.add_argument("--portrait", type=Path, metavar="IMAGE", help="a real portrait to show on the sample sheets; never trained on")
    first.set_defaults(run=run_train_autoencoder)
    second = phases.add_parser("motion", help="phase 2: the motion from audio, writes model.safetensors")
    _add_shared(second, _TRAINING / "configs" / "mini_motion.json")
    second.add_argument("--autoencoder", required=True, metavar="FILE", help="the result of phase 1")
    second.set_defaults(run=run_train_motion)


def _add_shared(parser: argparse.ArgumentParser, config: Path) -> None:
    parser.add_argument("--config", type=Path, default=config, metavar="FILE", help="JSON with sizes and steps (default: %(default)s)")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="the folder that synthesize wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="checkpoints, log, samples and the result")
    parser.add_argument("--device", default="auto", help="cpu, cuda ... (default: auto)")
    parser.add_argument("--license", default=LICENSE, help="license to write into the result (default: %(default)s)")


def run_train_autoencoder(options: argparse.Namespace) -> None:
    """Phase 1, all its stages, then the result as a model file without transformer."""
    _need_training()
    from .. import prepare_image, read_image, save_model
    from ..training.autoencoder_phase import AutoencoderTraining, as_model, train_autoencoder

    config = AutoencoderTraining.read(options.config)
    portrait = None
    if options.portrait is not None:
        portrait = prepare_image(read_image(options.portrait), config.network.size).image
    with ProgressReport() as report:
        networks = train_autoencoder(
            config, options.data / "faces", options.out, portrait=portrait, device=str(device(options.device)), on_progress=report
        )
    print(save_model(as_model(networks, options.out), options.out / "autoencoder.safetensors", license=options.license))


def run_train_motion(options: argparse.Namespace) -> None:
    """Phase 2 on top of a phase 1 result, then the whole model as one file."""
    _need_training()
    from .. import load_model, save_model
    from ..training.motion_phase import MotionTraining, train_motion

    config = MotionTraining.read(options.config)
    base = load_model(options.autoencoder)
    base.require("autoencoder")
    refuse_input(options.out / "model.safetensors", base.provenance.files)
    if config.transformer.latent_size != base.basis.shape[0]:
        raise OptionError(
            f"{options.config} is for latents of {config.transformer.latent_size}; {options.autoencoder} has {base.basis.shape[0]}. "
            "Change the configuration."
        )
    with ProgressReport() as report:
        networks = train_motion(
            config, options.data / "voices", base.basis, options.out, device=str(device(options.device)), on_progress=report
        )
    whole = replace(
        base,
        config=replace(base.config, name=config.name, transformer=config.transformer, audio=config.audio, fps=networks.audio_encoder.fps),
        transformer=networks.fmt,
        audio_encoder=networks.audio_encoder,
    )
    print(save_model(whole, options.out / "model.safetensors", license=options.license))


def _need_training() -> None:
    if not (_TRAINING / "__init__.py").is_file():
        raise OptionError(
            "this copy of float_core comes without its training code, as ComfyUI's registry delivers it. "
            "Clone the repository, or install float-portrait with pip"
        )
