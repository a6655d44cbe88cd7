"""What the service is told: where it listens, where it keeps things, which checks it may run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.app import configfile
from contract.app.keys import nearest
from contract.core.errors import ConfigError

DATABASE = "sqlite:///contract.db"
VARIABLE = "CONTRACT_DATABASE"
"""Where a database's URL comes from if it holds a password, which no command line should."""


@dataclass(frozen=True)
class ServiceConfig:
    """The table `[service]` of contract.toml, and the flags over it."""

    database: str = DATABASE
    host: str = "127.0.0.1"
    port: int = 8080
    rate: int = 600
    """Requests in a minute of one token, or of one address without a token that holds."""
    burst: int = 120
    """The same at once."""
    max_body_bytes: int = 32 * 1024 * 1024
    max_body_s: int = 60
    """Seconds in which a body must be there as a whole."""
    max_check_s: int = 3600
    """Seconds that a check of the service's own may take."""
    checks_at_once: int = 2
    """Checks that run at the same time, each of another project."""
    keep_days: int = 0
    """Days that reports are kept whole; 0 for good."""
    secure_cookies: bool = False
    """True behind TLS: browsers then send the cookie over https only."""
    checks: Mapping[str, Path] = field(default_factory=dict)
    """By project the contract.toml of the check that the service may run."""


_NUMBERS = {
    "port": (0, 65535),
    "rate": (1, 1_000_000),
    "burst": (1, 1_000_000),
    "max_body_bytes": (1024, 2**31),
    "max_body_s": (1, 3600),
    "max_check_s": (1, 7 * 86_400),
    "checks_at_once": (1, 64),
    "keep_days": (0, 36_500),
}
_TEXTS = ("host", "database")


def load(flags: Mapping[str, Any], environ: Mapping[str, str], cwd: Path) -> ServiceConfig:
    """The configuration of a service; raises ConfigError, which names the flag, the variable, or the file and its line."""
    file = configfile.find(flags.get("config") or environ.get("CONTRACT_CONFIG"), cwd.absolute())
    values: dict[str, Any] = {}
    if file is not None:
        values = _read(file, cwd)
    if environ.get(VARIABLE, "").strip():
        values["database"] = environ[VARIABLE].strip()
    for name in ("host", "database"):
        if flags.get(name):
            values[name] = flags[name]
    if flags.get("port") is not None:
        port = str(flags["port"])
        if not (port.isascii() and port.isdecimal() and int(port) <= 65535):
            raise ConfigError(f"--port: `{port}` is no port", "a number such as 8080; 0 takes a free one")
        values["port"] = int(port)
    return ServiceConfig(**values)


def _read(file: configfile.File, cwd: Path) -> dict[str, Any]:
    table = file.table.get("service", {})
    if not isinstance(table, dict):
        raise ConfigError(f"{file.at('service')}: `service` must be a table: [service]")
    values: dict[str, Any] = {}
    for name, value in table.items():
        where = file.at("service", name)
        if name in _NUMBERS:
            low, high = _NUMBERS[name]
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"{where}: `{name}` in [service] must be a number from {low} to {high}")
            values[name] = value
        elif name in _TEXTS:
            if not isinstance(value, str) or not value:
                raise ConfigError(f"{where}: `{name}` in [service] must be a text")
            values[name] = value
        elif name == "secure_cookies":
            if not isinstance(value, bool):
                raise ConfigError(f"{where}: `secure_cookies` in [service] must be true or false")
            values[name] = value
        elif name == "projects":
            values["checks"] = _checks(file, value, cwd)
        else:
            known = [*_NUMBERS, *_TEXTS, "secure_cookies", "projects"]
            guess = nearest(name, known)
            raise ConfigError(
                f"{where}: unknown key `{name}` in [service]" + (f". Did you mean `{guess}`?" if guess else ""),
                "known: " + ", ".join(sorted(known)),
            )
    return values


def _checks(file: configfile.File, table: Any, cwd: Path) -> dict[str, Path]:
    """The files are found from the folder of the one that names them."""
    if not isinstance(table, dict):
        raise ConfigError(f"{file.at('service', 'projects')}: `projects` must hold tables: [service.projects.NAME]")
    found = {}
    for name, entry in table.items():
        where = file.at("service", "projects", name)
        if not isinstance(entry, dict) or set(entry) != {"config"} or not isinstance(entry["config"], str):
            raise ConfigError(
                f"{where}: [service.projects.{name}] takes one key", 'config = "path/to/contract.toml", of its check'
            )
        path = (cwd.absolute() / file.path.parent / entry["config"]).resolve()
        if not path.is_file():
            raise ConfigError(f"{where}: {entry['config']}: no such file", "it is found from the folder of this file")
        found[name] = path
    return found
