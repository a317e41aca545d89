"""Writes the tables of flags and models in the documentation anew.

    python docs/tables.py

A table stands between `<!-- flags NAME ... -->`, `<!-- all flags -->` or
`<!-- models -->` and `<!-- end -->`, in README.md or a file beside this one.
What it says comes from where it is declared: `cifar10_tf/settings` and
`cifar10_tf/cli/flags.py`.
"""

import dataclasses
import pathlib
import re

from cifar10_tf.cli import flags
from cifar10_tf.settings.config import Config, make_config
from cifar10_tf.settings.models import MODELS

_HERE = pathlib.Path(__file__).absolute().parent
FILES = (_HERE.parent / "README.md", *sorted(_HERE.glob("*.md")))

_TABLE = re.compile(
    r"(<!-- (flags [\w ]+|all flags|models) -->\n).*?(?=<!-- end)", re.DOTALL
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
        lines = _flags(what.split()[1:])
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


def _flags(names: list[str]) -> list[str]:
    """Returns the first sentence of each flag's help, and its default."""
    return [
        "| flag | meaning | default |",
        "| --- | --- | --- |",
        *(
            f"| `--{name}` | {_help(name).partition('. ')[0].rstrip('.')} "
            f"| {_default(name).partition(' (')[0]} |"
            for name in names
        ),
    ]


def _all_flags() -> list[str]:
    return [
        "| flag | meaning | values | default |",
        "| --- | --- | --- | --- |",
        *(
            f"| `--{name}` | {_help(name)} | {_values(name)} "
            f"| {_default(name)} |"
            for name in _names()
        ),
    ]


def _names() -> list[str]:
    """Returns the flags' names: the settings', then the process's."""
    settings = [field.name for field in dataclasses.fields(Config)]
    module = flags.FLAGS.flags_by_module_dict()[flags.__name__]
    names = [flag.name for flag in module]
    return settings + [name for name in names if name not in settings]


def _setting(name: str) -> dataclasses.Field | None:
    fields = {field.name: field for field in dataclasses.fields(Config)}
    return fields.get(name)


def _help(name: str) -> str:
    if setting := _setting(name):
        return setting.metadata["help"]
    return " ".join(flags.FLAGS[name].help.split())


def _values(name: str) -> str:
    if setting := _setting(name):
        valid = setting.metadata["valid"]
        if valid.choices:
            return ", ".join(map("`{}`".format, valid.choices))
        return valid.text
    parser = flags.FLAGS[name].parser
    return getattr(parser, "syntactic_help", "")


def _default(name: str) -> str:
    if setting := _setting(name):
        return flags.describe_default(setting)
    value = flags.FLAGS[name].default
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}"


def main() -> None:
    """Does what this file's docstring says."""
    for path in FILES:
        text = path.read_text("utf-8")
        if (new := with_tables(text)) != text:
            path.write_text(new, "utf-8")
            print(f"{path.relative_to(_HERE.parent)}: written anew")


if __name__ == "__main__":
    main()
