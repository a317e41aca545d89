"""Image files of any size and kind -> what a network takes."""

import os
import stat
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

SIZE = 32

# Some of Pillow's other readers start programs or know no limits.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")

# 150 MB as RGB; more than the 8064 x 6048 of a telephone. A PNG of 8 KB can
# decode to more.
_MAX_PIXELS = 50_000_000


def read(path: str | os.PathLike) -> np.ndarray:
    """Returns an image file as the network takes it, uint8 [32, 32, 3].

    Of an animation it is the first frame; a photograph is turned upright as its
    EXIF data say. Then as `fit` does.

    Raises:
        ValueError: it is no image file, is broken, or has more than 50 million
            pixels; says which, without the path.
    """
    try:
        # Opening a pipe would wait for a writer.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ValueError("not a file")
        with open(path, "rb") as file:
            return _read(file)
    except UnidentifiedImageError as error:
        size = os.path.getsize(path)
        raise ValueError("not an image" if size else "empty") from error
    except Image.DecompressionBombError as error:  # by the header, too
        raise ValueError(f"more than {_MAX_PIXELS:,} pixels") from error
    except Exception as error:  # Pillow's readers raise many kinds
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(reason or type(error).__name__) from error


def _read(file: BinaryIO) -> np.ndarray:
    with Image.open(file, formats=_FORMATS) as image:  # reads the header only
        width, height = image.size
        if width * height > _MAX_PIXELS:
            raise ValueError(
                f"{width} x {height} pixels, more than {_MAX_PIXELS:,}"
            )
        # A large JPEG is decoded smaller, by averaging: several times as fast.
        image.draft(None, (4 * SIZE, 4 * SIZE))
        return fit(ImageOps.exif_transpose(image))


def fit(image: Image.Image) -> np.ndarray:
    """Returns an image as RGB, its middle square at 32 x 32, uint8 [32, 32, 3].

    The longer side is cropped at both ends: what is shown keeps its
    proportions. Resizing is bicubic, with antialiasing. What is transparent
    becomes white, and of 16 bits the upper 8 are kept.

    Raises:
        ValueError: its pixels have no known range (32 bits).
    """
    image = _to_rgb(image)
    if image.size != (SIZE, SIZE):
        image = ImageOps.fit(image, (SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("32 bits a pixel, of no known range")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
