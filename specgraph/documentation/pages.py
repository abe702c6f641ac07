"""Reference pages generated from the definitions, so that they cannot become outdated."""

from __future__ import annotations

from argparse import Action
from importlib import import_module

from specgraph.cli.main import available, overview, parser_of
from specgraph.documentation.rule_needs import rule_needs_source
from specgraph.kinds.records import Field, Record, Tagged
from specgraph.kinds.settings import to_plain
from specgraph.kinds.shown import show
from specgraph.language.initialisers import INITIALISER
from specgraph.ops.definition import Argument, Op
from specgraph.ops.registry import FAMILIES, ops
from specgraph.recipes.augmentation import AUGMENTATION
from specgraph.recipes.feeding import DATA
from specgraph.recipes.losses import LOSS
from specgraph.recipes.optimisation import OPTIMIZER, SCHEDULE
from specgraph.recipes.recipe import RECIPE
from specgraph.recipes.resizing import RESIZE
from specgraph.recipes.search import SEARCH
from specgraph.reporting.rules_page import GENERATED, cell, rules_page

EXIT_CODES = (
    "A flag may stand before or after the spec; a spec may be `-`, standard input. Results go to standard output,",
    "progress and messages to standard error, colours only to a terminal (`NO_COLOR` is honoured). Exit codes: 0 done",
    "and clean; 1 the spec has errors (with `check --strict`, or `strict = true` in pyproject.toml, warnings too), a",
    "verification failed, or specs differ (`diff --exit-code`); 2 the command could not be carried out; 130 and 143",
    "after Ctrl-C and SIGTERM. Every command takes `--debug`, which shows the traceback of an internal error.",
)


def ops_page() -> str:
    """Every op: what it does, its arguments, its formula, what others call it."""
    lines = ["# Ops", "", GENERATED, ""]
    lines += ["Lower-case, dimension-free names; PyTorch's names for arguments. One node, one tensor.", ""]
    for family in FAMILIES:
        members = [op for op in ops().values() if op.family == family]
        lines += [f"## {family.capitalize()}", ""]
        for op in members:
            lines += [*_op(op), ""]
    return "\n".join(lines).rstrip() + "\n"


def _op(op: Op) -> list[str]:
    least, most = op.num_inputs
    inputs = str(least) if least == most else f"{least} or more" if most is None else f"{least} to {most}"
    lines = [f"### `{op.name}`", "", op.summary, ""]
    if op.formula:
        lines += [f"`{op.formula}`", ""]
    facts = [f"{inputs} input{'' if inputs == '1' else 's'}" if most != 0 else "no inputs"]
    if op.training_only:
        facts.append("does nothing outside training")
    if op.foreign:
        facts.append("elsewhere " + ", ".join(f"`{name}`" for name in op.foreign))
    lines += ["; ".join(facts) + ".", ""]
    if op.arguments:
        lines += ["| argument | takes | default | |", "|---|---|---|---|"]
        lines += [_argument(argument) for argument in op.arguments.values()]
    return lines


def _argument(argument: Argument) -> str:
    default = "implied" if argument.implied else "required" if argument.required else f"`{show(argument.default)}`"
    if not argument.required and not argument.implied and argument.default is None:
        default = "–"
    return f"| `{argument.name}` | {cell(argument.kind.words)} | {default} | {cell(argument.doc)} |"


def recipes_page() -> str:
    """Every field of a recipe, and what it may be."""
    lines = ["# Recipes and initialisers", "", GENERATED, ""]
    lines += ["A recipe is one entry under `recipes`; the first is the default.", ""]
    lines += ["## Recipe", "", *_record(RECIPE), "", "## data", "", *_record(DATA), ""]
    lines += ["## search", "", *_record(SEARCH), ""]
    choices = {"resize": RESIZE, "augment": AUGMENTATION, "loss": LOSS, "optimizer": OPTIMIZER, "schedule": SCHEDULE}
    choices["init"] = INITIALISER
    for title, tagged in choices.items():
        lines += [f"## {title}", "", *_tagged(tagged), ""]
    return "\n".join(lines).rstrip() + "\n"


def _record(record: Record) -> list[str]:
    return ["| field | takes | default | |", "|---|---|---|---|", *map(_field, record.fields.values())]


def _field(field: Field) -> str:
    default = "required" if field.required else "–" if field.default is None else f"`{_plain(field.default)}`"
    return f"| `{field.name}` | {cell(field.kind.words)} | {default} | {cell(field.doc)} |"


def _tagged(tagged: Tagged) -> list[str]:
    lines: list[str] = []
    for name, record in tagged.records.items():
        lines += [f"**`{name}`**", ""]
        if record.fields:
            lines += [*_record(record), ""]
    return lines[:-1]


def _plain(default: object) -> str:
    return show(to_plain(default))


def commands_page() -> str:
    """Every command: what it does, how it is called, examples, arguments and options."""
    lines = ["# Commands", "", GENERATED, "", "```", overview(), "```", "", *EXIT_CODES, ""]
    for name, path in available().items():
        module = import_module(f"specgraph.cli.{path}")
        parser = parser_of(name, module)
        lines += [f"## `{name}`", "", f"{module.HELP[:1].upper()}{module.HELP[1:]}.", ""]
        if parser.examples:
            width = max(len(command) for command, _ in parser.examples)
            lines += ["```", *(f"{command:<{width}}  # {what}" for command, what in parser.examples), "```", ""]
        lines += ["| | |", "|---|---|"]
        lines += [row for action in parser.described_actions() if (row := _action(action))]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _action(action: Action) -> str:
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
    names = action.option_strings or [""]
    shown = f" {value}" if isinstance(value, str) and value and action.nargs != 0 else ""
    words = ", ".join([f"`{name}`" for name in names[:-1]] + [f"`{(names[-1] + shown).strip()}`"])
    return f"| {cell(words)} | {cell(action.help or '')} |"


PAGES = {
    "docs/commands.md": commands_page,
    "docs/ops.md": ops_page,
    "docs/rules.md": rules_page,
    "docs/recipes.md": recipes_page,
    "specgraph/lint/rule_needs.py": rule_needs_source,
}
"""Where each page, or file of source, stands in the repository."""
