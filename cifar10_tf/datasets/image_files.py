"""Image files of any size and kind -> what a network takes."""

import collections
import concurrent.futures
import itertools
import os
import stat
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cifar10_tf.settings.command_options import CROPS
from cifar10_tf.system import inventory

SIZE = 32

# Some of Pillow's other readers start programs or know no limits.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_PNG = b"\x89PNG\r\n\x1a\n"

# 200 MB as RGB, since Pillow has 4 bytes for 3; more than the 8064 x 6048 of a
# telephone. A PNG of 8 KB can decode to more.
_MAX_PIXELS = 50_000_000

# Pillow reads them in Python: a million pixels take seconds.
_SLOW = {
    "bmp_rle": "a BMP that is run-length coded and large",
    "ppm": "a PPM whose values do not end at 255 or 65535, and large",
    "ppm_plain": "a PPM written as text and large",
}
_MAX_SLOW_PIXELS = 1_000_000

# Pillow takes 9 s over a million chunks of text. Those of an image of 50
# million pixels are hardly more than 20,000, of 8 KB.
_MAX_CHUNKS = 100_000

# Converted at a time, where an image is larger: 4 MB.
_BAND = 1_000_000

# Files a task: one for each would cost memory.
_CHUNK = 16


def read_all(
    files: Iterable[str | os.PathLike | BinaryIO], *, crop: str = "center"
) -> Iterator[np.ndarray | ValueError]:
    """Yields each of many image files, in order, or why it can't be used.

    Decodes on all cores, a few hundred files ahead of what is taken. For the
    rest as `read`.
    """
    files = iter(files)
    num_cpus = inventory.num_cpus()
    pool = concurrent.futures.ThreadPoolExecutor(num_cpus)
    ahead = collections.deque()
    try:
        while chunk := list(itertools.islice(files, _CHUNK)):
            ahead.append(pool.submit(_read_chunk, chunk, crop))
            if len(ahead) > 8 * num_cpus:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()
    finally:  # interrupted, it doesn't finish them all first
        pool.shutdown(cancel_futures=True)


def _read_chunk(files: list, crop: str) -> list[np.ndarray | ValueError]:
    return [_read_or_error(file, crop) for file in files]


def _read_or_error(file, crop: str) -> np.ndarray | ValueError:
    try:
        return read(file, crop=crop)
    except ValueError as error:
        return error


def read(
    file: str | os.PathLike | BinaryIO, *, crop: str = "center"
) -> np.ndarray:
    """Returns an image file as the network takes it, uint8 [32, 32, 3].

    Of an animation it is the first frame; a photograph is turned upright as its
    EXIF data say. Then as `fit` does.

    Args:
        file: a path, or what has been opened.
        crop: as of `fit`.

    Raises:
        ValueError: it is no image file, is broken, has more than 50 million
            pixels, or would take Pillow long; says which, without the path.
    """
    try:
        if not isinstance(file, str | os.PathLike):
            return _read(file, crop)
        # Opening a pipe would wait for a writer.
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise ValueError("not a file")
        with open(file, "rb") as opened:
            return _read(opened, crop)
    except UnidentifiedImageError as error:
        raise ValueError("not an image") from error
    except Image.DecompressionBombError as error:  # by the header, too
        raise ValueError(f"more than {_MAX_PIXELS:,} pixels") from error
    except Exception as error:  # Pillow's readers raise many kinds
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(reason or type(error).__name__) from error


def num_pixels(file: BinaryIO) -> int:
    """Returns how many pixels an opened file says it has; 0 if it is none."""
    try:
        with _open(file) as image:
            return image.width * image.height
    except Image.DecompressionBombError:
        return 2 * _MAX_PIXELS
    except Exception:  # as in `read`, which says so
        return 0
    finally:
        file.seek(0)


def _open(file: BinaryIO) -> Image.Image:
    """Reads the header only, and not that of a PNG with too many chunks."""
    if file.read(len(_PNG)) == _PNG:
        for _ in range(_MAX_CHUNKS):
            header = file.read(8)  # length and kind; a checksum is at the end
            if len(header) < 8:
                break
            file.seek(int.from_bytes(header[:4], "big") + 4, os.SEEK_CUR)
        else:
            raise ValueError(f"a PNG of more than {_MAX_CHUNKS:,} chunks")
    file.seek(0)
    return Image.open(file, formats=_FORMATS)


def _read(file: BinaryIO, crop: str) -> np.ndarray:
    if not file.read(1):
        raise ValueError("empty")
    file.seek(0)
    with _open(file) as image:
        width, height = image.size
        if width * height > _MAX_PIXELS:
            raise ValueError(
                f"{width} x {height} pixels, more than {_MAX_PIXELS:,}"
            )
        codec = image.tile[0][0] if image.tile else ""
        if codec in _SLOW and width * height > _MAX_SLOW_PIXELS:
            raise ValueError(_SLOW[codec])
        # A large JPEG is decoded smaller, by averaging: several times as fast.
        image.draft(None, (4 * SIZE, 4 * SIZE))
        ImageOps.exif_transpose(image, in_place=True)  # else always a copy
        return fit(image, crop=crop)


def fit(image: Image.Image, *, crop: str = "center") -> np.ndarray:
    """Returns an image as RGB at 32 x 32 pixels, uint8 [32, 32, 3].

    Resizing is bicubic, with antialiasing. What is transparent becomes white,
    and of 16 bits the upper 8 are kept.

    Args:
        crop: "center" takes the middle square: both ends of the longer side are
            cut off, and what is shown keeps its proportions. "squash" takes all
            of it.

    Raises:
        ValueError: its pixels have no known range (32 bits), or there is no
            such crop.
    """
    if crop not in CROPS:
        raise ValueError(f"crop must be {' or '.join(CROPS)}, got {crop!r}")
    if image.format == "PPM" and image.mode == "I":  # 16 bits, for all that
        image = image.convert("I;16")
    width, height = image.size
    if width * height > _BAND:
        factor = max(min(width, height) // (4 * SIZE), 1)
        image = _reduced(image, factor)
        width, height = width / factor, height / factor
    else:
        image = _to_rgb(image)
    left = top = 0
    if crop == "center":
        left, top = max(width - height, 0) / 2, max(height - width, 0) / 2
    return np.asarray(
        image.resize(
            (SIZE, SIZE),
            Image.Resampling.BICUBIC,
            (left, top, width - left, height - top),
        )
    )


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """Averages squares of `factor` pixels a side, and makes it RGB.

    In bands: a 7000 x 7000 image with transparency, 196 MB in memory, needed
    959 MB when all of it was converted at once.
    """
    width, height = image.size
    reduced = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    band = factor * max(_BAND // (factor * width), 1)
    for top in range(0, height, band):
        box = (0, top, width, min(top + band, height))
        part = _to_rgb(image.crop(box)).reduce(factor)
        reduced.paste(part, (0, top // factor))
    return reduced


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
