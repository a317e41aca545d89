"""Fonts for class names of any script."""

import functools
from collections.abc import Iterable

import matplotlib
from matplotlib import font_manager

# Those that have Chinese, Japanese and Korean characters, of Linux and macOS.
_CJK = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Source Han Sans",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "IPAexGothic",
    "IPAGothic",
    "Droid Sans Fallback",
    "Hiragino Sans",
    "PingFang SC",
    "Arial Unicode MS",
)


@functools.cache
def families() -> tuple[str, ...]:
    """Returns the fonts to take characters from, the first that has one."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ("DejaVu Sans", *(name for name in _CJK if name in installed))


# A class or a folder may have dollars in its name: no mathematics in a figure
# that is drawn by a function with this decorator.
plain_text = matplotlib.rc_context(
    {"text.parse_math": False, "font.family": families()}
)


def missing(texts: Iterable[str]) -> str:
    """Returns the characters that none of the fonts has."""
    known = set()
    for family in families():
        path = font_manager.findfont(family)
        known |= font_manager.get_font(path).get_charmap().keys()
    return "".join(sorted({c for t in texts for c in t if ord(c) not in known}))
