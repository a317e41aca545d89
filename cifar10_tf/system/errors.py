"""The one exception that the command line turns into an `error:` line."""


class UserError(ValueError):
    """Something the user can mend; the message says what and how, in a line."""
