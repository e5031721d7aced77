"""Every error that Trocar raises on purpose, with its exit code and HTTP status.

The message of each is one sentence for the person who gave the input: what is wrong and what to do.
Anything else that is raised is a fault of ours (exit code 1, HTTP 500).
"""

from __future__ import annotations


class TrocarError(Exception):
    """Root of the errors raised on purpose; shown to the user without a traceback."""

    exit_code = 1
    http_status = 500


class UsageError(TrocarError):
    """The question was put wrongly: an option is missing, unknown, or contradicts another."""

    exit_code = 2
    http_status = 400


class InputRefused(TrocarError):
    """A file or value cannot be used: broken, of another kind, or without what planning needs."""

    exit_code = 4
    http_status = 422


class SeriesChoice(InputRefused):
    """Several CT series (or phases of one) would serve; the caller has to choose.

    ``choices`` holds one (identifier, description) pair each, in the order shown.
    """

    def __init__(self, message: str, choices: tuple[tuple[str, str], ...]) -> None:
        super().__init__(message)
        self.choices = choices


class ProtocolMistake(InputRefused):
    """A protocol or department file is wrong; the message names file, line and key."""


class NotConfigured(InputRefused):
    """The department has not approved a value that this answer needs."""


class SampleUnavailable(TrocarError):
    """A sample could not be fetched or does not match its checksum."""

    exit_code = 4
    http_status = 503
