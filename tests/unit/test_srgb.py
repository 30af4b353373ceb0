"""Colors of every profile as sRGB, against the colorimetry of the standards, and images turned upright."""

import struct
import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from float_core.face.pixels import BACKDROP, rgb_pixels
from float_core.srgb import upright_srgb

# Primaries and white as x, y, and the exponent of the tone curve (None: that of sRGB).
DISPLAY_P3 = ([(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)], (0.3127, 0.3290), None)
PROPHOTO = ([(0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)], (0.3457, 0.3585), 1.8)
ADOBE = ([(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)], (0.3127, 0.3290), 563 / 256)
SRGB = ([(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)], (0.3127, 0.3290), None)
D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
COLORS = np.array([[200, 150, 120], [90, 60, 50], [128, 128, 128], [40, 90, 130], [250, 250, 250], [5, 9, 7]], np.uint8)


def to_d50(space) -> np.ndarray:
    """The matrix from linear RGB to XYZ under D50."""
    primaries, white, _ = space
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    white_xyz = np.array([white[0] / white[1], 1, (1 - sum(white)) / white[1]])
    matrix = columns * np.linalg.solve(columns, white_xyz)
    adaptation = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ D50) / (BRADFORD @ white_xyz)) @ BRADFORD
    return adaptation @ matrix


def linear(levels, exponent):
    unit = np.asarray(levels) / 255
    return unit**exponent if exponent else np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)


def as_srgb(levels, space) -> np.ndarray:
    """What the standards say that these colors of `space` are in sRGB."""
    light = linear(levels, space[2]) @ (np.linalg.inv(to_d50(SRGB)) @ to_d50(space)).T
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def curve(exponent) -> bytes:
    if exponent:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256)) + b"\0\0"
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + b"".join(fixed(v) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))


def profile(space, *, kind=b"RGB ") -> bytes:
    """An ICC file, version 4, of a matrix and a curve; of a curve only if `kind` is gray."""
    text = b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 8, 28) + "test".encode("utf-16-be")
    tags = {b"desc": text, b"cprt": text, b"wtpt": b"XYZ \0\0\0\0" + b"".join(map(fixed, D50))}
    if kind == b"GRAY":
        tags[b"kTRC"] = curve(space[2])
    else:
        for name, column in zip((b"r", b"g", b"b"), to_d50(space).T, strict=True):
            tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + b"".join(map(fixed, column))
            tags[name + b"TRC"] = curve(space[2])
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s12s4s", 132 + 12 * len(tags) + len(body), b"", 0x04200000, b"mntr", kind, b"XYZ ", b"", b"acsp")
    header = header.ljust(68, b"\0") + b"".join(map(fixed, D50))
    return header.ljust(128, b"\0") + table + body


def with_profile(image: Image.Image, icc: bytes) -> Image.Image:
    image.info["icc_profile"] = icc
    return image


@pytest.mark.parametrize("space", [DISPLAY_P3, PROPHOTO, ADOBE], ids=["Display P3", "ProPhoto", "Adobe RGB"])
@pytest.mark.parametrize("through", ["the image", "a PNG", "a JPEG", "an opened file"])
def test_colors_are_those_of_the_standards(tmp_path, space, through):
    image = with_profile(Image.fromarray(COLORS[None].repeat(16, 0).repeat(16, 1)), profile(space))
    path = tmp_path / ("a.jpg" if through == "a JPEG" else "a.png")
    if through != "the image":
        image.save(path, icc_profile=image.info["icc_profile"], quality=100, subsampling=0)
        image = Image.open(path)
    expected = as_srgb(COLORS, space)
    assert np.abs(expected - COLORS).max() > 8  # or nothing is shown
    found = rgb_pixels(image) if through == "an opened file" else np.asarray(upright_srgb(image))
    assert np.abs(found[8, 8::16] - expected).max() < (4 if through == "a JPEG" else 2.1)


