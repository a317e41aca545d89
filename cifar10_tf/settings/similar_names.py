"""What is said of a name that nobody knows."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns the question which known name was meant; "" if none is close."""
    close = difflib.get_close_matches(name.lower(), known)
    return f"did you mean {' or '.join(close)}? " if close else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Returns the message for it: what was meant, perhaps, and what there is.

    Args:
        kind: what it would be a name of, as "model".
    """
    known = list(known)
    question = did_you_mean(name, known)
    choose = f"{question}Choose" if question else "choose"
    return f"Unknown {kind} {name!r}; {choose} from {', '.join(known)}."
