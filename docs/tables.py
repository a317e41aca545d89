"""Writes the tables of flags and models in the documentation anew.

    python docs/tables.py

A table stands between `<!-- flags of COMMAND: NAME ... -->`, `<!-- models -->`
or `<!-- all flags -->` and `<!-- end -->`, in README.md or a file beside this
one.
What it says comes from where it is declared: `cifar10_tf/settings` and
`cifar10_tf/cli/flags.py`.
"""

import dataclasses
import pathlib
import re

from cifar10_tf.cli import flags
from cifar10_tf.settings.command_options import COMMAND_OPTIONS
from cifar10_tf.settings.config import make_config
from cifar10_tf.settings.models import MODELS

_HERE = pathlib.Path(__file__).absolute().parent
FILES = (_HERE.parent / "README.md", *sorted(_HERE.glob("*.md")))

_TABLE = re.compile(
    r"(<!-- (flags of [\w ]+: [\w ]+|all flags|models) -->\n)"
    r".*?(?=<!-- end)",
    re.DOTALL,
)


def with_tables(text: str) -> str:
    """Returns a document with its tables as they should be."""
    return _TABLE.sub(lambda match: match[1] + _table(match[2]), text)


def _table(what: str) -> str:
    if what == "models":
        lines = _models()
    elif what == "all flags":
        lines = _all_flags()
    else:
        command, names = what.removeprefix("flags of ").split(": ")
        lines = _flags(command, names.split())
    return "\n".join(lines) + "\n"


def _models() -> list[str]:
    return [
        "| model | parameters | epochs | published test accuracy, **not "
        "reproduced here** |",
        "| --- | ---: | ---: | --- |",
        *(
            f"| `{name}` | {model.num_params:,} "
            f"| {make_config(model=name).epochs} | {model.published} |"
            for name, model in MODELS.items()
        ),
    ]


def _flags(command: str, names: list[str]) -> list[str]:
    """Returns the first sentence of each flag's help, and its default."""
    lines = ["| flag | meaning | default |", "| --- | --- | --- |"]
    for name in names:
        meaning, _, default = flags.describe(name, command)
        meaning = meaning.partition(". ")[0].rstrip(".")
        default = default.partition(":")[0]
        lines.append(f"| `--{name}` | {_cell(meaning)} | {_cell(default)} |")
    return lines


def _all_flags() -> list[str]:
    return [
        "| flag | meaning | values | default |",
        "| --- | --- | --- | --- |",
        *(
            f"| `--{name}` | {' | '.join(map(_cell, flags.describe(name)))} |"
            for name in flags.OF_TRAINING
        ),
        *(
            f"| `{command} --{field.name}` | "
            f"{' | '.join(map(_cell, flags.describe(field.name, command)))} |"
            for command, options in COMMAND_OPTIONS.items()
            for field in dataclasses.fields(options)
        ),
    ]


def _cell(text: str) -> str:
    """Returns a text as it stands in a table."""
    return text.replace("|", "\\|")


def main() -> None:
    """Does what this file's docstring says."""
    for path in FILES:
        text = path.read_text("utf-8")
        if (new := with_tables(text)) != text:
            path.write_text(new, "utf-8")
            print(f"{path.relative_to(_HERE.parent)}: written anew")


if __name__ == "__main__":
    main()
