"""Detection on real images, and the choice of the detector."""

import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from skimage import data

from float_core.errors import FaceNotFoundError, ImageError
from float_core.face import detect
from float_core.face.crop import prepare_image
from float_core.face.detect import RETINAFACE_FILE, detect_faces

# Cheeks and chin are read off the image by eye. The hairline is under the fringe: it is put where the thirds of a face have it
# (one third above the brows), and so are the detector's factors. The tests below guard the convention; they do not measure it.
TRUE_BOX = np.array([174, 56, 274, 188])


@pytest.fixture(scope="module")
def astronaut():
    return Image.fromarray(data.astronaut())


def variants():
    return {
        "plain": lambda p: p,
        "small": lambda p: p.resize((150, 150)),
        "large": lambda p: p.resize((1200, 1200)),
        "dark": lambda p: ImageEnhance.Brightness(p).enhance(0.3),
        "bright": lambda p: ImageEnhance.Brightness(p).enhance(1.5),
        "flat": lambda p: ImageEnhance.Contrast(p).enhance(0.3),
        "gray": lambda p: p.convert("L").convert("RGB"),
        "turned": lambda p: p.rotate(8, center=(224, 120), fillcolor=(190, 180, 180)),
    }


@pytest.mark.parametrize("name", variants())
def test_the_face_is_found_from_hairline_to_chin(astronaut, name):
    image = variants()[name](astronaut)
    detection = detect_faces(np.asarray(image))
    assert len(detection.faces) == 1
    box = np.array(detection.faces[0].box) * 512 / image.width
    assert np.abs(box - TRUE_BOX).max() <= 10


def test_the_crop_looks_like_the_models_crops(astronaut):
    x1, y1, x2, y2 = prepare_image(astronaut, 256).transform.square
    eyes = 104
    assert 0.36 <= (eyes - y1) / (y2 - y1) <= 0.46
    assert 0.58 <= (TRUE_BOX[3] - TRUE_BOX[1]) / (y2 - y1) <= 0.67
    assert abs((x1 + x2) / 2 - 224) <= 6


def test_detection_repeats_itself(astronaut):
    pixels = np.asarray(astronaut)
    assert detect_faces(pixels) == detect_faces(pixels)


@pytest.mark.parametrize("angle", [30, -45, 90, 150, 180])
def test_a_head_that_is_turned_in_the_plane_is_found(astronaut, angle):
    center = np.array([256.0, 256.0])
    detection = detect_faces(np.asarray(astronaut.rotate(angle, Image.Resampling.BICUBIC, fillcolor=(190, 180, 180))))
    assert len(detection.faces) == 1
    radians = np.radians(-angle)
    turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]])
    middle = turn @ (TRUE_BOX.reshape(2, 2).mean(0) - center) + center
    box = np.array(detection.faces[0].box)
    assert np.abs(box.reshape(2, 2).mean(0) - middle).max() <= 14
    assert 90 <= (box[2:] - box[:2]).max() <= 170


def test_a_box_without_a_face_is_dropped_and_others_stay_as_they_are(monkeypatch, astronaut):
    pixels = np.asarray(astronaut)
    (face,) = detect_faces(pixels).faces
    wrong = ((30.0, 330.0, 150.0, 480.0), 99.0)
    monkeypatch.setattr("float_core.face.lbp_cascade.cascade_faces", lambda pixels: [wrong, (face.box, face.score)])
    assert detect_faces(pixels).faces == (face,)


def test_a_face_that_the_detector_missed_is_found(monkeypatch, astronaut):
    expected = np.array(detect_faces(np.asarray(astronaut)).faces[0].box)
    monkeypatch.setattr("float_core.face.lbp_cascade.cascade_faces", lambda pixels: [])
    (face,) = detect_faces(np.asarray(astronaut)).faces
    assert np.abs(np.array(face.box) - expected).max() < 0.15 * (expected[2] - expected[0])


def test_retinaface_may_know_better():
    faces = [detect.Face((10.0, 10.0, 60.0, 70.0), 0.9)]
    pixels = np.zeros((96, 96, 3), np.uint8)
    kept = detect._verified(pixels, faces, detect.RETINAFACE)
    assert kept.faces == tuple(faces) and "unlike a photograph" in kept.notes[0]
    assert detect._verified(pixels, faces, "another").faces == ()


@pytest.mark.parametrize("name", ["coffee", "chelsea", "hubble_deep_field"])
def test_images_without_a_face_have_none(name):
    with pytest.raises(FaceNotFoundError, match="no face was found"):
        prepare_image(getattr(data, name)(), 256)


def test_two_faces_are_both_found_the_larger_first(astronaut):
    pair = Image.new("RGB", (900, 512), (150, 150, 150))
    pair.paste(astronaut.crop((0, 0, 512, 512)).resize((400, 400)), (0, 112))
    pair.paste(astronaut.crop((60, 0, 512, 512)), (448, 0))
    crop = prepare_image(pair, 128)
    assert "2 faces" in crop.notes[0]
    assert crop.transform.square[0] > 448
    assert prepare_image(pair, 128, face=1).transform.square[2] < 400


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (20, 20)])
def test_tiny_images_have_no_face_and_no_crash(size):
    assert detect_faces(np.zeros((*size, 3), np.uint8)).faces == ()


