"""What is said of a name that nobody knows."""

import difflib
from collections.abc import Iterable


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Returns the message for it: what was meant, perhaps, and what there is.

    Args:
        kind: what it would be a name of, as "model".
    """
    known = list(known)
    close = difflib.get_close_matches(name.lower(), known)
    meant = f"did you mean {' or '.join(close)}? Choose" if close else "choose"
    return f"Unknown {kind} {name!r}; {meant} from {', '.join(known)}."
