"""From `git clone` to the first verdict: what is typed, what is edited by hand, and how long it takes.

Each project of tests/first_run/, and the Laravel application of tests/laravel/, is committed to a repository, cloned, and
taken through what docs/first-run.md shows: install, `contract init --yes`, `contract check`. With `--fresh` the first
command is run too, in a new virtual environment (this checkout stands for the published package); else this environment
is taken as it is. `--write` puts the table into docs/first-run.md.

    python bench/first_run.py --fresh fastapi flask
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/first-run.md"
BEGIN, END = "<!-- table of bench/first_run.py -->", "<!-- end of table of bench/first_run.py -->"
GOAL_S = 180
GOAL_COMMANDS = 3


def node_packages(folder: Path) -> None:
    """The packages of Express, from the cache that the tests fill."""
    sys.path.insert(0, str(ROOT))
    from tests.sources.routes.packages import linked

    linked(folder, express="express")


def laravel_folders(folder: Path) -> None:
    """What `composer create-project` leaves in a new application; the framework itself is Debian's."""
    for name in ("bootstrap/cache", *(f"storage/framework/{part}" for part in ("cache", "views", "sessions"))):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "storage/logs").mkdir(exist_ok=True)
    (folder / ".env").touch()


@dataclass(frozen=True)
class Project:
    """One small project, and what is typed to get a first verdict of it."""

    name: str
    files: tuple[Path, ...]
    own: str
    """What the project's own README would say, before anything of ours."""
    install: str
    prepare: Callable[[Path], None] | None = None
    """Stands for `own` where that would fetch packages."""

    @property
    def commands(self) -> tuple[str, ...]:
        return (self.install, "contract init --yes", "contract check")


HERE = ROOT / "tests/first_run"
PROJECTS = (
    Project("fastapi", (HERE / "fastapi",), "", "pip install -r requirements.txt 'contract-drift[fuzz]'"),
    Project("flask", (HERE / "flask",), "", "pip install -r requirements.txt 'contract-drift[fuzz]'"),
    Project("django", (HERE / "django",), "", "pip install -e . 'contract-drift[fuzz]'"),
    Project("express", (HERE / "express",), "npm install", "pip install 'contract-drift[fuzz]'", node_packages),
    Project(
        "laravel",
        (ROOT / "tests/laravel/app", ROOT / "tests/laravel/openapi.yaml"),
        "composer install",
        "pip install 'contract-drift[fuzz]'",
        laravel_folders,
    ),
)


@dataclass(frozen=True)
class Run:
    """What came of it."""

    project: Project
    edits: int
    written: tuple[str, ...]
    seconds: tuple[float, ...]
    """Of each command; of the first one None was run if it is 0."""
    exit_code: int
    verdict: str

    def row(self) -> str:
        took = f"{sum(self.seconds):.0f} s"
        own = f"`{self.project.own}`" if self.project.own else "none"
        cells = (self.project.name, own, str(len(self.project.commands)), str(self.edits), took, self.verdict)
        return "| " + " | ".join(cells) + " |"


HEAD = (
    "| project | its own set-up | commands | edits | time | first verdict |\n| --- | --- | ---: | ---: | ---: | --- |"
)


