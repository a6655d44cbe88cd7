"""Flags over environment over file over defaults; and what is said when one of them is wrong."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from contract.app import reference, settings
from contract.app.keys import KEYS
from contract.app.settings import Settings
from contract.app.values import Filter, Output, Rate, TypesTarget
from contract.core.errors import ConfigError
from contract.core.finding import Level


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A git root without a config file."""
    (tmp_path / ".git").mkdir()
    return tmp_path


def load(folder: Path, text: str | None = None, environ: dict[str, str] | None = None, **flags: Any) -> Settings:
    if text is not None:
        (folder / "contract.toml").write_text(text, "utf-8")
    return settings.load(flags, environ or {}, folder)


def refusal(folder: Path, text: str | None = None, environ: dict[str, str] | None = None, **flags: Any) -> str:
    """The message and hint of the ConfigError, as the terminal shows them."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, environ, **flags)
    error = caught.value
    return error.message + (f" | {error.hint}" if error.hint else "")


# --- precedence ---


def test_flags_go_before_environment_before_file_before_defaults(project: Path) -> None:
    text = "[fuzz]\nseed = 2\nworkers = 2\nmax_examples = 2\n"
    environ = {"CONTRACT_SEED": "3", "CONTRACT_WORKERS": "3"}
    loaded = load(project, text, environ, seed="4")
    assert (loaded.seed, loaded.workers, loaded.max_examples, loaded.max_time_s) == (4, 3, 2, 60.0)
    assert [loaded.origins[name] for name in ("seed", "workers", "max_examples", "max_time_s")] == [
        "flag --seed",
        "environment CONTRACT_WORKERS",
        "contract.toml:4",
        "default",
    ]


def test_headers_and_levels_are_merged_by_name_and_lists_are_replaced(project: Path) -> None:
    text = (
        'include = ["tag:a", "tag:b"]\n[headers]\nX-A = "file"\nX-B = "file"\n'
        '[levels]\n"*-status" = "off"\n"undeclared-*" = "note"\n'
    )
    loaded = load(
        project,
        text,
        {"CONTRACT_HEADER": "X-B: of; the environment"},
        include=["/x"],
        levels=["undeclared-status=error"],
    )
    assert [(one.name, one.value) for one in loaded.headers] == [("X-A", "file"), ("X-B", "of; the environment")]
    assert loaded.include == (Filter("/x"),)
    assert loaded.levels == (("*-status", None), ("undeclared-*", Level.NOTE), ("undeclared-status", Level.ERROR))
    assert loaded.origins["headers"] == "contract.toml:2, environment CONTRACT_HEADER"


def test_the_last_matching_level_wins(project: Path) -> None:
    loaded = load(project, '[levels]\n"undeclared-*" = "note"\nundeclared-status = "off"\n')
    assert loaded.level("undeclared-status", Level.ERROR) is None
    assert loaded.level("undeclared-property", Level.WARNING) is Level.NOTE
    assert loaded.level("server-error", Level.ERROR) is Level.ERROR


def test_a_variable_holds_several_values_parted_by_semicolons_or_lines(project: Path) -> None:
    loaded = load(
        project, None, {"CONTRACT_EXCLUDE": "GET /up :: for the balancer; tag:internal", "CONTRACT_FUZZ": "no"}
    )
    assert loaded.exclude == (Filter("GET /up", "for the balancer"), Filter("tag:internal"))
    assert loaded.fuzz is False


def test_what_the_file_switches_off_a_flag_can_switch_on(project: Path) -> None:
    text = "safe = true\n[fuzz]\nenabled = false\n"
    assert (load(project, text).fuzz, load(project, text).safe) == (False, True)
    loaded = load(project, text, fuzz=True, safe=False)
    assert (loaded.fuzz, loaded.safe) == (True, False)


# --- each way of writing a value ---


def test_every_value_becomes_what_it_means(project: Path) -> None:
    loaded = load(
        project,
        None,
        {"TOKEN": "s3cr3t"},
        documents=["specs/a.yaml", "specs/b.yaml"],
        target="asgi:app.main:create()",
        routes=["laravel:routes.json", "asgi:app.main:app"],
        traffic=["har:capture.har"],
        max_time_s="1h30m",
        rate_limit="600/min",
        timeout_s="250ms",
        headers=["Authorization: Bearer ${TOKEN}"],
        formats=["text", "json=out/report.json"],
        types=["python=generated/python", "typescript"],
        fail_on="warning",
        floor="65%",
        baseline="contract.baseline.json",
        update_baseline=True,
        reason="known",
        until="2027-03-31",
    )
    assert loaded.documents == ("specs/a.yaml", "specs/b.yaml")
    assert loaded.document == "specs/a.yaml"
    assert loaded.routes == ("laravel:routes.json", "asgi:app.main:app")
    assert loaded.max_time_s == 5400.0
    assert (loaded.rate_limit, str(loaded.rate_limit)) == (Rate(600, 60), "600/m")
    assert loaded.timeout_s == 0.25
    assert [(one.name, one.value, one.shown) for one in loaded.headers] == [
        ("Authorization", "Bearer s3cr3t", "Bearer ${TOKEN}")
    ]
    assert loaded.formats == (Output("text"), Output("json", "out/report.json"))
    assert loaded.types == (TypesTarget("python", "generated/python"), TypesTarget("typescript"))
    assert (loaded.fail_on, loaded.floor, loaded.until) == (Level.WARNING, 0.65, "2027-03-31")


def test_none_takes_a_limit_away(project: Path) -> None:
    loaded = load(project, 'rate_limit = "5/s"\n[fuzz]\nmax_time = 20\n', rate_limit="none", max_time_s="none")
    assert (loaded.rate_limit, loaded.max_time_s) == (None, None)
    assert load(project).max_time_s == 20.0


def test_a_target_may_be_a_table_with_options_and_the_old_name_of_the_table_is_read(project: Path) -> None:
    text = '[generate]\npython = { path = "out/python", backend = "httpx2", strict = true }\ntypescript = "ts"\n'
    wanted = (
        TypesTarget("python", "out/python", (("backend", "httpx2"), ("strict", "true"))),
        TypesTarget("typescript", "ts"),
    )
    assert load(project, text).types == wanted
    assert load(project, text.replace("[generate]", "[types]")).types == wanted
    assert refusal(project, "[types]\npython = true\n[generate]\npython = true\n") == (
        "contract.toml:1: `types` is the old name of `generate`, and both are here | put what it says under [generate]"
    )
    assert refusal(project, "[generate]\npython = { path = 3 }\n") == (
        "contract.toml:1: `generate` must be a table of targets, each with its folder or `true`, or `false` for none"
    )


def test_the_targets_of_a_manifest_are_looked_at_where_nothing_is_said(project: Path) -> None:
    from contract.app import manifest
    from contract.core.report import Ratio

    held = manifest.Held("ts", "", (), {}, {}, {"backend": "hey-api"}, {}, Ratio(0, 0), Ratio(0, 0))
    manifest.write(project / "generated/manifest.json", {"typescript": held})
    options = (("backend", "hey-api"),)
    assert load(project, target="http://127.0.0.1:1").types == (TypesTarget("typescript", "generated/ts", options),)
    (project / "generated/manifest.json").write_text('{"name": "a web page"}')
    assert load(project, target="http://127.0.0.1:1").types == (TypesTarget("python"),)


def test_types_can_be_switched_off(project: Path) -> None:
    assert load(project, "types = false\n").types == ()
    assert load(project, "[types]\npython = true\nphp = false\n").types == (TypesTarget("python"),)
    assert load(project, "[types]\npython = true\n", types=False).types == ()


def test_python_is_generated_beside_other_evidence_where_nothing_is_said(project: Path) -> None:
    assert load(project).types == ()
    assert load(project, target="http://127.0.0.1:1").types == (TypesTarget("python"),)
    (project / "generated" / "python").mkdir(parents=True)
    assert load(project, target="http://127.0.0.1:1").types == (TypesTarget("python", "generated/python"),)


# --- the file ---


def test_the_nearest_file_is_taken_and_its_paths_are_its_own(project: Path) -> None:
    (project / "contract.toml").write_text(
        'document = "specs/api.yaml"\nroutes = ["laravel:routes.json", "asgi:app:app"]\n'
        'traffic = "har:seen.har"\nbaseline = "known.json"\nformat = ["json=out.json", "text"]\n'
    )
    below = project / "src" / "deep"
    below.mkdir(parents=True)
    loaded = load(below)
    assert (loaded.config, loaded.root) == ("../../contract.toml", project)
    assert loaded.documents == ("../../specs/api.yaml",)
    assert loaded.routes == ("laravel:../../routes.json", "asgi:app:app")
    assert loaded.traffic == ("har:../../seen.har",)
    assert (loaded.baseline, loaded.formats) == ("../../known.json", (Output("json", "../../out.json"), Output("text")))
    assert load(below, documents=["specs/api.yaml"]).documents == ("specs/api.yaml",)


def test_the_search_ends_at_the_git_root(tmp_path: Path) -> None:
    (tmp_path / "contract.toml").write_text("colour = 1\n")
    inner = tmp_path / "inner"
    (inner / ".git").mkdir(parents=True)
    assert load(inner).config is None


def test_outside_git_only_the_current_folder_is_searched(tmp_path: Path) -> None:
    (tmp_path / "contract.toml").write_text("colour = 1\n")
    (tmp_path / "inner").mkdir()
    loaded = load(tmp_path / "inner")
    assert (loaded.config, loaded.root) == (None, tmp_path / "inner")


def test_pyproject_is_read_where_it_has_our_table(project: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "x"\n\n[tool.contract.fuzz]\nseed = 9\n')
    loaded = load(project)
    assert (loaded.seed, loaded.origins["seed"], loaded.config) == (9, "pyproject.toml:5", "pyproject.toml")
    (project / "inner").mkdir()
    (project / "inner" / "pyproject.toml").write_text('[project]\nname = "contract-of-mine"\n')
    assert load(project / "inner").seed == 9


def test_contract_toml_goes_before_pyproject(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.contract.fuzz]\nseed = 9\n")
    assert load(project, "[fuzz]\nseed = 8\n").seed == 8


def test_a_named_file_is_read_and_must_be_there(project: Path) -> None:
    (project / "other.toml").write_text("[fuzz]\nseed = 5\n")
    assert load(project, config="other.toml").seed == 5
    assert load(project, None, {"CONTRACT_CONFIG": "other.toml"}).seed == 5
    assert refusal(project, config="nowhere.toml") == "nowhere.toml: no such file or directory"
    (project / "pyproject.toml").write_text("[project]\n")
    assert refusal(project, config="pyproject.toml") == (
        "pyproject.toml: no [tool.contract] in it | contract.toml needs no such table"
    )


# --- what is wrong is said with its line ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '# a comment\n\ndocument = "a.yaml"\n[fuzz]\nseed = 1\n\nmax_tmie = "60s"\n',
            "contract.toml:7: unknown key `max_tmie` in [fuzz]. Did you mean `max_time`?",
        ),
        (
            "fuzz = { seed = 1, max_tmie = 2 }\n",
            "contract.toml:1: unknown key `max_tmie` in [fuzz]. Did you mean `max_time`?",
        ),
        ("fuzz.max_tmie = 2\n", "contract.toml:1: unknown key `max_tmie` in [fuzz]. Did you mean `max_time`?"),
        ("\nmax_time = '60s'\n", "contract.toml:2: unknown key `max_time`. Did you mean `max_time` in [fuzz]?"),
        ("[fuz]\nseed = 1\n", "contract.toml:1: unknown key `fuz`. Did you mean `fuzz`?"),
        ("fuzz = 3\n", "contract.toml:1: `fuzz` must be a table: [fuzz]"),
        (
            "[fuzz]\nmax_time = true\n",
            "contract.toml:2: `max_time` in [fuzz] must be a duration such as `60s`, or `none`",
        ),
        ("[fuzz]\nworkers = 0\n", "contract.toml:2: `workers` in [fuzz] must be a whole number, 1 or more"),
        ("[fuzz]\nworkers = '2'\n", "contract.toml:2: `workers` in [fuzz] must be a whole number, 1 or more"),
        ("[fuzz]\nenabled = 1\n", "contract.toml:2: `enabled` in [fuzz] must be true or false"),
        ("fail_on = 'eror'\n", "contract.toml:1: `fail_on` must be `error`, `warning` or `note`"),
        ("floor = 1.5\n", "contract.toml:1: `floor` must be a share from 0 to 1, such as `0.8`, or `80%`"),
        ("rate_limit = '0/s'\n", "contract.toml:1: `rate_limit` must be a rate such as `50/s` or `600/m`"),
        (
            "routes = ['laravel']\n",
            "contract.toml:1: `routes` must be KIND:WHERE, such as `laravel:routes.json` or `asgi:app.main:app`",
        ),
        (
            "target = '127.0.0.1:8000'\n",
            "contract.toml:1: `target` must be a URL such as `http://127.0.0.1:8000`, `asgi:MODULE:APP` or `wsgi:MODULE:APP`",
        ),
        ("document = 3\n", "contract.toml:1: `document` must be a path"),
        (
            "[levels]\nserver-error = 'error'\nno-answer = 'loud'\n",
            "contract.toml:3: `levels` must be `error`, `warning`, `note` or `off` for each rule",
        ),
        (
            "[headers]\nX-A = 'a'\n'X B' = 'b'\n",
            "contract.toml:3: `headers` must be a header such as `Authorization: Bearer ${TOKEN}`",
        ),
        ("headers = 'X: y'\n", "contract.toml:1: `headers` must be a header such as `Authorization: Bearer ${TOKEN}`"),
        (
            "types = ['python']\n",
            "contract.toml:1: `types` must be a table of targets, each with its folder or `true`, or `false` for none",
        ),
        (
            "[[exclude]]\npattern = '/a'\n[[exclude]]\npattern = '/b'\nreson = 'x'\n",
            "contract.toml:5: unknown key `reson` in [exclude]. Did you mean `reason`?",
        ),
        ("exclude = [{ reason = 'x' }]\n", "contract.toml:1: `exclude` must be PATTERN"),
        ("[fuzz\n", "contract.toml:1:6: not TOML: Expected ']' at the end of a table declaration"),
        ("seed = \n", "contract.toml:1:8: not TOML: Invalid value"),
    ],
)
def test_a_fault_in_the_file_is_told_with_its_line(project: Path, text: str, said: str) -> None:
    pattern = "`GET /tasks/*`, `/tasks/*`, `tag:NAME` or `operationId:NAME`, or in the file { pattern = …, reason = … }"
    assert refusal(project, text) == said.replace("PATTERN", pattern)


def test_a_key_far_from_all_others_lists_those_there_are(project: Path) -> None:
    assert refusal(project, "[fuzz]\nxyzzy = 1\n") == (
        "contract.toml:2: unknown key `xyzzy` in [fuzz] | known: enabled, max_examples, max_time, seed, workers"
    )


def test_the_line_is_right_behind_texts_of_several_lines(project: Path) -> None:
    text = 'release = """\n[fuzz]\nmax_tmie = 1\n"""\ninclude = [\n  "/a", # seed = 1\n  "/b",\n]\nseeed = 1\n'
    assert refusal(project, text) == "contract.toml:9: unknown key `seeed`. Did you mean `seed` in [fuzz]?"


def test_a_file_that_is_no_text_is_refused(project: Path) -> None:
    (project / "contract.toml").write_bytes(b"a = '\xff'\n")
    assert refusal(project) == "contract.toml: not UTF-8 (byte 5)"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"seed": "x"}, "--seed must be a whole number, 0 or more, not `x`"),
        ({"max_time_s": "soon"}, "--max-time must be a duration such as `60s`, `2m` or `1h`, not `soon`"),
        ({"max_time_s": "0"}, "--max-time must be a duration longer than nothing, such as `60s`, not `0`"),
        ({"headers": ["nonsense"]}, "--header must be a header such as `Authorization: Bearer ${TOKEN}`"),
        ({"headers": ["X-A: a\nX-B: b"]}, "--header must be a header value on one line"),
        ({"until": "soon", "update_baseline": True}, "--until must be a date such as `2027-03-31`, not `soon`"),
        ({"formats": ["json="]}, "--format must be NAME or NAME=PATH, such as `json=report.json`, not `json=`"),
        (
            {"formats": ["json", "html"]},
            "only one report can go to standard output, and json and html want to"
            " | give the others a path: `--format html=report.html`",
        ),
        ({"formats": ["json=a", "html=./a"]}, "two reports want to be written to a | give each its own path"),
        ({"update_baseline": True}, "--update-baseline needs a file | say `--baseline contract.baseline.json`"),
        (
            {"update_baseline": True, "baseline": "b.json", "reason": " "},
            "--update-baseline needs a reason | say why it is accepted: `--reason 'fixed with release 2.4'`",
        ),
        ({"reason": "so"}, "--reason means nothing without --update-baseline"),
    ],
)
def test_a_wrong_flag_is_told_by_its_name(project: Path, flags: dict[str, Any], said: str) -> None:
    assert refusal(project, **flags) == said


def test_a_wrong_variable_is_told_by_its_name(project: Path) -> None:
    assert refusal(project, None, {"CONTRACT_SEED": "x"}) == "CONTRACT_SEED must be a whole number, 0 or more, not `x`"


def test_a_variable_that_is_nearly_ours_is_noted(project: Path) -> None:
    loaded = load(project, None, {"CONTRACT_MAX_TMIE": "5s", "CONTRACT_DEMO_DRIFT": "x", "CONTRACT_DATA": "/d"})
    assert loaded.notes == ("the environment variable CONTRACT_MAX_TMIE is not read; did you mean CONTRACT_MAX_TIME?",)


# --- secrets ---


def test_a_missing_secret_is_named_with_its_line(project: Path) -> None:
    text = '[headers]\nX-A = "a"\nAuthorization = "Bearer ${API_TOKEN}"\n'
    assert refusal(project, text) == (
        "contract.toml:3: the environment has no variable `API_TOKEN`"
        " | set it, or take `${API_TOKEN}` out: `export API_TOKEN=…`"
    )
    assert refusal(project, "", headers=["X: ${NOPE}"]).startswith("--header: the environment has no variable `NOPE`")


def test_a_secret_is_in_no_representation(project: Path) -> None:
    loaded = load(project, None, {"TOKEN": "canary-1"}, headers=["Authorization: Bearer ${TOKEN}", "X-Key: canary-2"])
    assert loaded.headers[0].value == "Bearer canary-1"
    printed = repr(loaded) + str(settings.shown(loaded))
    assert "canary" not in printed
    assert ("headers", "Authorization: Bearer ${TOKEN}, X-Key: …", "flag --header") in settings.shown(loaded)


# --- the run's commit ---


def test_the_commit_is_what_ci_says_or_git_has_checked_out(project: Path) -> None:
    assert load(project).commit is None
    (project / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (project / ".git" / "packed-refs").write_text(f"# pack-refs\n{'b' * 40} refs/heads/main\n")
    assert load(project).commit == "b" * 40
    (project / ".git" / "refs" / "heads").mkdir(parents=True)
    (project / ".git" / "refs" / "heads" / "main").write_text("a" * 40 + "\n")
    assert (load(project).commit, load(project).origins["commit"]) == ("a" * 40, "git")
    assert load(project, None, {"GITHUB_SHA": "c" * 40}).commit == "c" * 40
    assert load(project, commit="mine").commit == "mine"


# --- one source for all ---


def test_every_key_is_a_field_and_every_name_is_used_once() -> None:
    names = {one.name for one in fields(Settings)}
    assert {key.name for key in KEYS} <= names
    for attribute in ("name", "path", "flag", "variable"):
        values = [value for key in KEYS if (value := getattr(key, attribute)) is not None]
        assert len(values) == len(set(values))


def test_the_schema_takes_what_is_read_and_refuses_what_is_not(project: Path) -> None:
    schema = settings.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = {
        "document": "a.yaml",
        "routes": ["laravel:r.json"],
        "exclude": ["/a", {"pattern": "/b", "reason": "c"}],
        "floor": "80%",
        "types": {"python": "generated/python"},
        "levels": {"no-answer": "off"},
        "fuzz": {"max_time": 60, "seed": 1},
    }
    assert list(validator.iter_errors(good)) == []
    for bad in (
        {"fuzz": {"max_tmie": 1}},
        {"colour": 1},
        {"fail_on": "loud"},
        {"types": True},
        {"fuzz": {"workers": 0}},
    ):
        assert len(list(validator.iter_errors(bad))) == 1


def test_the_example_of_the_configuration_page_can_be_loaded(project: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", reference.configuration(), re.DOTALL)
    assert example is not None
    loaded = load(project, example[1], {"API_TOKEN": "t"})
    assert loaded.exclude == (Filter("tag:internal"), Filter("GET /up", "for the load balancer only"))


@pytest.mark.parametrize("name", sorted(reference.PAGES))
def test_the_generated_pages_are_up_to_date(name: str) -> None:
    page = Path(__file__).parents[2] / "docs" / name
    assert page.read_text("utf-8") == reference.PAGES[name](), "run `make docs`"
