"""The one exception that the command line turns into an `error:` line."""

NOT_ON_WINDOWS = (
    "cifar10_tf runs on Linux and macOS; on Windows install it in WSL2."
)


class UserError(ValueError):
    """Something the user can mend; the message says what and how, in a line."""
