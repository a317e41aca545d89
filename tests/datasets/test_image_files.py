import itertools
import os
import pathlib
import struct
import warnings
import zlib
from unittest import mock

import numpy as np
from absl.testing import absltest, parameterized
from PIL import Image

from cifar10_tf.datasets import image_files

_RED = (200, 40, 40)


def _scene(size=(64, 48), color=_RED):
    """Returns a picture, blue left of the middle and `color` right of it."""
    image = Image.new("RGB", size, color)
    image.paste((30, 60, 200), (0, 0, size[0] // 2, size[1]))
    return image


class ReadTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.create_tempdir().full_path)
        self.path = self.directory / "image"

    def _read(self, image, file_format="PNG", **options):
        image.save(self.path, file_format, **options)
        result = image_files.read(self.path)
        self.assertEqual(result.shape, (32, 32, 3))
        self.assertEqual(result.dtype, np.uint8)
        return result.astype(int)

    def _assert_scene(self, result, tolerance):
        np.testing.assert_allclose(result[16, 28], _RED, atol=tolerance)
        np.testing.assert_allclose(result[16, 3], (30, 60, 200), atol=tolerance)

    @parameterized.parameters(
        ("PNG", 1), ("BMP", 1), ("TIFF", 1), ("PPM", 1), ("GIF", 3),
        ("JPEG", 8), ("WEBP", 12),
    )  # fmt: skip
    def test_formats(self, file_format, tolerance):
        self._assert_scene(self._read(_scene(), file_format), tolerance)

    @parameterized.parameters("P", "RGBA", "CMYK", "YCbCr")
    def test_modes(self, mode):
        file_format = {"CMYK": "TIFF", "YCbCr": "JPEG"}.get(mode, "PNG")
        scene = _scene().convert(mode, palette=Image.Palette.ADAPTIVE)
        result = self._read(scene, file_format)
        self._assert_scene(result, 8)

    def test_grey(self):
        grey = np.full((40, 50), 77)
        for pixels in (grey.astype(np.uint8), (grey * 257).astype(np.uint16)):
            result = self._read(Image.fromarray(pixels))
            np.testing.assert_array_equal(result, 77)

    @parameterized.parameters(b"P5 40 50 65535\n", b"P5 40 50 4095\n")
    def test_16_bits_of_pgm(self, header):
        largest = int(header.split()[-1])
        pixels = np.full(40 * 50, largest * 77 // 255, ">u2")
        self.path.write_bytes(header + pixels.tobytes())
        result = image_files.read(self.path).astype(int)
        np.testing.assert_allclose(result, 77, atol=1)

    def test_one_bit(self):
        result = self._read(Image.new("1", (5, 5), 1))
        np.testing.assert_array_equal(result, 255)

    def test_what_is_transparent_becomes_white(self):
        for mode, color in (("RGBA", (9, 9, 9, 0)), ("LA", (9, 0))):
            result = self._read(Image.new(mode, (40, 40), color))
            np.testing.assert_array_equal(result, 255)
        image = Image.new("P", (40, 40), 3)
        image.putpalette([10, 20, 30] * 8)
        np.testing.assert_array_equal(
            self._read(image, transparency=3), np.full((32, 32, 3), 255)
        )

    def test_large_images_are_reduced_first(self):
        colors = {
            "RGB": (9, 99, 200), "RGBA": (9, 99, 200, 128), "LA": (99, 128),
            "L": 77, "1": 1, "I;16": 77 << 8, "CMYK": (9, 99, 200, 3),
        }  # fmt: skip
        for mode, color in colors.items():
            small, large = (
                Image.new(mode, (side, side), color) for side in (100, 517)
            )
            for image in small, large:
                image.paste(0, (0, 0, image.width // 2, image.height))
            with (
                self.subTest(mode),
                mock.patch.object(image_files, "_BAND", 100_000),
            ):
                np.testing.assert_allclose(
                    image_files.fit(large).astype(int)[:, [3, 28]],
                    image_files.fit(small).astype(int)[:, [3, 28]],
                    atol=1,
                )

    @parameterized.parameters("center", "squash")
    def test_reducing_leaves_the_picture_as_it_was(self, crop):
        noise = np.random.RandomState(0).randint(0, 256, (9, 12, 4))
        image = Image.fromarray(noise.astype(np.uint8)).resize((813, 611))
        expected = image_files.fit(image, crop=crop).astype(int)
        with mock.patch.object(image_files, "_BAND", 50_000):
            actual = image_files.fit(image, crop=crop).astype(int)
        np.testing.assert_allclose(actual, expected, atol=4)

    def test_no_large_image_is_converted_whole(self):
        sizes = []

        def to_rgb(image):
            sizes.append(image.width * image.height)
            return image.convert("RGB")

        for size in (2000, 900), (3, 700_000):
            with mock.patch.object(image_files, "_to_rgb", to_rgb):
                image_files.fit(Image.new("LA", size))
        self.assertLessEqual(max(sizes), image_files._BAND)

    def test_a_crop_that_there_is_not(self):
        with self.assertRaisesRegex(ValueError, "center or squash, got 'top'"):
            image_files.fit(_scene(), crop="top")

    def test_exif_turns_it_upright(self):
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned clockwise: left becomes top
        for file_format in ("JPEG", "PNG"):
            result = self._read(_scene(), file_format, exif=exif)
            np.testing.assert_allclose(result[28, 16], _RED, atol=8)
            np.testing.assert_allclose(result[3, 16], (30, 60, 200), atol=8)

    def test_the_first_frame_of_an_animation(self):
        frames = [Image.new("RGB", (40, 40), c) for c in (_RED, "green")]
        result = self._read(
            frames[0], "GIF", save_all=True, append_images=frames[1:]
        )
        np.testing.assert_allclose(result[16, 16], _RED, atol=3)

    def test_the_middle_is_kept_and_not_distorted(self):
        image = Image.new("RGB", (300, 100), "black")
        image.paste("white", (100, 0, 200, 100))
        self.assertGreater(self._read(image)[:, 1:-1].min(), 250)

    def test_resizing_averages(self):
        checks = np.indices((320, 320)).sum(axis=0) % 2 * 255
        result = self._read(Image.fromarray(checks.astype(np.uint8)))
        self.assertBetween(result.min(), 120, 135)
        self.assertBetween(result.max(), 120, 135)

    def test_a_large_jpeg_decoded_small_looks_the_same(self):
        noise = np.random.RandomState(0).randint(0, 256, (90, 100, 3))
        image = Image.fromarray(noise.astype(np.uint8)).resize((1000, 900))
        result = self._read(image, "JPEG", quality=95)
        np.testing.assert_allclose(result, image_files.fit(image), atol=4)

    def test_32_by_32_is_left_as_it_is(self):
        pixels = np.random.RandomState(0).randint(0, 256, (32, 32, 3))
        result = self._read(Image.fromarray(pixels.astype(np.uint8)))
        np.testing.assert_array_equal(result, pixels)

    @parameterized.parameters((1, 1), (2000, 10))
    def test_odd_sizes(self, *size):
        self._read(_scene(size))

    def _assert_refused(self, reason):
        with self.assertRaisesRegex(ValueError, reason):
            image_files.read(self.path)

    def test_no_image(self):
        self._assert_refused("No such file")
        self.path.write_bytes(b"")
        self._assert_refused("^empty$")
        self.path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n")
        self._assert_refused("^not an image$")

    def test_a_pipe_is_not_waited_for(self):
        os.mkfifo(self.path)
        self._assert_refused("not a file")

    @parameterized.parameters("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
    def test_truncated(self, file_format):
        noise = np.random.RandomState(0).randint(0, 256, (60, 60, 3))
        Image.fromarray(noise.astype(np.uint8)).save(self.path, file_format)
        self.path.write_bytes(self.path.read_bytes()[:-1000])
        self._assert_refused(".")

    @parameterized.parameters(8000, 14000)
    def test_a_bomb_is_not_decoded(self, size):
        Image.new("1", (size, size)).save(self.path, "PNG")
        self.assertLess(self.path.stat().st_size, 50_000)
        with mock.patch.object(Image.Image, "load") as load:
            self._assert_refused("more than 50,000,000")
        load.assert_not_called()

    def test_what_pillow_reads_in_python_has_a_limit(self):
        def rle(side):
            header = struct.pack(
                "<2sIIIIiiHHIIIIII", b"BM", 62, 0, 62, 40, side, side, 1, 8,
                1, 0, 0, 0, 2, 0,
            )  # fmt: skip
            return header + bytes(8) + 2 * b"\2\0\0\0" + b"\0\1"

        for small, large, reason in (
            (b"P2 2 1 255 7 7", b"P2 1001 1000 255 7", "PPM written as text"),
            (b"P5 2 1 99 77", b"P5 1001 1000 99 7", "do not end at 255"),
            (rle(2), rle(1001), "BMP that is run-length coded"),
        ):
            with self.subTest(reason):
                self.path.write_bytes(small)
                image_files.read(self.path)
                self.path.write_bytes(large)
                self._assert_refused(f"{reason}.* large")

    def test_a_png_of_too_many_chunks(self):
        _scene().save(self.path, "PNG")
        content = self.path.read_bytes()
        chunk = b"\0\0\0\4tEXtk\0aa"
        chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
        for place in 33, -12:  # before the pixels, and after them
            many = content[:place] + 100 * chunk + content[place:]
            self.path.write_bytes(many)
            image_files.read(self.path)
            with mock.patch.object(image_files, "_MAX_CHUNKS", 50):
                self._assert_refused("a PNG of more than 50 chunks")
                with self.path.open("rb") as file:
                    self.assertEqual(image_files.num_pixels(file), 0)


class ReadAllTest(absltest.TestCase):
    def test_nothing_is_left_of_two_that_take_turns(self):
        path = self.create_tempfile().full_path
        _scene().save(path, "PNG")
        before = [*warnings.filters]
        first, second = (image_files.read_all([path] * 3) for _ in range(2))
        next(first), next(second)
        for _ in itertools.chain(first, second):
            pass
        self.assertEqual(warnings.filters, before)


if __name__ == "__main__":
    absltest.main()
