"""SG214 invalid-name: a name that cannot be used."""

from specgraph.diagnostics.message import Message, Words
from specgraph.diagnostics.rule import Rule

RULE = Rule(
    code="SG214",
    name="invalid-name",
    severity="error",
    summary="a name that cannot be used",
    explanation="""\
Names become module paths, keys of the `state_dict` and names in the ONNX file: letters, digits,
`_` and `-`, with dots between levels. Names of variables, arguments and inputs appear in
expressions and begin with a letter. The name of a free size appears in shapes: it is not `min`, nor
anything that reads as sizes with an `x` between them, such as `x` or `HxW`. An output has no dots in
its name, and no input's name: both are names in the ONNX file.
""",
    bad="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  my conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
    good="""\
specgraph: 1
inputs: {image: [3, 32, 32]}
nodes:
  my_conv: {op: conv, out_channels: 16, kernel_size: 3}
""",
)


def _of_thing(what: str, name: str) -> Words:
    help = "use letters, digits, _ and - (and, for a variable or input, no digit in front)"
    return Words(f"`{name}` is no name for {_with_article(what)}", help=help)


def _too_long(what: str, length: str, most: int) -> Words:
    message = f"a name of {length} characters is too long for {_with_article(what)}"
    return Words(message, help=f"use at most {most} characters")


def _with_article(what: str) -> str:
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"


MESSAGES = {
    "computed": Message("{where}: its name becomes `{name}`"),
    "fraction": Message(
        "{where}: its name becomes `{name}`, with {fraction} in it", help="divide with //, which gives an integer"
    ),
    "input called output": Message(
        "input `output` has the name that the output gets",
        help="call it image, or name the outputs: outputs: {{name: node}}",
    ),
    "output": Message("`{name}` is no name for an output", help="use letters, digits, _ and -"),
    "output called as an input": Message("output `{name}` has the name of an input", help="give it another"),
    "two outputs": Message("two outputs would be called `{name}`", help="write a mapping from output names to nodes"),
    "size called min": Message(
        "input `{name}`: a size cannot be called `{symbol}`: in a shape such as {example}, "
        "min(…) is the smaller of two sizes",
        help="call it size_{symbol}",
    ),
    "size with an x": Message(
        "input `{name}`: a size cannot be called `{symbol}`: in a shape such as {example}, "
        "an x stands between two sizes",
        help="call it size_{symbol}",
    ),
    "thing": _of_thing,
    "long": _too_long,
    "argument called as a key": Message(
        "block `{block}` cannot have an argument `{name}`: the name is a key of every node",
        help="use letters, digits and _, and none of {keys}",
    ),
    "argument": Message(
        "block `{block}`: `{name}` is no name for an argument", help="use letters, digits and _, and none of {keys}"
    ),
    "inputs of one name": Message("block `{block}` has two inputs called `{name}`"),
}
