"""Who typed the command, for the audit record."""

import getpass


def operator_name() -> str:
    """Return the account's name; a container may have an account without one."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "command line"
