"""The pages of docs/ that are made from the code: `python -m contract.app.reference` writes them, a test compares them."""

from __future__ import annotations

from pathlib import Path

from contract.app.configfile import SERVICE_SCHEMA
from contract.app.explain import GROUPS
from contract.app.keys import KEYS, SECTIONS
from contract.core import rule

MADE = "<!-- Made by `make docs` from the code; not edited by hand. -->"


def configuration() -> str:
    """`docs/configuration.md`: each setting with its flag, its key, its variable and its default."""
    parts = [
        MADE,
        "# Configuration",
        "A flag goes before an environment variable, that before the file, and the file before the default. The file is "
        "`contract.toml`, or the table `[tool.contract]` of `pyproject.toml`: the nearest one from the current folder "
        "up to the root of the git repository, or the one that `--config` (or `CONTRACT_CONFIG`) names. "
        "`contract config show` prints each value and where it comes from; `contract config schema` prints a JSON Schema "
        "for editors.",
        "```toml\n"
        'document = "specs/api.yaml"\n'
        'target = "http://127.0.0.1:8000"\n'
        'routes = ["laravel:routes.json"]\n'
        'exclude = ["tag:internal", { pattern = "GET /up", reason = "for the load balancer only" }]\n'
        'format = ["text", "json=reports/contract.json"]\n'
        "\n"
        "[headers]\n"
        'Authorization = "Bearer ${API_TOKEN}"\n'
        "\n"
        "[fuzz]\n"
        'max_time = "2m"\n'
        "\n"
        "[generate]\n"
        'python = "generated/python"\n'
        "\n"
        "[levels]\n"
        '"undeclared-property" = "note"\n'
        "```",
        "Paths in the file start at the file's folder, those of flags and variables at the current one. `${VAR}` in the "
        "value of a header is read from the environment, and never printed. Where several values are allowed, a flag is "
        "repeated, the file has a list, and a variable parts them by `;` or by lines (headers by lines only). Headers "
        "and levels of the three places are merged by name; for all else the nearest place wins as a whole. "
        "A misspelt key is an error, and so is a value of the wrong type.",
    ]
    for section, about in SECTIONS.items():
        parts.append(f"## {section[0].upper()}{section[1:]}\n\n{about}")
        rows = ["| flag | file | variable | default | |", "| --- | --- | --- | --- | --- |"]
        for key in KEYS:
            if key.section != section:
                continue
            flag = key.flag + (f" {key.metavar}" if key.metavar else "")
            cells = [
                f"`{flag}`" + (f", `{key.opposite[0]}`" if key.opposite else ""),
                f"`{key.path}`" if key.path else "",
                f"`{key.variable}`" if key.variable else "",
                key.shown_default or "",
                key.help[0].upper() + key.help[1:] + ".",
            ]
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append("\n".join(rows))
    parts.append(
        "## Service\n\nThe table `[service]`, which `contract serve` reads and no other command; "
        "[service.md](service.md) says more. `--host`, `--port` and `--database` go before it, and the variable "
        "`CONTRACT_DATABASE` before the file."
    )
    rows = ["| file | |", "| --- | --- |"]
    for name, shape in SERVICE_SCHEMA["properties"].items():
        about = shape["description"]
        path = f"service.{name}" + (".NAME.config" if name == "projects" else "")
        rows.append(f"| `{path}` | {about[0].upper()}{about[1:]}. |")
    parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def rules() -> str:
    """`docs/rules.md`: each rule's docstring, by what it looks at."""
    pages = rule.pages()
    parts = [
        MADE,
        "# Rules",
        "What `contract` reports, by what it looks at. `contract explain RULE` prints the same. Another level for a rule: "
        "`--level RULE=note`, or `[levels]` in `contract.toml`; `off` switches it off.",
    ]
    for row, title in GROUPS.items():
        rules = [item for item in pages.values() if item.row == row]
        if rules:
            parts.append(f"## {title[0].upper()}{title[1:]}")
        for item in rules:
            parts.append(f"### {item.id}\n\nLevel: {item.level}.\n\n{item.doc.strip()}")
    return "\n\n".join(parts) + "\n"


PAGES = {"configuration.md": configuration, "rules.md": rules}


def main() -> None:
    """Writes the pages."""
    folder = Path(__file__).parents[2] / "docs"
    for name, make in PAGES.items():
        (folder / name).write_text(make(), "utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
