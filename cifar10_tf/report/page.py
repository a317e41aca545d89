"""Templates -> one self-contained page that runs no script but ours."""

import base64
import functools
import hashlib
import json
import pathlib
from typing import Any

import jinja2
from markupsafe import Markup

from cifar10_tf.system.atomic_files import replacing
from cifar10_tf.system.errors import UserError
from cifar10_tf.system.version import VERSION

_TEMPLATES = pathlib.Path(__file__).parent / "templates"

# The style of all pages.
STYLE = _TEMPLATES / "page.css"


def write(path: pathlib.Path, template: str, **content: Any) -> None:
    """Writes a page of a template, whole or not at all.

    Raises:
        UserError: it can't be written.
    """
    text = render(template, **content)
    try:
        with replacing(path) as aside:
            aside.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(
            f"{path} can't be written ({error.strerror})."
        ) from error


def render(template: str, **content: Any) -> str:
    """Returns a template's text with this content, which is escaped."""
    return _environment().get_template(template).render(content)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (_TEMPLATES / "page.js").read_text("utf-8")
    digest = hashlib.sha256(script.encode()).digest()
    environment.globals.update(
        script=Markup(script),
        style=Markup(STYLE.read_text("utf-8")),
        version=VERSION,
        script_hash=f"sha256-{base64.b64encode(digest).decode()}",
    )
    environment.filters.update(
        percent=percent,
        data=_data,
        thousands=lambda number: f"{number:,}",
    )
    return environment


def percent(share: float | None, digits: int = 1) -> str:
    """Returns a share as percent; a dash where there is none."""
    return "-" if share is None else f"{share:.{digits}%}"


def _data(value: Any) -> str:
    """Returns JSON for an attribute; it is escaped as any text is."""
    return json.dumps(value, separators=(",", ":"))
