"""What stands around the code: git, CI, hooks, and what is set up already."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from contract.app.init import tree

_OTHER_CI = {
    ".circleci/config.yml": "CircleCI",
    "Jenkinsfile": "Jenkins",
    "azure-pipelines.yml": "Azure Pipelines",
    "bitbucket-pipelines.yml": "Bitbucket",
    ".travis.yml": "Travis CI",
    ".drone.yml": "Drone",
    ".woodpecker.yml": "Woodpecker",
}


@dataclass(frozen=True)
class Surroundings:
    """The root of the repository, and who runs its CI."""

    git: Path | None
    below: str
    """The project's folder below the root of the repository; empty if it is that."""
    ci: str | None
    """`github`, `gitlab`, or None."""
    ci_seen: str
    branch: str


def look(root: Path) -> Surroundings:
    """What stands around the project in `root`."""
    git = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)
    top = git or root
    below = "" if git is None else root.relative_to(git).as_posix()
    ci, seen = _ci(top)
    return Surroundings(git, "" if below == "." else below, ci, seen, _branch(top))


def _ci(top: Path) -> tuple[str | None, str]:
    if (top / ".gitlab-ci.yml").exists():
        return "gitlab", ".gitlab-ci.yml"
    if (top / ".github").is_dir():
        return "github", ".github"
    for file, name in _OTHER_CI.items():
        if (top / file).exists():
            return None, f"{name} ({file}); its job runs `contract check`"
    remote = re.search(r"^\s*url\s*=\s*\S*?(github|gitlab)", tree.text(top / ".git" / "config") or "", re.MULTILINE)
    if remote:
        return remote[1], "the remote in .git/config"
    return None, "nothing shows one; say `--ci github` or `--ci gitlab`"


def _branch(top: Path) -> str:
    """The branch that changes go to, as the clone knows it; `main` where nothing says so."""
    for name in ("refs/remotes/origin/HEAD", "HEAD"):
        found = re.match(r"ref: refs/(?:heads|remotes/origin)/(\S+)", tree.text(top / ".git" / name) or "")
        if found and (name != "HEAD" or found[1] in ("main", "master", "trunk", "develop")):
            return found[1]
    return "main"
