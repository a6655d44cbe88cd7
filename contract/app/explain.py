"""What `contract explain` says: a rule's page, or all rules in groups."""

from __future__ import annotations

from contract.core import rule
from contract.core.errors import ConfigError

GROUPS = {
    "matched": "what was observed, against what is declared",
    "undeclared": "implemented or observed, and in no document",
    "unobserved": "declared, and not implemented",
    "complained": "what only asking can show",
    "generated": "generated code",
    "declared": "the document on its own",
}


def index() -> str:
    """Every rule with its level and first sentence, in groups."""
    pages = rule.pages()
    width = max(map(len, pages), default=0)
    parts = []
    for row, title in GROUPS.items():
        rules = [item for item in pages.values() if item.row == row]
        if rules:
            lines = [f"  {item.id:<{width}}  {item.level:<7}  {item.title}" for item in rules]
            parts.append("\n".join([title, *lines]))
    return "\n\n".join([*parts, "contract explain RULE tells more of one."])


def page(name: str) -> str:
    """The page of one rule; raises ConfigError with the nearest name if there is none."""
    pages = rule.pages()
    item = pages.get(name) or pages.get(name.partition("/")[0])
    if item is None:
        from contract.app.keys import nearest

        guess = nearest(name, list(pages))
        if guess is not None:
            raise ConfigError(f"there is no rule `{name}`. Did you mean `{guess}`?")
        raise ConfigError(f"there is no rule `{name}`", "`contract explain` lists them all")
    level = f"{item.id} · {item.level} · {GROUPS.get(item.row, item.row)}"
    change = f'Another level: `--level {item.id}=note`, or in contract.toml [levels] `{item.id} = "off"`.'
    return "\n\n".join([level, item.doc.replace("**", ""), change])
