"""Charts as SVG, with the values that a page shows under the pointer.

Colours come from the page's style sheet, which knows light, dark and print;
lines are told apart by dashes, too.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 420, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 18, 10, 40


@dataclasses.dataclass(frozen=True)
class Series:
    """A line of a chart; None is a gap.

    Attributes:
        style: a number from 1 on, which the style sheet gives a colour.
    """

    name: str
    values: Sequence[float | None]
    style: int


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart and what it says in words.

    Attributes:
        svg: the picture.
        series: of its legend.
        positions: where its points are, as shares of the width.
        readouts: what is said of each point.
    """

    title: str
    svg: Markup
    series: Sequence[Series]
    positions: list[float]
    readouts: list[str]


class _Plane:
    """Two axes, from data to the picture's units."""

    def __init__(self, x_range, y_range):
        self.x_range, self.y_range = x_range, y_range

    def x(self, value: float) -> float:
        low, high = self.x_range
        share = (value - low) / ((high - low) or 1)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        low, high = self.y_range
        share = (value - low) / ((high - low) or 1)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP), 1)

    def frame(
        self, x_label: str, y_format: str, x_ticks: Sequence[tuple[float, str]]
    ) -> list[str]:
        """Returns grid, ticks (value, text) and the label of the x axis."""
        bottom = _HEIGHT - _BOTTOM
        parts = []
        values = ticks(*self.y_range)
        y_form = _fine_enough(y_format, values)
        for value in values:
            y = self.y(value)
            parts.append(
                f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
                f'y1="{y}" y2="{y}"/><text x="{_LEFT - 6}" y="{y + 4}" '
                f'text-anchor="end">{value:{y_form}}</text>'
            )
        for value, text in x_ticks:
            parts.append(
                f'<text x="{self.x(value)}" y="{bottom + 17}" '
                f'text-anchor="middle">{escape(text)}</text>'
            )
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        parts.append(
            f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
            f'y1="{bottom}" y2="{bottom}"/><text x="{middle}" '
            f'y="{_HEIGHT - 5}" text-anchor="middle">{escape(x_label)}</text>'
        )
        return parts

    def line(self, xs: Sequence[float], series: Series, dots: bool) -> str:
        """Returns a line through the points, and the points themselves."""
        points = [
            (self.x(x), self.y(y))
            for x, y in zip(xs, series.values, strict=True)
            if y is not None
        ]
        path = " ".join(f"{x},{y}" for x, y in points)
        circles = "".join(
            f'<circle cx="{x}" cy="{y}" r="2.5"/>' for x, y in points
        )
        return (
            f'<g class="series s{series.style}"><polyline points="{path}"/>'
            f"{circles if dots or len(points) == 1 else ''}</g>"
        )


def line_chart(
    title: str,
    xs: Sequence[float],
    series: Sequence[Series],
    readout: Callable[[int], str],
    *,
    x_label: str,
    y_format: str,
    x_format: str = "g",
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
) -> Chart:
    """Draws values over common xs.

    Args:
        readout: returns what is said of the point at an index.
        y_format, x_format: of the ticks, as ".0%".
        x_range, y_range: of the axes; None: of the values.
    """
    values = [v for s in series for v in s.values if _is_number(v)]
    if not x_range:  # a single point stands in the middle
        single = 0.5 if len(xs) == 1 else 0
        x_range = min(xs) - single, max(xs) + single
    plane = _Plane(
        x_range,
        y_range or _with_margin(min(values, default=0), max(values, default=1)),
    )
    dots = len(xs) <= 40
    lines = [
        plane.line(xs, dataclasses.replace(s, values=_finite(s.values)), dots)
        for s in series
    ]
    x_ticks = _with_text(ticks(*x_range, whole=x_format == "g"), x_format)
    return Chart(
        title,
        _svg(title, plane.frame(x_label, y_format, x_ticks) + lines),
        series,
        [plane.x(x) / _WIDTH for x in xs],
        [readout(i) for i in range(len(xs))],
    )


