"""What prepare_image accepts, refuses and hands out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from float_core.errors import FaceNotFoundError, ImageError, OptionError
from float_core.face import crop as crop_module
from float_core.face.crop import prepare_image
from float_core.face.detect import Detection, Face
from float_core.face.face_notes import face_notes
from float_core.face.landmark_points import POINTS
from float_core.face.landmarks import FaceLandmarks, read_landmarks
from float_core.face.pixels import BACKDROP, rgb_pixels

BOX = (10, 10, 40, 50)


@pytest.fixture
def faces(monkeypatch):
    """Replaces the detector by one that finds the given boxes, the largest first."""

    def install(*boxes):
        found = tuple(Face(box, 1.0) for box in boxes)
        monkeypatch.setattr(crop_module, "detect_faces", lambda pixels, **where: Detection(found, "test"))

    return install


def gradient(height=60, width=80):
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([x, y, np.full_like(x, 77)], axis=2).astype(np.uint8)


def test_result_is_a_batch_of_one_in_the_encoders_range():
    crop = prepare_image(gradient(), 32, crop=BOX)
    assert crop.image.shape == (1, 3, 32, 32)
    assert crop.image.dtype == torch.float32
    assert crop.image.min() >= -1 and crop.image.max() <= 1
    assert crop.transform.size == 32 and (crop.transform.height, crop.transform.width) == (60, 80)
    assert crop.notes == ()


def test_a_image_of_the_right_size_is_kept_to_the_bit():
    pixels = gradient(48, 48)
    crop = prepare_image(pixels, 48, crop=None)
    assert torch.equal(((crop.image[0] + 1) * 127.5).round().byte().permute(1, 2, 0), torch.from_numpy(pixels))


@pytest.mark.parametrize(("height", "width"), [(40, 80), (80, 40), (41, 80)])
def test_without_a_crop_the_image_is_padded_not_stretched(height, width):
    crop = prepare_image(np.full((height, width, 3), 255, np.uint8), 80, crop=None)
    white = (crop.image[0] == 1).all(0)
    assert int(white.sum()) == height * width
    rows, columns = white.any(1).nonzero(), white.any(0).nonzero()
    assert int(rows.max() - rows.min()) + 1 == height and int(columns.max() - columns.min()) + 1 == width
    assert bool((crop.image[0, :, ~white] == -1).all())


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "YCbCr", "HSV", "LAB"])
def test_every_pillow_mode_becomes_rgb(mode):
    image = Image.fromarray(gradient()).convert(mode)
    assert rgb_pixels(image).shape == (60, 80, 3)
    if mode in ("CMYK", "YCbCr", "HSV"):
        assert np.abs(rgb_pixels(image).astype(int) - gradient()).mean() < 4


def test_transparency_is_laid_on_the_backdrop():
    rgba = np.dstack([gradient(), np.zeros((60, 80), np.uint8)])
    rgba[:30, :, 3] = 255
    for image in (rgba, torch.from_numpy(rgba), Image.fromarray(rgba, "RGBA")):
        pixels = rgb_pixels(image)
        assert (pixels[:30] == gradient()[:30]).all()
        assert (pixels[30:] == BACKDROP).all()


def test_palette_with_transparency():
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0] + [0] * 762)
    palette.putpixel((0, 0), 0)
    palette.info["transparency"] = 0
    pixels = rgb_pixels(palette)
    assert pixels[0, 0].tolist() == [BACKDROP] * 3
    assert pixels[2, 2].tolist() == [255, 0, 0]


def test_sixteen_bits_keep_their_brightness():
    ramp = np.linspace(0, 65535, 80).astype(np.uint16)[None].repeat(60, 0)
    expected = np.rint(ramp / 257).astype(int)
    assert np.abs(rgb_pixels(Image.fromarray(ramp))[..., 0] - expected).max() <= 1
    assert np.abs(rgb_pixels(Image.fromarray(ramp.astype(np.int32)))[..., 0] - expected).max() <= 1
    assert np.abs(rgb_pixels(np.dstack([ramp] * 3))[..., 0] - expected).max() <= 1


def test_a_dark_sixteen_bit_image_stays_dark():
    assert rgb_pixels(Image.fromarray(np.full((4, 4), 200, np.uint16))).max() <= 1


def test_exif_orientation_is_applied():
    image = Image.fromarray(gradient())
    exif = image.getexif()
    exif[0x0112] = 6  # the camera was turned: show it turned by 90 degrees
    image.info["exif"] = exif.tobytes()
    turned = rgb_pixels(image)
    assert turned.shape == (80, 60, 3)
    assert (turned == np.rot90(gradient(), -1)).all()


def test_float_images_are_zero_to_one():
    pixels = gradient()
    assert (rgb_pixels(pixels / 255.0) == pixels).all()
    assert (rgb_pixels(torch.from_numpy(pixels / 255.0).float()) == pixels).all()
    assert rgb_pixels(np.full((4, 4, 3), 1.02)).max() == 255


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.full((4, 4, 3), np.nan), "not finite"),
        (np.full((4, 4, 3), 128.0), "0 to 1"),
        (np.full((4, 4, 3), -1.0), "0 to 1"),
        (np.zeros((4, 4)), "shape"),
        (np.zeros((1, 4, 4, 3)), "shape"),
        (np.zeros((4, 4, 3), np.int64), "int64"),
        (np.zeros((0, 4, 3), np.uint8), "empty"),
        (Image.fromarray(np.full((4, 4), np.inf, np.float32)), "not finite"),
    ],
)
def test_unusable_images_are_refused(image, words):
    with pytest.raises(ImageError, match=words):
        prepare_image(image, 32, crop=None)


@pytest.mark.parametrize(
    "box",
    [(30, 10, 10, 50), (10, 10, 10, 50), (100, 10, 140, 50), (-40, 10, -1, 50), (10, 10, 10.6, 11), (0, 0, 1e7, 1e7)],
)
def test_unusable_boxes_are_refused(box):
    with pytest.raises(ImageError):
        prepare_image(gradient(), 32, crop=box)


@pytest.mark.parametrize(
    "options",
    [
        {"crop": "face"},
        {"crop": (1, 2, 3)},
        {"crop": (1, 2, 3, float("nan"))},
        {"crop": 5},
        {"crop": ("a", 1, 2, 3)},
        {"face": 1.5},
        {"face": 0, "crop": None},
        {"size": 0},
    ],
)
def test_unusable_options_are_refused(options):
    with pytest.raises(OptionError):
        prepare_image(gradient(), **({"size": 32} | options))


def test_no_face_is_told_by_its_facts(faces):
    """What to do about it depends on who asks: the command line and the nodes say it."""
    faces()
    with pytest.raises(FaceNotFoundError, match=r"^no face was found in the image \(detector: test\)$"):
        prepare_image(gradient(), 32)


def test_several_faces_take_the_largest_with_a_note(faces):
    faces((10, 10, 40, 50), (50, 10, 70, 35))
    crop = prepare_image(gradient(), 32)
    assert crop.transform == prepare_image(gradient(), 32, crop=(10, 10, 40, 50)).transform
    assert crop.notes == ("2 faces were found; the largest is used, number 0: 0 at (10, 10, 40, 50), 1 at (50, 10, 70, 35)",)
    assert crop.found == 2 and prepare_image(gradient(), 32, crop=BOX).found == 0


def test_a_chosen_face_needs_no_note(faces):
    faces((10, 10, 40, 50), (50, 10, 70, 35))
    crop = prepare_image(gradient(), 32, face=1)
    assert crop.transform == prepare_image(gradient(), 32, crop=(50, 10, 70, 35)).transform
    assert crop.notes == ()


@pytest.mark.parametrize("face", [2, -1])
def test_a_face_that_is_not_there_says_how_many_are(faces, face):
    faces((10, 10, 40, 50), (50, 10, 70, 35))
    with pytest.raises(FaceNotFoundError, match=r"2 faces were found.*1 at \(50, 10, 70, 35\)"):
        prepare_image(gradient(), 32, face=face)


def test_the_square_of_an_earlier_crop():
    """What was found once need not be looked for again; the size may be another one."""
    pixels = np.random.default_rng(3).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    small = prepare_image(pixels, 16, crop=(100, 50, 180, 150))
    again = prepare_image(pixels, 64, crop=small.transform)
    assert torch.equal(again.image, prepare_image(pixels, 64, crop=(100, 50, 180, 150)).image)
    assert again.transform.square == small.transform.square and again.transform.size == 64
    with pytest.raises(OptionError, match="300 x 200 pixels; this one has 200 x 300"):
        prepare_image(pixels.transpose(1, 0, 2), 64, crop=small.transform)


@pytest.fixture(scope="module")
def astronaut():
    return Image.fromarray(data.astronaut())


ASTRONAUT = (174, 56, 274, 188)


def test_an_ordinary_portrait_needs_no_note(astronaut):
    assert prepare_image(astronaut, 64, crop=ASTRONAUT).notes == ()


def test_a_tilted_head_is_told_and_set_upright(astronaut):
    center = (224.0, 122.0)
    tilted = astronaut.rotate(-30, Image.Resampling.BICUBIC, center=center, fillcolor=(190, 180, 180))
    assert any("tilted by about" in note for note in prepare_image(tilted, 64, crop=ASTRONAUT).notes)
    crop = prepare_image(tilted, 128, crop=ASTRONAUT, align_roll=True)
    assert crop.transform.roll == pytest.approx(30, abs=6) and not any("tilted" in note for note in crop.notes)
    upright = read_landmarks(crop.image)
    assert abs(float(upright.pose[0, 2])) < 4 and float(upright.is_face[0]) > 0.8
    again = prepare_image(tilted, 128, crop=crop.transform)
    assert torch.equal(again.image, crop.image) and again.transform == crop.transform


def test_what_is_no_face_is_not_turned_and_says_so():
    crop = prepare_image(gradient(), 32, crop=BOX, align_roll=True)
    assert crop.transform.roll == 0 and "could not be seen" in crop.notes[0]
    with pytest.raises(OptionError, match="align_roll"):
        prepare_image(gradient(), 32, crop=None, align_roll=True)


def test_notes_say_what_stands_out():
    count = len(POINTS)
    usual = FaceLandmarks(
        torch.zeros(1, count, 2), torch.ones(1, count), torch.zeros(1, 3), torch.zeros(1), torch.full((1, 2), 0.3), torch.ones(1)
    )
    assert face_notes(usual) == ()
    assert "side by about 40 degrees" in face_notes(replace(usual, pose=torch.tensor([[-40.0, 0, 0]])))[0]
    assert "down by about 30" in face_notes(replace(usual, pose=torch.tensor([[0, 30.0, 0]])))[0]
    assert "eyes seem to be closed" in face_notes(replace(usual, lid_opening=torch.full((1, 2), 0.02)))[0]
    assert "mouth is wide open" in face_notes(replace(usual, lip_opening=torch.tensor([0.4])))[0]
    hidden = replace(usual, visible=torch.zeros(1, count), lip_opening=torch.tensor([0.4]), lid_opening=torch.zeros(1, 2))
    assert [note.split(" seems")[0] for note in face_notes(hidden)] == ["the mouth", "the left eye", "the right eye"]
    assert face_notes(replace(hidden, is_face=torch.zeros(1))) == ()
