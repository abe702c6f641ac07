"""`specgraph schema`: the JSON Schema of the language."""

from __future__ import annotations

import argparse
import json
import sys

from specgraph.read_back import json_problem, write_read_back

HELP = "the JSON Schema (draft-07) of the language, for editors and other tools"
EXAMPLES = (("specgraph schema -o specgraph.schema.json", "for an editor's completion"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there instead of to standard output")
    parser.add_argument("--plugin", action="append", default=[], metavar="MODULE", help="a module that adds ops")


def run(args: argparse.Namespace) -> int:
    """Print the schema."""
    from specgraph.language.schema import json_schema
    from specgraph.ops.installed import load_plugins

    load_plugins(tuple(args.plugin))
    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if args.output is None:
        sys.stdout.write(text)
        return 0
    write_read_back(args.output, text, json_problem)
    print(args.output)
    return 0