def test_srgb_itself_changes_no_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for icc in (profile(SRGB), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        image = upright_srgb(with_profile(Image.fromarray(pixels), icc))
        assert np.array_equal(np.asarray(image), pixels) and "icc_profile" not in image.info


def test_transparency_is_kept():
    rgba = np.dstack([COLORS[None], np.array([[0, 40, 80, 120, 200, 255]], np.uint8)])
    found = np.asarray(upright_srgb(with_profile(Image.fromarray(rgba), profile(DISPLAY_P3))))
    assert np.array_equal(found[..., 3], rgba[..., 3]) and np.abs(found[0, :, :3] - as_srgb(COLORS, DISPLAY_P3)).max() < 2.1
    assert rgb_pixels(with_profile(Image.fromarray(rgba), profile(DISPLAY_P3)))[0, 0].tolist() == [BACKDROP] * 3
    palette = Image.fromarray(COLORS[None]).convert("P", palette=Image.Palette.ADAPTIVE)
    palette.info["transparency"] = palette.getpixel((2, 0))
    found = np.asarray(upright_srgb(with_profile(palette, profile(DISPLAY_P3))))
    assert found[0, :, 3].tolist() == [255, 255, 0, 255, 255, 255]
    assert np.abs(found[0, :, :3] - as_srgb(COLORS, DISPLAY_P3)).max() < 2.1


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16", "I"])
def test_gray_with_a_profile(mode):
    """Linear light of a scanner. An RGB profile on a gray image is that of the camera that made it."""
    levels = np.array([[0, 0, 255, 255]] if mode == "1" else [[0, 30, 120, 255]], np.uint8)
    image = Image.fromarray(levels)
    if mode in ("I;16", "I"):
        image = Image.fromarray(levels.astype(np.uint16 if mode == "I;16" else np.int32) * 257)
    image = image if image.mode == mode else image.convert(mode)
    for icc in (profile((*SRGB[:2], 1.0), kind=b"GRAY"), profile((*SRGB[:2], 1.0))):
        found = np.asarray(upright_srgb(with_profile(image, icc)))
        expected = as_srgb(levels[0][:, None].repeat(3, 1), (*SRGB[:2], 1.0))
        assert np.abs(found[0, :, :3] - expected).max() < 2.1
        assert found.shape[2] == (4 if mode == "LA" else 3)


def test_gray_without_a_profile_keeps_its_sixteen_bits():
    levels = np.array([[0, 3000, 40000, 65535]], np.uint16)
    assert np.array_equal(np.asarray(upright_srgb(Image.fromarray(levels))), levels)


def test_print_colors(tmp_path):
    """CMYK: with the profile of a printer its colors are the profile's, without one those of ideal inks."""
    inks = np.array([[[0, 0, 0, 0], [0, 255, 255, 0], [0, 0, 0, 255], [255, 255, 0, 0]]], np.uint8)
    plain = upright_srgb(Image.fromarray(inks, "CMYK"))
    assert plain.mode == "RGB" and plain.getpixel((0, 0)) == (255, 255, 255) and plain.getpixel((1, 0)) == (255, 0, 0)
    image = with_profile(Image.fromarray(inks, "CMYK"), printer_profile())
    found = np.asarray(upright_srgb(image)).astype(int)
    assert found.shape == (1, 4, 3)
    assert np.abs(found[0] - np.array([[255], [188], [0], [188]])).max() < 5
    image.save(tmp_path / "a.jpg", icc_profile=image.info["icc_profile"], quality=100)
    with Image.open(tmp_path / "a.jpg") as saved:
        assert saved.mode == "CMYK" and rgb_pixels(saved).shape == (1, 4, 3)


def printer_profile() -> bytes:
    """An ICC file, version 2, of a printer with gray inks: L* 100 without ink, 0 with black, 76.07 (half of the light) with any other."""
    paper, half = struct.pack(">3H", 0xFF00, 0x8000, 0x8000), struct.pack(">3H", round(76.07 * 652.8), 0x8000, 0x8000)
    black = struct.pack(">3H", 0, 0x8000, 0x8000)
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    ramp = struct.pack(">2H", 0, 65535)
    table = b"".join((paper if color == 0 else half) + black for color in range(8))
    lut = b"mft2\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + struct.pack(">HH", 2, 2) + ramp * 4 + table + ramp * 3
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 78
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0test\0", b"wtpt": b"XYZ \0\0\0\0" + b"".join(map(fixed, D50)), b"A2B0": lut}
    head, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        head += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s12s4s", 132 + 12 * len(tags) + len(body), b"", 0x02400000, b"prtr", b"CMYK", b"Lab ", b"", b"acsp")
    header = header.ljust(68, b"\0") + b"".join(map(fixed, D50))
    return header.ljust(128, b"\0") + head + body


@pytest.mark.parametrize("mode", ["LAB", "YCbCr", "HSV"])
def test_other_spaces_become_rgb(mode):
    image = Image.fromarray(COLORS[None])
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    else:
        image = image.convert(mode)
    assert upright_srgb(image).mode == "RGB"
    if mode != "LAB":
        assert upright_srgb(with_profile(image.copy(), profile(SRGB))).mode == "RGB"
    assert np.abs(rgb_pixels(image)[0].astype(int) - COLORS).max() < 8


def test_a_damaged_or_foreign_profile_is_said_and_not_used():
    whole = profile(DISPLAY_P3)
    cases = {
        "noise": bytes(range(256)) * 3,
        "cut": whole[:140],
        "no curve": whole.replace(b"rTRC", b"xTRC"),
        "for print": printer_profile(),
        "for gray": profile(SRGB, kind=b"GRAY"),
    }
    for name, icc in cases.items():
        with pytest.warns(UserWarning, match="color profile of the image cannot be used"):
            assert np.array_equal(np.asarray(upright_srgb(with_profile(Image.fromarray(COLORS[None]), icc)))[0], COLORS), name
    with pytest.warns(UserWarning, match="for RGB, the image is CMYK"):
        assert upright_srgb(with_profile(Image.new("CMYK", (2, 2)), whole)).mode == "RGB"


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_is_pillows(turn):
    image = Image.fromarray(np.random.default_rng(turn).integers(0, 255, (7, 5, 3), dtype=np.uint8))
    exif = image.getexif()
    exif[0x0112] = turn
    image.info["exif"] = exif.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        upright = upright_srgb(image)
    assert np.array_equal(np.asarray(upright), np.asarray(ImageOps.exif_transpose(image)))
    assert np.array_equal(np.asarray(upright_srgb(upright)), np.asarray(upright))
