"""What a rule may need before it is looked at: names that `Rule.needs` takes, and how to see whether they hold.

A rule whose needs do not hold is not even imported: most specs have no free sizes, no masks and no class weights.
`rule_needs.py` says what each rule needs; `tools/docs` writes it from the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from specgraph.diagnostics.rule import function_of_rule, rule_modules
from specgraph.kinds.invalid import Unknown
from specgraph.lint.rule_needs import ASKED, RULE_NEEDS

if TYPE_CHECKING:
    from specgraph.lint.context import Lint
    from specgraph.ops.behaviour import Behaviour


def _some_op(test: Callable[[Behaviour], Any]) -> Callable[[Lint], bool]:
    return lambda lint: any(map(test, lint.behaviours.values()))


OF_NETWORKS: dict[str, Callable[[Lint], bool]] = {
    "blocks": lambda lint: bool(lint.document.blocks),
    "variables": lambda lint: bool(lint.document.vars),
    "symbols": lambda lint: bool(lint.graph.symbols),
    "constraints": lambda lint: bool(lint.graph.constraints),
    "repeats": lambda lint: any(scope.kind == "repeat" for scope in lint.graph.scopes.values()),
    "initialisers": lambda lint: any(node.init for node in lint.graph.nodes.values()),
    "random drops": _some_op(lambda behaviour: behaviour.drop_rate),
    "batch normalisation": _some_op(lambda behaviour: behaviour.over_batch),
    "normalised scores": _some_op(lambda behaviour: behaviour.normalises_scores),
    "mixed axes": _some_op(lambda behaviour: behaviour.mixes),
    "regrouped values": _some_op(lambda behaviour: behaviour.view == "regrouped"),
    "join": _some_op(lambda behaviour: behaviour.joins != "none"),
    "joined axis": _some_op(lambda behaviour: behaviour.joins == "axis"),
    "queries": _some_op(lambda behaviour: behaviour.joins == "queries"),
    "pooling": _some_op(lambda behaviour: behaviour.pools_windows),
    "constant op": _some_op(lambda behaviour: behaviour.constant),
    "bounded op": _some_op(lambda behaviour: behaviour.is_bounded),
}
"""Of rules SG9xx. A file of blocks alone has an empty graph."""


def rules_on(
    prefix: str,
    name: str,
    seen: Any,
    tests: dict[str, Callable[[Any], bool]],
    task: str | None = None,
    libraries: bool = False,
) -> Iterator[Callable[..., Any]]:
    """The functions of that name in the files of rules whose code starts so and whose needs hold, in order of codes.
    `task` is that of a recipe; `libraries` takes the rules for files of blocks alone."""
    holds: dict[str, bool] = {}
    for code in rule_modules():
        if not code.startswith(prefix) or code in ASKED:
            continue
        needs, tasks, for_libraries = RULE_NEEDS.get(code, ((), (), False))
        if (libraries and not for_libraries) or (tasks and task not in tasks):
            continue
        if _all_hold(needs, seen, tests, holds):
            function = function_of_rule(code, name)
            if function is not None:
                yield function


def _all_hold(needs: Iterable[str], seen: Any, tests: dict[str, Callable[[Any], bool]], holds: dict[str, bool]) -> bool:
    for need in needs:
        if need not in holds:
            try:
                holds[need] = tests[need](seen)
            except Unknown:  # a part of the recipe is wrong: the rule itself sees what the rest tells
                holds[need] = True
        if not holds[need]:
            return False
    return True
