"""Images from files, good and bad ones. What profiles and orientations do is tested in test_srgb.py."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from float_core.errors import ImageError
from float_core.face.crop import prepare_image
from float_core.media.read_image import read_image

GRADIENT = np.indices((10, 20)).sum(0).astype(np.uint8)[..., None].repeat(3, 2) * 8


def exif_block(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "a camera"
    return exif.tobytes()


@pytest.mark.parametrize(("mode", "name"), [("RGB", "a.jpg"), ("RGBA", "a.png"), ("P", "a.gif"), ("L", "a.webp"), ("I;16", "a.tiff")])
def test_images_are_read_in_their_own_mode(tmp_path, mode, name):
    Image.new(mode, (20, 10)).save(tmp_path / name)
    image = read_image(str(tmp_path / name))
    assert image.size == (20, 10) and image.mode == ("RGB" if name == "a.webp" else mode)
    assert np.asarray(image).shape[:2] == (10, 20)  # loaded: the file is closed


def test_the_first_image_of_an_animation(tmp_path):
    first, second = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 255))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert read_image(tmp_path / "a.gif").convert("RGB").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("name", ["a.png", "a.tiff", "a.webp", "a.jpg"])
def test_an_image_is_upright_once(tmp_path, name):
    Image.fromarray(GRADIENT).save(tmp_path / name, exif=exif_block(6), quality=95, lossless=True)
    image = read_image(tmp_path / name)
    turned = np.rot90(GRADIENT, -1)
    assert image.size == (10, 20) and np.abs(np.asarray(image).astype(int) - turned).max() < 12
    prepared = prepare_image(image, 20, crop=None).image[0].movedim(0, 2).add(1).mul(127.5).numpy()
    assert np.abs(prepared[:, 5:15] - turned).max() < 12  # not turned again


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_a_damaged_exif_block_ends_nothing(tmp_path, name):
    """Wrong byte order, a directory outside of the block, entries without end, a cut block, no block at all."""
    whole = exif_block(6)
    body = whole.removeprefix(b"Exif\0\0")
    damaged = [
        b"XX" + body[2:],
        body[:4] + struct.pack(">L", 2**31) + body[8:],
        body[:8] + b"\xff\xff" + body[10:],
        body[:13],
        body[:3],
        b"\0" * 40,
        body[:10] + b"\xff" * (len(body) - 10),
    ]
    for block in damaged:
        buffer = io.BytesIO()
        Image.fromarray(GRADIENT).save(buffer, {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}[name[2:]], exif=b"Exif\0\0" + block)
        (tmp_path / name).write_bytes(buffer.getvalue())
        image = read_image(tmp_path / name)
        assert sorted(image.size) == [10, 20]  # turned where the orientation can still be read
        assert prepare_image(Image.open(tmp_path / name), 20, crop=None).image.shape == (1, 3, 20, 20)


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