def scatter_chart(
    title: str,
    points: Sequence[tuple[float, float, str]],
    *,
    x_label: str,
    y_format: str,
    x_ticks: Sequence[tuple[float, str]],
) -> Chart:
    """Draws points (x, y, what is said of it), with ticks (x, text)."""
    points = sorted(points)
    xs = [x for x, _, _ in points] + [x for x, _ in x_ticks]
    ys = [y for _, y, _ in points]
    plane = _Plane(
        _with_margin(min(xs), max(xs)), _with_margin(min(ys), max(ys))
    )
    dots = "".join(
        f'<circle cx="{plane.x(x)}" cy="{plane.y(y)}" r="3.5"/>'
        for x, y, _ in points
    )
    return Chart(
        title,
        _svg(
            title,
            [
                *plane.frame(x_label, y_format, x_ticks),
                f'<g class="series s1">{dots}</g>',
            ],
        ),
        (),
        [plane.x(x) / _WIDTH for x, _, _ in points],
        [text for _, _, text in points],
    )


def epoch_chart(
    title: str,
    series: Sequence[Series],
    readout: Callable[[list[tuple[str, float]]], str],
    *,
    y_format: str = ".0%",
) -> Chart:
    """Draws values by epoch, from the first one on; some may end earlier.

    Args:
        readout: returns what is said of an epoch's names and values.
    """
    num_epochs = max(len(s.values) for s in series)
    padded = [
        dataclasses.replace(
            s, values=[*s.values] + [None] * (num_epochs - len(s.values))
        )
        for s in series
    ]

    def read_epoch(i: int) -> str:
        shown = [
            (s.name, s.values[i]) for s in padded if s.values[i] is not None
        ]
        return f"epoch {i + 1}: {readout(shown)}"

    return line_chart(
        title,
        range(1, num_epochs + 1),
        padded,
        read_epoch,
        x_label="epoch",
        y_format=y_format,
    )


def reliability_chart(title: str, bins) -> Chart:
    """Draws accuracy over confidence, against the diagonal.

    bins: a `calibration.Reliability`.
    """
    plane = _Plane((0, 1), (0, 1))
    number = len(bins.counts)
    bars, positions, readouts = [], [], []
    for i, count in enumerate(bins.counts.tolist()):
        if not count:
            continue
        left, right = plane.x(i / number), plane.x((i + 1) / number)
        top = plane.y(bins.accuracy[i])
        bars.append(
            f'<rect class="bar" x="{left + 1}" y="{top}" '
            f'width="{right - left - 2:.1f}" '
            f'height="{plane.y(0) - top:.1f}"/>'
        )
        positions.append((left + right) / 2 / _WIDTH)
        plural = "s" if count > 1 else ""
        readouts.append(
            f"{i / number:.0%} to {(i + 1) / number:.0%} sure: {count:,} "
            f"image{plural}, {bins.confidence[i]:.1%} sure on average, "
            f"{bins.accuracy[i]:.1%} right"
        )
    diagonal = (
        f'<line class="diagonal" x1="{plane.x(0)}" y1="{plane.y(0)}" '
        f'x2="{plane.x(1)}" y2="{plane.y(1)}"/>'
    )
    frame = plane.frame("how sure", ".0%", _with_text(ticks(0, 1), ".0%"))
    svg = _svg(title, [*frame, *bars, diagonal])
    return Chart(title, svg, (), positions, readouts)


def ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Returns about five round numbers from low to high."""
    step = 10 ** math.floor(math.log10((high - low) / 5 or 1))
    step *= next(m for m in (1, 2, 5, 10) if step * m >= (high - low) / 5)
    if whole:
        step = max(1, round(step))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def _with_text(values: Sequence[float], form: str) -> list[tuple[float, str]]:
    return [(value, format(value, form)) for value in values]


def _fine_enough(form: str, values: Sequence[float]) -> str:
    """Returns a form of percents with the digits that tell values apart."""
    if form != ".0%":
        return form
    for finer in (".0%", ".1%", ".2%", ".3%"):
        if len({f"{v:{finer}}" for v in values}) == len(values):
            return finer
    return form


def _with_margin(low: float, high: float) -> tuple[float, float]:
    margin = (high - low) * 0.06 or abs(low) * 0.1 or 1
    return low - margin, high + margin


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _finite(values: Sequence[float | None]) -> list[float | None]:
    return [v if _is_number(v) else None for v in values]


def _svg(title: str, parts: Sequence[str]) -> Markup:
    return Markup(
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}'
        f'<line class="pointer" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/></svg>'
    )
