"""Plug-ins by the name that users type: a file of ours, else an entry point."""

from __future__ import annotations

import importlib
from types import ModuleType

from contract.app.settings import Settings
from contract.core.errors import ConfigError


def split(text: str, flag: str, example: str) -> tuple[str, str]:
    """`KIND:WHERE` in two; raises ConfigError that shows the form."""
    kind, colon, where = text.partition(":")
    if not colon or not kind or not where:
        raise ConfigError(f"{flag} must be KIND:WHERE, not `{text}`", f"for example `{flag} {example}`")
    return kind, where


def need_plug_ins(settings: Settings) -> None:
    """Raises ConfigError for a kind of source or generator that nobody has, before anything is asked."""
    for item in settings.routes:
        plug_in("sources.routes", item.partition(":")[0], "--routes")
    for item in settings.traffic:
        plug_in("sources.traffic", item.partition(":")[0], "--traffic")
    for wanted in settings.types or ():
        plug_in("generators", wanted.name, "--types")


def plug_in(family: str, name: str, flag: str) -> ModuleType:
    """The file that is called what the user typed, else an entry point of that name; raises ConfigError with the nearest."""
    import pkgutil

    package = importlib.import_module(f"contract.{family}")
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))
    if name in names:
        return importlib.import_module(f"contract.{family}.{name}")
    from importlib.metadata import entry_points

    group = f"contract.{family.partition('.')[0]}"
    for entry in entry_points(group=group, name=name):
        loaded: ModuleType = entry.load()
        return loaded
    from difflib import get_close_matches

    close = get_close_matches(name, names, 1)
    if close:
        raise ConfigError(f"{flag} knows no `{name}`. Did you mean `{close[0]}`?")
    raise ConfigError(f"{flag} knows no `{name}`", f"it knows {', '.join(names)}")
