"""Where CutMix cuts: one box for a batch, as PyTorch and its users have it."""


def box(size: int, area: float, *center: float) -> tuple[slice, slice, float]:
    """Returns rows and columns of a box, and the share that it covers.

    Args:
        size: of the square images.
        area: of the box, in 0 to 1 of the image's, before the border cuts it.
        center: vertical and horizontal, in 0 to 1.
    """
    half = size * area**0.5 / 2
    rows, columns = (
        slice(max(0, round(c * size - half)), min(size, round(c * size + half)))
        for c in center
    )
    num = (rows.stop - rows.start) * (columns.stop - columns.start)
    return rows, columns, num / size**2
