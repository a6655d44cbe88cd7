"""What a person can put right, said so that they can: what happened, where, and what to do."""

from __future__ import annotations


class ContractError(Exception):
    """A fault that the user can mend; printed as one line and a hint, never as a traceback."""

    exit_code = 2

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DocumentError(ContractError):
    """The OpenAPI document cannot be read; the message begins with `file:line:column` where one is known."""


class ConfigError(ContractError):
    """A flag, an environment variable or a key of the config file is wrong."""


class MissingExtra(ContractError):
    """A feature needs packages that the bare distribution does not bring."""

    def __init__(self, feature: str, extra: str, package: str) -> None:
        super().__init__(
            f"{feature} needs `{package}`, which is not installed",
            f"pip install 'contract-drift[{extra}]'",
        )
        self.extra = extra


class TargetError(ContractError):
    """The running API cannot be reached or cannot be started; there is no verdict."""

    exit_code = 3


class SourceError(ContractError):
    """A source of evidence cannot be read; it shows as ERROR, by name, beside the results of the others."""

    exit_code = 3
