"""The texts that `contract init` writes: config, hook, CI job."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from contract import __version__
from contract.app.init.applications import Application
from contract.app.init.packages import Manager

SCHEMA = "contract.schema.json"
PACKAGE = "'contract-drift[fuzz]'"
CHECKOUT = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2"
PYTHON = "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0"
NODE = "actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020 # v4.4.0"
UPLOAD = "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1"
ROUTES_ALONE = "check --no-fuzz --no-types --no-safe --quiet"
"""Routes against the document: nothing is sent, so nothing needs to be spared."""


def quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def config(document: str, app: Application | None) -> str:
    """`contract.toml`."""
    lines = [
        f"#:schema ./{SCHEMA}",
        "# What `contract check` holds against what. `contract config show` prints every setting and where it comes from.",
        f"document = {quoted(document)}",
    ]
    url = app.url if app is not None else "http://127.0.0.1:8000"
    if app is not None and app.routes is not None:
        lines.append(f"routes = {quoted(app.routes)} # {app.framework}")
    elif app is not None and app.later is not None:
        lines.append(f"# routes = {quoted(app.later)} # {app.framework}, once the file is there")
    if app is not None and app.target is not None:
        lines.append(f"target = {quoted(app.target)} # in process; or a running server: {quoted(url)}")
    elif app is not None and app.routes is not None:
        lines.append(f"# target = {quoted(url)} # start the server, and what it answers is checked too")
    else:
        lines.append(f"target = {quoted(url)} # the running server")
    asked = app is None or app.target is not None or app.routes is None
    lines += [
        f"{'' if asked else '# '}safe = true # only GET, HEAD and OPTIONS are sent; take it out where the data may be lost",
        "",
        "# [headers]",
        '# Authorization = "Bearer ${API_TOKEN}" # read from the environment',
    ]
    return "\n".join(lines) + "\n"


def hook(document: str, below: str, app: Application | None, manager: Manager | None) -> str:
    """One repository of `.pre-commit-config.yaml`, as an item without indentation."""
    run = f"{manager.run if manager else ''}contract"
    folder = f"{below}/" if below else ""
    inside = document.rpartition("/")[0]
    pattern = _regex(folder + (inside + "/" if inside else document)) + (r".*\.(ya?ml|json)$" if inside else "$")
    lines = [
        "- repo: local",
        "  hooks:",
        "    - id: contract-lint",
        "      name: contract lint",
        f"      entry: {run} lint{_config(below)}",
        "      language: system",
        f"      files: {_single(f'^{pattern}')}",
        "      pass_filenames: false",
    ]
    if app is not None and app.routes is not None and not below:
        suffix = {"python": "py", "php": "php"}.get(app.language, "[cm]?[jt]s")
        sources = f"\\.{suffix}$|^{pattern}"
        lines += [
            "    - id: contract-routes",
            "      name: contract routes",
            f"      entry: {run} {ROUTES_ALONE}",
            "      language: system",
            f"      files: {_single(sources)}",
            "      pass_filenames: false",
        ]
    return "\n".join(lines) + "\n"


def _config(below: str) -> str:
    return f" --config {below}/contract.toml" if below else ""


def _regex(text: str) -> str:
    return re.sub(r"([.+*?^$()\[\]{}|\\])", r"\\\1", text)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def hooks_file(item: str) -> str:
    """`.pre-commit-config.yaml` where there was none."""
    return "repos:\n" + "".join(f"  {line}\n" for line in item.splitlines())


def _installing(manager: Manager | None) -> list[str]:
    lines: Sequence[str] = manager.install if manager is not None else ("python3 -m pip install {contract}",)
    return [line.replace("{contract}", PACKAGE) for line in lines]


def github(app: Application | None, manager: Manager | None, branch: str, below: str) -> str:
    """`.github/workflows/contract.yml`."""
    run = f"{manager.run if manager else ''}contract"
    node = (
        [f"      - uses: {NODE}", "        with:", '          node-version: "22"']
        if app and app.language == "node"
        else []
    )
    inside = f"{below}/" if below else ""
    lines = [
        f"# The API against its document, at each change; written by `contract init` of {__version__}.",
        "name: contract",
        "",
        "on:",
        "  push:",
        f"    branches: [{_single(branch)}]",
        "  pull_request:",
        "",
        "permissions:",
        "  contents: read",
        "",
        "concurrency:",
        "  group: ${{ github.workflow }}-${{ github.ref }}",
        "  cancel-in-progress: true",
        "",
        "jobs:",
        "  contract:",
        "    name: The API keeps its document",
        "    runs-on: ubuntu-24.04",
        "    timeout-minutes: 15",
        *(["    defaults:", "      run:", f"        working-directory: {_single(below)}"] if below else []),
        "    steps:",
        f"      - uses: {CHECKOUT}",
        "        with:",
        "          persist-credentials: false",
        *node,
        f"      - uses: {PYTHON}",
        "        with:",
        '          python-version: "3.12"',
        "      - name: Install",
        "        run: |",
        *(f"          {line}" for line in _installing(manager)),
        "      - name: Check",
        "        run: |",
        "          # What the API answers may look like a command to the runner, so commands are off while it is printed.",
        "          token=$(openssl rand -hex 16)",
        '          echo "::stop-commands::$token"',
        f"          {run} check --no-safe --environment ci \\",
        "            --format text --format github=reports/annotations.txt \\",
        "            --format summary=reports/summary.md --format html=reports/contract.html && code=0 || code=$?",
        '          echo "::$token::"',
        "          test ! -f reports/annotations.txt || cat reports/annotations.txt",
        '          test ! -f reports/summary.md || cat reports/summary.md >> "$GITHUB_STEP_SUMMARY"',
        '          exit "$code"',
        "      - name: Keep the report",
        "        if: ${{ !cancelled() }}",
        f"        uses: {UPLOAD}",
        "        with:",
        "          name: contract-report",
        f"          path: {_single(f'{inside}reports/contract.html')}",
        "          if-no-files-found: ignore",
    ]
    return "\n".join(lines) + "\n"


def gitlab(app: Application | None, manager: Manager | None, stages: Sequence[str] | None, below: str) -> str:
    """The job `contract` of `.gitlab-ci.yml`."""
    run = f"{manager.run if manager else ''}contract"
    packages = {"node": "nodejs npm", "php": "php-cli composer"}.get(app.language if app else "", "")
    inside = f"{below}/" if below else ""
    script = [f"cd {_shell(below)}"] if below else []
    if packages:
        script.append(f"apt-get update -qq && apt-get install -y -qq --no-install-recommends {packages}")
    script += _installing(manager)
    script.append(
        f"{run} check --no-safe --environment ci --format text --format gitlab=gl-code-quality-report.json"
        " --format junit=contract-junit.xml --format html=contract.html"
    )
    lines = ["contract:"]
    if stages and "test" not in stages:
        lines.append(f"  stage: {_single(stages[-1])}")
    lines += [
        '  image: "python:3.12"',
        "  script:",
        *(f"    - {_single(line)}" for line in script),
        "  artifacts:",
        "    when: always",
        "    paths:",
        f"      - {_single(f'{inside}contract.html')}",
        "    reports:",
        f"      codequality: {_single(f'{inside}gl-code-quality-report.json')}",
        f"      junit: {_single(f'{inside}contract-junit.xml')}",
    ]
    return "\n".join(lines) + "\n"


def _shell(text: str) -> str:
    import shlex

    return shlex.quote(text)
