"""Which images a page shows, and all of them as one picture."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

_COLUMNS = 40

# A sheet of CIFAR-10's images takes about 900 bytes of each: 1.1 MB of 3.
MAX_IMAGES = 1200


def most_confident_mistakes(
    probabilities: np.ndarray, labels: np.ndarray, number: int
) -> np.ndarray:
    """Returns the indices of wrong predictions, the surest first."""
    (wrong,) = np.nonzero(probabilities.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[order][:number]


def least_sure_hits(
    probabilities: np.ndarray, labels: np.ndarray, number: int
) -> np.ndarray:
    """Returns the indices of right predictions, the least sure first."""
    (right,) = np.nonzero(probabilities.argmax(axis=1) == labels)
    order = np.argsort(probabilities[right].max(axis=1), kind="stable")
    return right[order][:number]


def of_cells(
    probabilities: np.ndarray,
    labels: np.ndarray,
    number: int,
    num_per_cell: int = 24,
) -> dict[tuple[int, int], list[int]]:
    """Returns the indices of images by (true class, predicted class).

    Every cell gets its surest image before any gets its second one.

    Args:
        number: of images in all, at most.
    """
    predictions = probabilities.argmax(axis=1)
    cells = {}
    for i in np.argsort(-probabilities.max(axis=1), kind="stable").tolist():
        cell = int(labels[i]), int(predictions[i])
        cells.setdefault(cell, []).append(i)
    chosen = {cell: [] for cell in sorted(cells)}
    for rank in range(num_per_cell):
        for cell in chosen:
            if rank < len(cells[cell]) and number:
                chosen[cell].append(cells[cell][rank])
                number -= 1
    return {cell: indices for cell, indices in chosen.items() if indices}


def data_uri(picture: Image.Image, form: str, **options: Any) -> str:
    """Returns a picture as a page holds it, in a format of Pillow's."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    encoded = base64.b64encode(file.getvalue()).decode()
    return f"data:image/{form.lower()};base64,{encoded}"


class ImageSheet:
    """Images side by side in one picture, which a page cuts out again.

    Attributes:
        num_columns, num_rows: of the sheet.
        data_uri: the picture, as WebP of a quality that looks lossless.
    """

    num_columns = _COLUMNS

    def __init__(self, images: np.ndarray, indices: np.ndarray):
        """Draws the images of these indices, each once.

        images: uint8 [num_examples, height, width, 3].
        """
        unique = list(dict.fromkeys(map(int, indices)))
        self._places = {index: place for place, index in enumerate(unique)}
        height, width = images.shape[1:3]
        self.num_rows = max(-(-len(unique) // _COLUMNS), 1)
        sheet = np.zeros(
            (self.num_rows * height, _COLUMNS * width, 3), np.uint8
        )
        for index, place in self._places.items():
            row, column = divmod(place, _COLUMNS)
            top, left = row * height, column * width
            sheet[top : top + height, left : left + width] = images[index]
        self.data_uri = data_uri(
            Image.fromarray(sheet), "WEBP", quality=90, method=2
        )

    def place(self, index: int) -> tuple[int, int]:
        """Returns the column and the row of an image."""
        row, column = divmod(self._places[int(index)], _COLUMNS)
        return column, row