def first_run(project: Project, folder: Path, *, fresh: bool) -> Run:
    """Clones the project into `folder` and goes through its commands; raises where one of them does not give a verdict."""
    clone = _cloned(project, folder)
    if project.prepare is not None:
        project.prepare(clone)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CONTRACT_")}
    environ["CI"] = "true"  # no bar
    if not fresh:
        environ["CONTRACT_TYPES"] = "none"  # this environment has more extras than the first command installs
    python, seconds = sys.executable, [0.0]
    if fresh:
        began = time.perf_counter()
        python = str(_environment(project, clone, folder, environ))
        seconds = [time.perf_counter() - began]
    before = _status(clone)
    began = time.perf_counter()
    made = _ran([python, "-m", "contract", "init", "--yes"], clone, environ)
    seconds.append(time.perf_counter() - began)
    if made.returncode != 0:
        raise SystemExit(f"{project.name}: contract init ends with {made.returncode}:\n{made.stdout}{made.stderr}")
    written = tuple(sorted(_status(clone) - before))
    changed = _ran(["git", "diff", "--name-only"], clone, environ).stdout.split()
    began = time.perf_counter()
    checked = _ran([python, "-m", "contract", "check"], clone, environ)
    seconds.append(time.perf_counter() - began)
    if checked.returncode not in (0, 1):
        raise SystemExit(f"{project.name}: no verdict, exit {checked.returncode}:\n{checked.stdout}{checked.stderr}")
    last = checked.stdout.strip().splitlines()[-1]
    return Run(project, len(changed), written, tuple(seconds), checked.returncode, last.partition(" · ")[0])


def _cloned(project: Project, folder: Path) -> Path:
    origin = folder / "origin"
    origin.mkdir()
    for path in project.files:
        if path.is_dir():
            shutil.copytree(
                path, origin, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
            )
        else:
            shutil.copy(path, origin)
    name = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    (origin / ".gitignore").write_text("node_modules/\n__pycache__/\n*.egg-info/\n.env\n/bootstrap/cache/\n/storage/\n")
    for words in (["init", "-q", "-b", "main"], ["add", "."], [*name, "commit", "-q", "-m", "First"]):
        subprocess.run(["git", *words], cwd=origin, check=True, capture_output=True)
    subprocess.run(["git", "clone", "-q", str(origin), project.name], cwd=folder, check=True, capture_output=True)
    return folder / project.name


def _environment(project: Project, clone: Path, folder: Path, environ: dict[str, str]) -> Path:
    """A new virtual environment after the first command, beside the clone."""
    import shlex

    home = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    words = [word.replace("contract-drift", str(ROOT)) for word in shlex.split(project.install)[1:]]
    done = _ran([str(home / "bin/python"), "-m", "pip", "-q", "--disable-pip-version-check", *words], clone, environ)
    if done.returncode != 0:
        raise SystemExit(f"{project.name}: {project.install}:\n{done.stderr[-2000:]}")
    return home / "bin/python"


def _status(clone: Path) -> set[str]:
    said = _ran(["git", "status", "--porcelain", "--untracked-files=all"], clone, dict(os.environ)).stdout
    return {line[3:] for line in said.splitlines()}


def _ran(command: list[str], folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def table(runs: list[Run]) -> str:
    """The table of docs/first-run.md."""
    return "\n".join([HEAD, *(run.row() for run in runs)])


def main() -> int:
    """0 if each project keeps the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="PROJECT", help=", ".join(one.name for one in PROJECTS))
    parser.add_argument("--fresh", action="store_true", help="install into a new virtual environment, and count it")
    parser.add_argument("--write", action="store_true", help="put the table into docs/first-run.md")
    given = parser.parse_args()
    chosen = [one for one in PROJECTS if not given.names or one.name in given.names]
    runs = []
    for project in chosen:
        with tempfile.TemporaryDirectory(prefix=f"first-run-{project.name}-") as folder:
            runs.append(first_run(project, Path(folder), fresh=given.fresh))
        run = runs[-1]
        each = " + ".join(f"{seconds:.1f}" for seconds in run.seconds)
        print(f"{project.name}: {each} s, exit {run.exit_code}, wrote {', '.join(run.written)}", flush=True)
    print(table(runs))
    if given.write:
        page = PAGE.read_text("utf-8")
        head, _, rest = page.partition(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}\n{table(runs)}\n{END}{rest.partition(END)[2]}", "utf-8")
    missed = [
        run for run in runs if run.edits or len(run.project.commands) > GOAL_COMMANDS or sum(run.seconds) > GOAL_S
    ]
    for run in missed:
        print(
            f"{run.project.name} misses the goal: {GOAL_COMMANDS} commands, no edit, under {GOAL_S} s", file=sys.stderr
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
