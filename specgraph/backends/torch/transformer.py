"""Attention in PyTorch."""

from __future__ import annotations

from specgraph.backends.torch.arguments import chosen
from specgraph.backends.torch.lowering import Construct, Lower, Lowering
from specgraph.graph.model import Node
from specgraph.ops.transformer import is_packed


def lower_attention(node: Node) -> Lowering:
    """`Attention`, whose kernel is PyTorch's own."""
    module = Construct("Attention", (), chosen(node, num_heads=None, scale=None, is_causal=False))
    if is_packed(node.inputs):
        bias = ", bias={1}" if len(node.inputs) == 2 else ""
        return Lowering(module, f"{{module}}({{0}}{bias})" if bias else "{module}({inputs})")
    inputs = [_repeated(node, index) for index in range(3)] + ["{3}"] * (len(node.inputs) == 4)
    return Lowering(module, f"{{module}}({', '.join(inputs)})")


def lower_multi_head_attention(node: Node) -> Lowering:
    """`nn.MultiheadAttention`."""
    given = chosen(node, bias=True, dropout=0.0)
    embed, arguments = node.arguments["embed_dim"], node.arguments
    given |= {name: arguments[name] for name in ("kdim", "vdim") if arguments[name] != embed}
    module = Construct("nn.MultiheadAttention", (embed, arguments["num_heads"]), {**given, "batch_first": True})
    inputs = ["{0}"] * 3 if len(node.inputs) == 1 else [_repeated(node, index) for index in range(3)]
    mask = ", attn_mask={3}[0]" if len(node.inputs) == 4 else ""
    return Lowering(module, f"{{module}}({', '.join(inputs)}, need_weights=False{mask})[0]")


def _repeated(node: Node, index: int) -> str:
    """An input that has no samples is repeated for those of another one."""
    batched = [kind.batched for kind in node.input_types[:3]]
    if batched[index] or not any(batched):
        return f"{{{index}}}"
    kept = ", ".join(["-1"] * node.input_types[index].rank)
    return f"{{{index}}}.expand({{{batched.index(True)}}}.size(0), {kept})"


LOWERINGS: dict[str, Lower] = {
    "attention": lower_attention,
    "multi_head_attention": lower_multi_head_attention,
}