class StandIn(torch.nn.Linear):
    """RetinaFace with facexlib 0.3's signatures, which finds what `rows` says and remembers what it was asked."""

    rows: ClassVar[list[list[float]]] = []
    seen: ClassVar[dict] = {}
    built: ClassVar[list[tuple]] = []
    busy = False

    def __init__(self, network_name="resnet50", half=False, phase="test", device=None):
        super().__init__(2, 1, device="cpu")  # draws its start from torch's generator, as the real one does
        self.built.append((network_name, half, str(device)))

    def detect_faces(self, image, conf_threshold=0.8, nms_threshold=0.4, use_origin_size=True):
        assert not StandIn.busy, "the real one keeps the image's scale in itself"
        StandIn.busy = True
        time.sleep(0.01)
        StandIn.busy = False
        self.seen.update(shape=image.shape, first=image[0, 0].tolist(), threshold=conf_threshold)
        return np.array(self.rows, np.float32).reshape(-1, 15)


@pytest.fixture
def facexlib(monkeypatch):
    module = types.ModuleType("facexlib.detection.retinaface")
    module.RetinaFace = StandIn
    for name in ("facexlib", "facexlib.detection"):
        package = types.ModuleType(name)
        package.__path__ = []
        monkeypatch.setitem(sys.modules, name, package)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr("float_core.face.detect.show_faces", lambda pixels, boxes: [True] * len(boxes))  # nothing is in these images
    monkeypatch.setattr(StandIn, "rows", [[10, 20, 50, 80, 0.99, *[0] * 10], [60, 20, 150, 140, 0.97, *[0] * 10]])
    monkeypatch.setattr(StandIn, "built", [])
    return StandIn


@pytest.fixture
def weights(tmp_path):
    torch.save({"module.weight": torch.ones(1, 2), "module.bias": torch.zeros(1)}, tmp_path / RETINAFACE_FILE)
    return tmp_path / RETINAFACE_FILE


@pytest.mark.parametrize("by_environment", [False, True])
def test_retinaface_is_used_when_its_weights_are_there(monkeypatch, facexlib, weights, by_environment):
    if by_environment:
        monkeypatch.setenv("FLOAT_MODELS_DIR", str(weights.parent))
    pixels = np.zeros((720, 1280, 3), np.uint8)
    pixels[..., 0] = 200
    detection = detect_faces(pixels, detector_folder=None if by_environment else weights.parent)
    assert (detection.detector, detection.notes) == ("RetinaFace", ())
    assert facexlib.seen == {"shape": (360, 640, 3), "first": [0, 0, 200], "threshold": 0.95}
    assert [face.box for face in detection.faces] == [(120.0, 40.0, 300.0, 280.0), (20.0, 40.0, 100.0, 160.0)]
    monkeypatch.setattr(facexlib, "rows", [])
    assert detect_faces(pixels, detector_folder=weights.parent).faces == ()


def test_retinaface_is_built_once_for_a_file_and_a_device(facexlib, weights):
    pixels = np.zeros((64, 64, 3), np.uint8)
    state = torch.random.get_rng_state()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: detect_faces(pixels, detector_folder=weights.parent), range(8)))
    assert facexlib.built == [("resnet50", False, "cpu")]
    assert torch.equal(torch.random.get_rng_state(), state)
    prepare_image(pixels, 32, detector_folder=weights.parent, device="cuda:1")
    prepare_image(pixels, 32, detector_folder=weights.parent, device=torch.device("cuda:1"))
    assert facexlib.built == [("resnet50", False, "cpu"), ("resnet50", False, "cuda:1")]
    torch.save({"weight": torch.ones(1, 2), "bias": torch.zeros(1), "other": torch.zeros(100)}, weights)
    with pytest.raises(ImageError, match="other"):  # another file under the same name
        detect_faces(pixels, detector_folder=weights.parent)


def test_weights_in_facexlibs_own_folder_count(monkeypatch, facexlib, weights, tmp_path):
    spec = ModuleSpec("facexlib", None, is_package=True)
    spec.submodule_search_locations.append(str(tmp_path / "facexlib"))
    monkeypatch.setattr(sys.modules["facexlib"], "__spec__", spec)
    (tmp_path / "facexlib" / "weights").mkdir(parents=True)
    weights.rename(tmp_path / "facexlib" / "weights" / RETINAFACE_FILE)
    assert detect_faces(np.zeros((64, 64, 3), np.uint8), detector_folder=tmp_path).detector == "RetinaFace"


@pytest.mark.parametrize("content", [{"other": torch.ones(1)}, [torch.ones(1)], types.SimpleNamespace(a=1), None])
def test_a_damaged_weight_file_is_named(facexlib, weights, content):
    if content is None:
        weights.write_bytes(b"<html>")
    else:
        torch.save(content, weights)
    with pytest.raises(ImageError, match=RETINAFACE_FILE):
        detect_faces(np.zeros((64, 64, 3), np.uint8), detector_folder=weights.parent)


@pytest.mark.parametrize("module", ["facexlib", "facexlib.detection.retinaface"])
def test_weights_without_a_facexlib_that_works_give_a_note(monkeypatch, facexlib, weights, astronaut, module):
    monkeypatch.setitem(sys.modules, module, None)
    if module == "facexlib":
        monkeypatch.delitem(sys.modules, "facexlib.detection.retinaface")
        monkeypatch.delitem(sys.modules, "facexlib.detection")
    detection = detect_faces(np.asarray(astronaut), detector_folder=weights.parent)
    assert len(detection.faces) == 1
    assert "facexlib" in detection.notes[0] and "LBP" in detection.notes[0]
