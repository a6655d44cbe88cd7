"""`contract generate`: the manifest, what is stale and why, what is started, what users of the code are told.

Most of it is asked with a generator of another's (tests/app/inventory.py), which says what it was asked.
"""

from __future__ import annotations

import copy
import json
import lzma
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.app import cli
from tests.data import DATA
from tests.needs import missing

Out = pytest.CaptureFixture[str]

VALUE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/tasks": {
            "get": {
                "operationId": "list_tasks",
                "tags": ["tasks"],
                "responses": {
                    "200": {
                        "description": "ok",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}},
                    }
                },
            }
        },
        "/tags": {
            "get": {"operationId": "list_tags", "tags": ["tags"], "responses": {"204": {"description": "none"}}},
        },
    },
    "components": {
        "schemas": {
            "Task": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "title": {"type": "string"}},
            },
            "Tag": {"type": "object", "properties": {"name": {"type": "string"}}},
        }
    },
}
MANIFEST = "generated/manifest.json"
FILES = ["components.txt", "tags.txt", "tasks.txt"]


class Project:
    """A folder with a document and a committed inventory."""

    def __init__(self, folder: Path, capsys: Out) -> None:
        self.folder = folder
        self._capsys = capsys
        self._log = folder.parent / "started.log"
        self.value = copy.deepcopy(VALUE)

    def save(self) -> None:
        (self.folder / "api.yaml").write_text(yaml.safe_dump(self.value, sort_keys=False))

    def run(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Exit code and JSON of one `contract generate`."""
        code = cli.main(["generate", "--format", "json", *words])
        captured = self._capsys.readouterr()
        assert captured.out, captured.err
        return code, json.loads(captured.out)

    def said(self, *words: str) -> tuple[int, str, str]:
        code = cli.main(["generate", *words])
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err

    def target(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, answer = self.run(*words)
        [found] = answer["targets"]
        return code, found

    def started(self) -> list[list[str] | None]:
        """What the generator was asked to prove, once per start since the last call; None is all of it."""
        found = [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []
        self._log.write_text("")
        return found

    def files(self) -> dict[str, bytes]:
        top = self.folder / "generated"
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}

    def stale(self, *words: str) -> tuple[int, list[tuple[str, str, str]]]:
        code, found = self.target("--check", *words)
        return code, [(one["file"], one["change"], one["reason"]) for one in found["stale"]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> Project:
    site, folder = tmp_path / "site", tmp_path / "project"
    about = site / "inventory_generator-1.dist-info"
    about.mkdir(parents=True)
    (folder / ".git").mkdir(parents=True)
    source = Path(__file__).with_name("inventory.py")
    (site / "inventory_generator.py").write_bytes(source.read_bytes())
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: inventory-generator\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[contract.generators]\ninventory = inventory_generator\nlisting = inventory_generator\n"
    )
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("INVENTORY_LOG", str(tmp_path / "started.log"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(Path(__file__).parents[2])]))
    monkeypatch.chdir(folder)
    (folder / "contract.toml").write_text('document = "api.yaml"\n[generate]\ninventory = "generated/inventory"\n')
    made = Project(folder, capsys)
    made.save()
    return made


@pytest.fixture
def made(project: Project) -> Project:
    assert project.run()[0] == 0
    project.started()
    return project


def test_the_first_run_writes_the_code_and_a_manifest_that_maps_each_symbol(project: Project) -> None:
    code, found = project.target()
    assert code == 0
    assert found["written"] == ["../manifest.json", *FILES]
    assert (found["operations"], found["components"]) == ({"part": 2, "whole": 2}, {"part": 2, "whole": 2})
    assert (found["failures"], found["stale"], found["error"]) == ([], [], None)
    assert found["changed"] == {"added": [], "removed": [], "renamed": [], "retyped": []}
    held = json.loads((project.folder / MANIFEST).read_text())["targets"]["inventory"]
    assert held["symbols"]["tasks.txt"] == {
        "list_tasks": {"pointer": "GET /tasks", "kind": "operation", "members": {"return": "Answer"}}
    }
    assert held["symbols"]["components.txt"]["Task"] == {
        "pointer": "#/components/schemas/Task",
        "kind": "model",
        "members": {"id": "string", "title": "string"},
        "required": ["id"],
    }
    assert (held["tools"], held["document"]["roots"]) == ({"inventory": "1.0"}, ["../api.yaml"])
    assert sorted(held["outputs"]) == FILES
    assert project.started() == [None]


def test_what_is_unchanged_starts_nothing_and_writes_nothing(made: Project) -> None:
    before = made.files()
    for words in ((), ("--check",)):
        code, found = made.target(*words)
        assert (code, found["started"], found["written"]) == (0, False, [])
        assert found["operations"] == {"part": 2, "whole": 2}
    assert (made.started(), made.files()) == ([], before)


def test_reordering_the_document_changes_no_byte_and_starts_nothing(made: Project) -> None:
    def shuffled(node: Any) -> Any:
        if isinstance(node, dict):
            names = list(node)
            random.Random(5).shuffle(names)
            return {name: shuffled(node[name]) for name in names}
        return node

    before = made.files()
    made.value = shuffled(made.value)
    made.save()
    assert made.stale() == (0, [])
    assert made.target()[0] == 0
    assert (made.started(), made.files()) == ([], before)


def test_a_document_that_changed_is_a_reason_and_regenerating_mends_it(made: Project) -> None:
    made.value["components"]["schemas"]["Tag"]["properties"]["colour"] = {"type": "string"}
    made.save()
    assert made.stale() == (1, [("components.txt", "changed", "document changed")])
    code, found = made.target()
    assert (code, found["written"]) == (0, ["../manifest.json", "components.txt"])
    assert made.stale() == (0, [])


def test_a_change_that_no_file_shows_leaves_the_manifest_stale(made: Project) -> None:
    made.value["components"]["schemas"]["Tag"]["description"] = "another text"
    made.save()
    assert made.stale() == (1, [("../manifest.json", "changed", "document changed")])
    assert made.target()[1]["written"] == ["../manifest.json"]
    assert made.stale() == (0, [])


def test_a_tool_that_changed_is_a_reason(made: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_VERSION", "1.1")
    assert made.stale() == (1, [("../manifest.json", "changed", "tool changed: inventory 1.0 → 1.1")])


def test_options_are_told_to_the_generator_and_a_change_of_them_is_a_reason(made: Project) -> None:
    (made.folder / "contract.toml").write_text(
        'document = "api.yaml"\n[generate]\ninventory = { path = "generated/inventory", mark = "x" }\n'
    )
    code, stale = made.stale()
    assert (code, {reason for _, _, reason in stale}) == (1, {"options changed"})
    assert [file for file, _, _ in stale] == FILES
    assert made.target()[0] == 0
    assert b"Task" in made.files()["inventory/components.txt"] and b" x\n" in made.files()["inventory/components.txt"]


def test_a_file_that_was_edited_or_is_missing_is_told_without_starting_anything(made: Project) -> None:
    before = made.files()
    (made.folder / "generated/inventory/tasks.txt").write_text("# generated inventory\nmine\n")
    (made.folder / "generated/inventory/tags.txt").unlink()
    assert made.stale() == (1, [("tags.txt", "added", "missing"), ("tasks.txt", "changed", "edited by hand")])
    assert made.started() == []
    code, found = made.target()
    assert (code, found["written"]) == (0, ["tags.txt", "tasks.txt"])
    assert made.files() == before


def test_line_endings_are_no_edit(made: Project) -> None:
    path = made.folder / "generated/inventory/tasks.txt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert made.stale() == (0, [])


def test_a_foreign_file_is_told_and_never_touched(made: Project) -> None:
    mine = made.folder / "generated/inventory/mine.py"
    mine.write_text("# mine\n")
    assert made.stale() == (1, [("mine.py", "foreign", "foreign file")])
    made.value["paths"].pop("/tags")
    made.save()
    code, found = made.target()
    assert (code, found["removed"]) == (1, ["tags.txt"])
    assert [one["file"] for one in found["stale"]] == ["mine.py"]
    assert mine.read_text() == "# mine\n"


def test_what_tools_leave_behind_is_no_foreign_file(made: Project) -> None:
    for name in ("__pycache__/a.pyc", ".mypy_cache/x.json", "node_modules/a/index.js", ".gitattributes"):
        path = made.folder / "generated/inventory" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert made.stale() == (0, [])


def test_a_foreign_file_in_the_way_is_no_verdict_and_stays(made: Project) -> None:
    mine = made.folder / "generated/inventory/notes.txt"
    mine.write_text("mine\n")
    made.value["paths"]["/notes"] = {"get": {"tags": ["notes"], "responses": {"204": {"description": "none"}}}}
    made.save()
    assert ("notes.txt", "changed", "foreign file, in the way of what is generated now") in made.stale()[1]
    before = made.files()
    code, found = made.target()
    assert code == 3
    assert found["error"]["message"].endswith("notes.txt: is no generated file, and in the way")
    assert made.files() == before


def test_a_file_that_is_no_longer_made_goes_unless_somebody_edited_it(made: Project) -> None:
    made.value["paths"].pop("/tags")
    made.value["paths"]["/tasks"]["get"]["tags"] = ["other"]
    made.save()
    (made.folder / "generated/inventory/tags.txt").write_text("# generated inventory\nmine\n")
    code, found = made.target()
    assert (code, found["removed"]) == (1, ["tasks.txt"])
    assert [(one["file"], one["reason"]) for one in found["stale"]] == [("tags.txt", "edited by hand")]


def test_code_without_a_manifest_is_compared_file_by_file(made: Project) -> None:
    (made.folder / MANIFEST).unlink()
    assert made.stale() == (1, [("../manifest.json", "added", "no manifest says what it was made from")])
    assert made.target()[1]["written"] == ["../manifest.json"]


@pytest.mark.parametrize("spoil", [lambda text: text.replace('"1.0"', '"0.9"'), lambda text: text[: len(text) // 2]])
def test_a_manifest_that_somebody_edited_is_not_believed(made: Project, spoil: Callable[[str], str]) -> None:
    path = made.folder / MANIFEST
    before = path.read_text()
    path.write_text(spoil(before))
    code, stale = made.stale()
    assert (code, [(file, change) for file, change, _ in stale]) == (1, [("../manifest.json", "changed")])
    assert made.started() != []
    assert made.target()[0] == 0
    assert path.read_text() == before


def test_another_programs_manifest_is_never_overwritten(project: Project) -> None:
    (project.folder / "generated").mkdir()
    (project.folder / MANIFEST).write_text('{"name": "a web page"}\n')
    code, found = project.target()
    assert (code, project.files()) == (3, {"manifest.json": b'{"name": "a web page"}\n'})
    assert "stands where the manifest of the generated code goes" in found["error"]["message"]


def test_a_small_change_is_proven_where_it_reaches_and_nowhere_else(made: Project) -> None:
    made.value["components"]["schemas"]["Task"]["properties"]["title"]["type"] = "integer"
    made.save()
    assert made.target()[0] == 0
    assert made.started() == [["#/components/schemas/Task", "GET /tasks"]]
    made.value["info"]["title"] = "another"
    made.save()
    assert made.target()[0] == 0
    assert made.started() == [[]]


def test_what_was_not_proven_is_tried_again(project: Project) -> None:
    project.value["components"]["schemas"]["Tag"]["x-wrong"] = "there are two"
    project.save()
    code, found = project.target()
    assert (code, found["components"]) == (1, {"part": 1, "whole": 2})
    failure = {"kind": "component", "pointer": "#/components/schemas/Tag", "step": "count", "reason": "there are two"}
    assert found["failures"] == [failure]
    # Nothing changed: the manifest says it too, and it still fails.
    code, found = project.target("--check")
    assert (code, found["failures"], found["started"]) == (1, [failure], False)
    project.started()
    project.value["info"]["title"] = "another"
    project.save()
    assert project.target()[0] == 1
    assert project.started() == [["#/components/schemas/Tag"]]


def test_what_fails_by_a_contradiction_of_the_document_is_told_with_both_places(project: Project) -> None:
    project.value["components"]["schemas"]["Tag"] |= {"x-wrong": "nothing fits", "minLength": 3, "maxLength": 2}
    project.save()
    _, found = project.target()
    [failure] = found["failures"]
    assert (failure["pointer"], failure["reason"]) == (
        "#/components/schemas/Tag",
        "contradiction: #/components/schemas/Tag/minLength against #/components/schemas/Tag/maxLength: nothing fits",
    )


def test_each_schema_that_a_discriminator_contradicts_is_told_with_its_own_places(project: Project) -> None:
    schemas = project.value["components"]["schemas"]
    for name, kind in (("Cat", "cat"), ("Dog", "dog")):
        schemas[name] = {"type": "object", "properties": {"kind": {"enum": [kind]}}, "x-wrong": "nothing fits"}
    branches = [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]
    schemas["Pet"] = {"oneOf": branches, "discriminator": {"propertyName": "kind"}}
    project.save()
    _, found = project.target()
    assert {failure["pointer"]: failure["reason"] for failure in found["failures"]} == {
        f"#/components/schemas/{name}": (
            f"contradiction: #/components/schemas/Pet/oneOf/{index} against "
            f"#/components/schemas/{name}/properties/kind/enum: nothing fits"
        )
        for index, name in enumerate(("Cat", "Dog"))
    }


def test_recorded_answers_are_seen_where_they_keep_the_document(tmp_path: Path) -> None:
    from contract.app.seen import seen
    from contract.app.settings import Settings
    from contract.core.openapi import Contract
    from contract.sources.documents import file

    schema = {"type": "array", "items": {"type": "integer"}}
    answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    info = {"title": "t", "version": "1"}
    value = {"openapi": "3.1.0", "info": info, "paths": {"/tasks/{id}": {"get": {"responses": answer}}}}
    document, capture = tmp_path / "api.json", tmp_path / "capture.har"
    document.write_text(json.dumps(value))
    entries = [
        {
            "request": {"method": "GET", "url": f"https://api.example.com{path}", "headers": []},
            "response": {
                "status": status,
                "headers": [{"name": "Content-Type", "value": kind}],
                "content": {"size": len(body), "mimeType": kind, "text": body},
            },
        }
        for path, status, kind, body in (
            ("/tasks/1", 200, "application/json", "[1]"),
            ("/tasks/2", 200, "application/json", "[1]"),
            ("/tasks/3", 200, "application/json", "[1, 2]"),
            ("/tasks/4", 200, "application/json", '["drift"]'),
            ("/tasks/5", 200, "text/plain", "1"),
            ("/tasks/6", 500, "application/json", "[1]"),
            ("/nowhere", 200, "application/json", "[1]"),
        )
    ]
    capture.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    settings = Settings(traffic=(f"har:{capture}", f"har:{tmp_path / 'missing.har'}"))
    unread: list[str] = []
    assert seen(settings, Contract(file.load(document)), unread=unread) == {
        "GET /tasks/{id}": [("200", "application/json", [1]), ("200", "application/json", [1, 2])]
    }
    missing = tmp_path / "missing.har"
    assert unread == [f"the recording har:{missing} is not looked at: {missing}: no such file"]


def test_recorded_requests_are_seen_where_they_keep_the_document(project: Project) -> None:
    from contract.app.seen import seen
    from contract.app.settings import Settings
    from contract.core.openapi import Contract
    from contract.sources.documents import file

    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}
    project.value["paths"]["/tasks"]["post"] = {
        "requestBody": {"content": content},
        "responses": {"201": {"description": ""}},
    }
    project.save()
    many = [(json.dumps({"id": str(each)}), "{}") for each in range(30)]
    capture = recorded(project.folder / "a.har", *many[:2], ('{"id": 7}', "{}"), ("{", "{}"), *many)
    settings = Settings(traffic=(f"har:{capture}",))
    kept = [("request", "application/json", {"id": str(each)}) for each in range(20)]
    assert seen(settings, Contract(file.load(project.folder / "api.yaml"))) == {"POST /tasks": kept}


def test_a_full_run_says_the_same_as_many_small_ones(made: Project) -> None:
    schemas = made.value["components"]["schemas"]
    schemas["Task"]["properties"]["due"] = {"type": "string"}
    made.save()
    made.target()
    schemas["Tag"]["x-wrong"] = "there are two"
    schemas["Label"] = {"type": "object", "properties": {"tag": {"$ref": "#/components/schemas/Tag"}}}
    made.save()
    made.target()
    schemas["Tag"].pop("x-wrong")
    made.save()
    made.target()
    small = made.files()
    assert None not in made.started()
    assert made.stale("--full") == (0, [])
    assert made.target("--full")[0] == 0
    assert (made.started(), made.files()) == ([None, None], small)


def test_a_full_check_finds_a_manifest_that_says_too_much(project: Project) -> None:
    """What was proven on one machine and is not on another shows, though no file differs."""
    from contract.app import manifest

    project.value["components"]["schemas"]["Tag"]["x-wrong"] = "there are two"
    project.save()
    project.target()
    path = project.folder / MANIFEST
    held = manifest.read(path).targets["inventory"]
    from dataclasses import replace

    from contract.core.report import Ratio

    manifest.write(path, {"inventory": replace(held, components=Ratio(2, 2), failures=())})
    assert project.stale() == (0, [])
    assert project.stale("--full") == (
        1,
        [("../manifest.json", "changed", "a full run gives other results than it says")],
    )


def test_nothing_is_believed_of_earlier_proofs_by_another_tool(made: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_VERSION", "2.0")
    assert made.target()[0] == 0
    assert made.started() == [None]


def test_users_are_told_what_changed_and_what_breaks(made: Project) -> None:
    schemas = made.value["components"]["schemas"]
    schemas["Task"]["required"].append("title")
    schemas["Label"] = {"type": "object"}
    del schemas["Tag"]
    made.value["paths"]["/tasks"]["get"]["operationId"] = "tasks_index"
    made.save()
    code, answer = made.run("--check")
    [found] = answer["targets"]
    changed = {name: [one["symbol"] for one in ones] for name, ones in found["changed"].items()}
    assert changed == {"added": ["Label"], "removed": ["Tag"], "renamed": ["tasks_index"], "retyped": ["Task"]}
    assert (code, found["breaking"]) == (1, 3)
    assert answer["changelog"] == (
        "### For users of the inventory client\n"
        "\n"
        "- **Breaking:** `Tag` is gone (`#/components/schemas/Tag`)\n"
        "- **Breaking:** `list_tasks` is called `tasks_index` now\n"
        "- **Breaking:** `Task`: `title` has to be given\n"
        "- `Label` is new (`#/components/schemas/Label`)"
    )
    made.started()
    code, out, _ = made.said()
    assert code == 0
    assert "  for users of the client:\n    breaking: `Tag` is gone (`#/components/schemas/Tag`)\n" in out
    assert out.splitlines()[-1].endswith("3 files written, 3 breaking changes for client users · exit 0")


def test_names_of_a_hostile_document_neither_break_out_nor_reach_the_terminal(made: Project) -> None:
    evil = "\x1b[31m`@octocat`\n<img src=x>"
    made.value["components"]["schemas"][evil] = {"type": "object", "x-wrong": evil}
    made.save()
    code, out, err = made.said("--format", "text", "--format", "markdown=made.md", "--format", "json=made.json")
    text = (made.folder / "made.md").read_text()
    assert (code, err) == (1, "")
    assert "\x1b" not in out + text
    shown = "?[31m'@octocat'?<img src=x>"
    assert f"- `{shown}` is new (`#/components/schemas/{shown}`)\n" in text
    assert f"- `#/components/schemas/{shown}`: count: `" in text
    [target] = json.loads((made.folder / "made.json").read_text())["targets"]
    assert target["failures"][0]["pointer"] == f"#/components/schemas/{evil}"


def test_a_tool_that_is_missing_is_no_trouble_while_nothing_changed(
    made: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVENTORY_VERSION", "missing")
    assert made.stale() == (0, [])
    assert made.target("--fail-on-change")[0] == 0
    assert made.started() == []


def test_a_tool_that_is_missing_fails_once_the_document_changed(made: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTORY_VERSION", "missing")
    made.value["info"]["title"] = "another"
    made.save()
    before = made.files()
    for words in ((), ("--check",), ("--fail-on-change",)):
        code, found = made.target(*words)
        assert code == 2
        assert "inventory-tool" in found["error"]["message"]
    assert made.files() == before


def test_a_hook_fails_where_it_wrote_something_and_passes_the_next_time(made: Project) -> None:
    made.value["info"]["title"] = "another"
    made.save()
    assert made.target("--fail-on-change")[0] == 1
    assert made.target("--fail-on-change")[0] == 0


def test_a_target_that_fails_does_not_hide_the_others(made: Project) -> None:
    (made.folder / "contract.toml").write_text(
        'document = "api.yaml"\n[generate]\nlisting = { path = "generated/listing", raises = true }\n'
        'inventory = "generated/inventory"\n'
    )
    code, out, _ = made.said("--format", "text")
    assert code == 3
    assert out == (
        "listing  generated/listing  no verdict: the inventory stopped\n"
        "  hint: leave out `raises`\n"
        "inventory  generated/inventory  100 %: 2 of 2 operations and 2 of 2 components proven, unchanged since the last "
        "run\n"
        "No verdict: generation 100 %, 4 of 4 operations and components proven, no verdict on listing · exit 3\n"
    )
    (made.folder / "generated/inventory/tags.txt").unlink()
    assert made.run("--check")[0] == 1


def test_targets_side_by_side_share_a_manifest(made: Project) -> None:
    (made.folder / "contract.toml").write_text(
        'document = "api.yaml"\n[generate]\ninventory = "generated/inventory"\nlisting = "generated/listing"\n'
    )
    code, answer = made.run()
    assert (code, [one["started"] for one in answer["targets"]]) == (0, [False, True])
    assert sorted(json.loads((made.folder / MANIFEST).read_text())["targets"]) == ["inventory", "listing"]
    # The one that is made alone leaves what the manifest says of the other.
    made.value["info"]["title"] = "another"
    made.save()
    (made.folder / "contract.toml").write_text('document = "api.yaml"\n[generate]\nlisting = "generated/listing"\n')
    assert made.run()[0] == 0
    assert made.stale() == (0, [])
    (made.folder / "contract.toml").write_text('document = "api.yaml"\n[generate]\ninventory = "generated/inventory"\n')
    assert made.stale() == (1, [("../manifest.json", "changed", "document changed")])


def test_the_old_name_of_the_table_is_read(made: Project) -> None:
    (made.folder / "contract.toml").write_text('document = "api.yaml"\n[types]\ninventory = "generated/inventory"\n')
    assert made.stale() == (0, [])


@pytest.mark.parametrize(
    ("words", "err"),
    [
        (["--watch", "--check"], "error: --watch writes, and --check writes nothing\n  hint: say one of them\n"),
        (
            ["--format", "jsno"],
            "error: generate has no format `jsno`. Did you mean `json`?\n  hint: text, json or markdown\n",
        ),
        (
            ["--format", "json", "--format", "text"],
            "error: only one format can go to standard output\n  hint: give the others a path: `--format json=made.json`\n",
        ),
        (
            ["--client", "datamodel-code-generator"],
            "error: --client says whose Python client is written, and none is\n  hint: add `--python generated/python`\n",
        ),
        (
            ["--python", "generated/acme", "--client", "httpx"],
            "error: python has no client `httpx`\n  hint: `client` is contract or datamodel-code-generator\n",
        ),
        (
            ["--python", "."],
            "error: .: holds more than generated code\n  hint: give python a folder of its own below it\n",
        ),
        (
            ["--python", "out", "--typescript", "out/ts"],
            "error: python and typescript want the same folder, out/ts\n  hint: give each its own\n",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(project: Project, words: list[str], err: str) -> None:
    assert project.said(*words) == (2, "", err)
    assert project.started() == []


def test_without_a_folder_it_says_what_to_write(project: Project) -> None:
    (project.folder / "contract.toml").write_text('document = "api.yaml"\n')
    assert project.said() == (
        2,
        "",
        "error: no folder is named to write to\n"
        '  hint: say `--python generated/python`, or `python = "generated/python"` under [generate] in contract.toml\n',
    )


def test_files_get_their_formats_and_the_terminal_its_text(made: Project) -> None:
    code, out, err = made.said(
        "--check", "--format", "json=out/made.json", "--format", "markdown=out/made.md", "--format", "text"
    )
    said = "Passed: generation 100 %, 4 of 4 operations and components proven, fresh · exit 0"
    assert (code, err) == (0, "")
    assert out == (
        "inventory  generated/inventory  100 %: 2 of 2 operations and 2 of 2 components proven, unchanged since the last "
        f"run\n{said}\n"
    )
    assert json.loads((made.folder / "out/made.json").read_text())["outcome"] == said
    assert (made.folder / "out/made.md").read_text() == (
        f"## {said}\n"
        "\n"
        "| target | operations | components | proven | stale |\n"
        "|---|--:|--:|--:|--:|\n"
        "| inventory | 2 of 2 | 2 of 2 | **100 %** | 0 |\n"
    )


def test_check_reports_the_same_and_starts_nothing_either(made: Project, capsys: Out) -> None:
    """`contract check` finds stale code by the same means, and its report has a section for the target."""
    (made.folder / "routes.txt").write_text("GET /tasks\nGET /tags\n")
    words = ["check", "--routes", "text:routes.txt", "--format", "json"]
    assert cli.main(words) == 0
    [row] = json.loads(capsys.readouterr().out)["kpis"]["generation"]["targets"]
    assert (row["path"], row["part"], row["whole"], row["stale"]) == ("generated/inventory", 4, 4, [])
    assert made.started() == []
    (made.folder / "generated/inventory/tasks.txt").write_text("# generated inventory\nmine\n")
    assert cli.main(words) == 1
    report = json.loads(capsys.readouterr().out)
    assert [(each["rule"], each["message"]) for each in report["findings"]] == [
        ("stale-artifact", "`tasks.txt` (inventory) differs from what today's document gives: edited by hand")
    ]
    assert report["kpis"]["generation"]["targets"][0]["stale"] == [
        {"file": "tasks.txt", "change": "changed", "reason": "edited by hand"}
    ]
    made.value["components"]["schemas"]["Tag"]["x-wrong"] = "there are two"
    made.save()
    assert cli.main([*words, "--exclude", "GET /tags"]) == 1
    report = json.loads(capsys.readouterr().out)
    [row] = report["kpis"]["generation"]["targets"]
    assert (row["operations"], row["components"]) == ({"part": 1, "whole": 1}, {"part": 1, "whole": 2})
    assert sorted(each["rule"] for each in report["findings"]) == ["stale-artifact", "unproven-artifact"]
    # What a check proves is not written: the code is still the one of before.
    assert made.started() == [["#/components/schemas/Tag"]]


def test_a_document_that_cannot_be_read_is_an_error_of_usage(made: Project) -> None:
    (made.folder / "api.yaml").write_text("openapi: 3.1.0\npaths: [\n")
    code, out, err = made.said("--check")
    assert (code, out) == (2, "")
    assert err.startswith("error: api.yaml:")


def test_nothing_is_half_written_where_nothing_can_be_written(made: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made.files()
    made.value["components"]["schemas"]["Tag"]["properties"]["colour"] = {"type": "string"}
    made.save()
    # A manifest that cannot be replaced: its folder takes no new file. The code is whole, and the next run mends it.
    path = made.folder / MANIFEST
    path.unlink()
    path.mkdir()
    code, found = made.target()
    assert code == 3 and "manifest.json" in found["error"]["message"]
    path.rmdir()
    path.write_bytes(before["manifest.json"])
    assert made.target()[0] == 0
    assert made.stale() == (0, [])


def wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def test_watching_regenerates_when_the_document_is_saved_and_ends_with_ctrl_c(made: Project) -> None:
    out = made.folder / "watch.txt"
    with out.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "contract", "generate", "--watch"], stdout=stream, stderr=stream, cwd=made.folder
        )
    try:
        wait_for(lambda: "exit 0" in out.read_text())
        good = (made.folder / "api.yaml").read_text()
        (made.folder / "api.yaml").write_text("openapi: [\n")
        wait_for(lambda: "error: api.yaml:" in out.read_text())
        (made.folder / "api.yaml").write_text(good.replace("list_tags", "tags_index"))
        wait_for(lambda: "`list_tags` is called `tags_index` now" in out.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    assert b"tags_index" in made.files()["inventory/tags.txt"]


HEAVY = ("jsonschema_rs", "yaml", "rich", "httpx2", "pydantic", "jinja2", "datamodel_code_generator", "schemathesis")


def test_an_unchanged_check_imports_nothing_heavy(made: Project) -> None:
    """Neither a parser nor a validator is loaded, whatever the size of the document."""
    code = (
        "import sys\n"
        "from contract.app import cli\n"
        "code = cli.main(['generate', '--check'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=made.folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] 0"


@pytest.mark.slow
def test_the_hook_fixes_and_fails_and_passes_the_next_time(made: Project) -> None:
    """Through pre-commit, with no network in sight: an unchanged commit passes, a changed document is regenerated."""
    hooks = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text("utf-8"))
    [hook] = [each for each in hooks if each["id"] == "contract-generated"]
    # As `language: python` would do it, without the installation: the command of this environment.
    entry = hook["entry"].replace("contract ", f"{sys.executable} -m contract ", 1)
    hook = {**hook, "language": "system", "entry": entry}
    del hook["additional_dependencies"]

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=made.folder, capture_output=True, text=True, check=False, env={**os.environ, **more}
        )

    (made.folder / ".git").rmdir()
    run("git", "init", "-q")
    (made.folder / ".pre-commit-config.yaml").write_text(
        yaml.safe_dump({"repos": [{"repo": "local", "hooks": [hook]}]})
    )
    run("git", "add", ".")
    command = (sys.executable, "-m", "pre_commit", "run", "--color=never")
    done = run(*command)
    assert (done.returncode, made.started()) == (0, []), done.stdout
    made.value["paths"]["/tags"]["get"]["operationId"] = "tags_index"
    made.save()
    run("git", "add", ".")
    done = run(*command, INVENTORY_VERSION="missing")
    assert done.returncode == 1 and "inventory-tool" in done.stdout
    done = run(*command)
    assert done.returncode == 1 and "`list_tags` is called `tags_index` now" in done.stdout
    assert b"tags_index" in made.files()["inventory/tags.txt"]
    run("git", "add", ".")
    assert run(*command).returncode == 0


@pytest.mark.slow
def test_a_full_run_of_the_python_client_is_what_a_small_one_left(project: Project) -> None:
    """With the real generator: an additive change proves only itself, removes no line, and a full run says the same."""
    pytest.importorskip("datamodel_code_generator")
    project.value["paths"]["/tasks"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {
        "type": "array",
        "items": {"$ref": "#/components/schemas/Task"},
    }
    project.save()
    words = ("--python", "generated/python")
    code, found = project.target(*words)
    assert (code, found["failures"], found["stale"]) == (0, [], [])
    before = project.files()
    assert project.target("--check", *words) == (0, {**found, "written": [], "started": False})
    project.value["components"]["schemas"]["Label"] = {"type": "object", "properties": {"text": {"type": "string"}}}
    project.value["paths"]["/labels"] = {
        "get": {
            "operationId": "list_labels",
            "tags": ["tags"],
            "responses": {
                "200": {
                    "description": "ok",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Label"}}},
                }
            },
        }
    }
    project.save()
    code, found = project.target(*words)
    assert (code, found["failures"], found["breaking"]) == (0, [], 0)
    assert {"Label", "list_labels"} <= {one["symbol"] for one in found["changed"]["added"]}
    after = project.files()
    for name, data in before.items():
        if name != "manifest.json":
            assert set(data.splitlines()) <= set(after[name].splitlines()), name
    assert project.stale("--full", *words) == (0, [])
    assert project.files() == after


@pytest.mark.slow
def test_a_full_run_of_the_typescript_client_is_what_small_ones_left(project: Project) -> None:
    """As of the Python client: what a change reaches is proven, and what many small runs left is what a full one gives."""
    from contract.core.errors import MissingExtra, SourceError
    from contract.generators._typescript import node

    try:
        node.tools()
    except (MissingExtra, SourceError) as error:
        missing(f"the tools for TypeScript: {error}")
    words = ("--typescript", "generated/typescript")
    code, found = project.target(*words)
    assert (code, found["failures"], found["stale"], found["started"]) == (0, [], [], True)
    assert project.target(*words) == (0, {**found, "written": [], "started": False})
    schemas, paths = project.value["components"]["schemas"], project.value["paths"]
    for edit in (
        lambda: schemas["Tag"]["properties"].update(colour={"enum": ["red", "blue"]}),
        lambda: schemas.update(Label={"type": "object", "properties": {"of": {"$ref": "#/components/schemas/Tag"}}}),
        lambda: paths["/tags"]["get"].update(operationId="tags_index"),
        lambda: schemas["Task"]["required"].append("title"),
    ):
        edit()
        project.save()
        code, found = project.target(*words)
        assert (code, found["failures"], found["started"]) == (0, [], True)
    left = project.files()
    assert project.stale("--full", *words) == (0, [])
    assert project.target("--full", *words)[0] == 0
    assert project.files() == left


@pytest.mark.slow
def test_the_client_of_the_library_is_chosen_by_the_file_or_by_a_flag(project: Project) -> None:
    pytest.importorskip("datamodel_code_generator")
    config = project.folder / "contract.toml"
    config.write_text(
        'document = "api.yaml"\n[generate]\npython = { path = "generated/acme", client = "datamodel-code-generator" }\n'
    )
    code, found = project.target()
    assert (code, found["failures"], found["stale"], found["started"]) == (0, [], [], True)
    files = project.files()
    assert {"acme/client/_client.py", "acme/models.py"} <= files.keys()
    assert json.loads(files["manifest.json"])["targets"]["python"]["options"] == {"client": "datamodel-code-generator"}
    assert project.target("--check") == (0, {**found, "written": [], "started": False})
    with (project.folder / "generated/acme/models.py").open("a") as file:
        file.write("# mine\n")
    assert project.stale() == (1, [("models.py", "changed", "edited by hand")])
    assert project.target()[1]["written"] == ["models.py"]
    assert project.files() == files
    assert project.stale("--full") == (0, [])
    code, stale = project.stale("--client", "contract")
    assert (code, {reason for _, _, reason in stale}) == (1, {"options changed"})
    assert ("client/_client.py", "removed", "options changed") in stale
    config.write_text('document = "api.yaml"\n')
    words = ("--python", "generated/acme", "--client", "datamodel-code-generator")
    assert project.target("--check", *words)[1]["started"] is False
    project.value["paths"]["/labels"] = {
        "get": {"operationId": "list_labels", "responses": {"204": {"description": ""}}}
    }
    project.save()
    code, found = project.target(*words)
    assert (code, found["failures"], [one["symbol"] for one in found["changed"]["added"]]) == (0, [], ["list_labels"])


def recorded(path: Path, *bodies: tuple[str, str]) -> str:
    """A recording of `POST /tasks` with these requests and answers."""
    entries = [
        {
            "request": {
                "method": "POST",
                "url": "https://api.example.com/tasks",
                "headers": [{"name": "Content-Type", "value": "application/json"}],
                "postData": {"mimeType": "application/json", "text": sent},
            },
            "response": {
                "status": 201,
                "headers": [{"name": "Content-Type", "value": "application/json"}],
                "content": {"size": len(got), "mimeType": "application/json", "text": got},
            },
        }
        for sent, got in bodies
    ]
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    return str(path)


@pytest.mark.slow
def test_recordings_that_are_named_are_looked_at_though_nothing_changed(project: Project) -> None:
    """`1.0` is an integer to JSON Schema (2020-12, 4.2.1), and none to a strict type in Python."""
    pytest.importorskip("datamodel_code_generator")
    task = {"$ref": "#/components/schemas/Task"}
    content = {"application/json": {"schema": task}}
    project.value["components"]["schemas"]["Task"]["properties"]["size"] = {"type": "integer"}
    project.value["paths"]["/tasks"]["post"] = {
        "operationId": "add_task",
        "requestBody": {"required": True, "content": content},
        "responses": {"201": {"description": "", "content": content}},
    }
    project.save()
    words = ("--python", "generated/python")
    assert project.target(*words)[0] == 0
    good = recorded(
        project.folder / "good.har", ('{"id": "a", "more": 1}', '{"id": "b"}'), ('{"id": 7}', '{"size": 1}')
    )
    code, found = project.target(*words, "--traffic", good)
    assert (code, found["failures"], found["started"], found["written"]) == (0, [], True, [])
    for name, sent, got, where in (
        ("sent.har", '{"id": "a", "size": 1.0}', '{"id": "b"}', "request"),
        ("got.har", '{"id": "a"}', '{"id": "b", "size": 1.0}', "201"),
    ):
        capture = recorded(project.folder / name, (sent, got))
        code, found = project.target("--check", *words, "--traffic", good, "--traffic", f"har:{capture}")
        [failure] = found["failures"]
        assert (code, failure["pointer"], failure["step"]) == (1, "POST /tasks", "values")
        assert failure["reason"].startswith(f"an observed value of {where} is refused at /size: ")
    # One that only the file of settings names, and that is not there, is said.
    (project.folder / "contract.toml").write_text('document = "api.yaml"\ntraffic = ["har:missing.har"]\n')
    project.value["components"]["schemas"]["Task"]["properties"]["due"] = {"type": "string"}
    project.save()
    code, found = project.target(*words)
    assert code == 0
    assert found["notes"][-1] == "the recording har:missing.har is not looked at: missing.har: no such file"


def test_a_recording_that_is_named_and_cannot_be_read_is_an_error(made: Project) -> None:
    assert made.said("--traffic", "missing.har") == (3, "", "error: missing.har: no such file\n")
    assert made.said("--traffic", "missing") == (2, "", "error: missing: no such file\n")
    assert made.started() == []


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(DATA is None, reason="no shared data")
def test_an_unchanged_check_of_a_large_document_costs_a_few_times_what_parsing_it_does(project: Project) -> None:
    """GitHub's document, 13 MB: the whole process, beside a whole process that does nothing but parse."""
    assert DATA is not None
    text = lzma.decompress((DATA / "documents/github.json.xz").read_bytes())
    (project.folder / "api.json").write_bytes(text)
    (project.folder / "contract.toml").write_text(
        'document = "api.json"\n[generate]\ninventory = "generated/inventory"\n'
    )
    code, found = project.target()
    assert (code, found["operations"], found["components"]["whole"]) == (0, {"part": 1223, "whole": 1223}, 969)

    def cost(*words: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], cwd=project.folder, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    rounds = [
        (cost("-m", "contract", "generate", "--check"), cost("-c", "import json; json.load(open('api.json', 'rb'))"))
        for _ in range(5)
    ]
    assert min(check for check, _ in rounds) <= 6 * min(parsing for _, parsing in rounds)
    assert project.started() == [None]
