"""Networks with one fault each, for kinds of cure of which the other tables have one or two: the input's shape, the
nodes, and what the fix changes."""

from __future__ import annotations

from tests.rules.cures_inserted_cases import Case, conv, read_through

HEAD = "  f: flatten\n  fc: {op: linear, out_features: 4}\n"


def pool(name: str, kernel: int, more: str = "") -> str:
    return f"  {name}: {{op: max_pool, kernel_size: {kernel}{more}}}\n"


DIVIDED: dict[str, Case] = {
    "groups of a norm": ("[20, 9, 9]", "  n: {op: group_norm, num_groups: 8}\n", {"8": "10"}),
    "groups of a norm after a layer": (
        "[3, 9]",
        conv("c", 42) + "  n: {op: group_norm, num_groups: 32}\n  r: relu\n",
        {"num_groups: 32": "num_groups: 42"},
    ),
    "heads of tokens": (
        "[16, 30]",
        "  t: {op: permute, dims: [0, 2, 1]}\n  a: {op: multi_head_attention, num_heads: 3}\n",
        {"num_heads: 3": "num_heads: 2"},
    ),
    "heads of wide tokens": (
        "[50, 7]",
        "  t: {op: permute, dims: [0, 2, 1]}\n  a: {op: multi_head_attention, num_heads: 4}\n",
        {"num_heads: 4": "num_heads: 5"},
    ),
    "output_padding as large as the stride": (
        "[4, 10]",
        "  u: {op: conv_transpose, out_channels: 2, kernel_size: 4, stride: 2, output_padding: 2}\n",
        {"output_padding: 2": "output_padding: 1"},
    ),
    "output_padding past the stride": (
        "[4, 5, 6]",
        "  u: {op: conv_transpose, out_channels: 2, kernel_size: 3, stride: 3, output_padding: 5}\n",
        {"output_padding: 5": "output_padding: 2"},
    ),
    "a pooling padded by all of its window": (
        "[5, 30]",
        pool("p", 4, ", stride: 2, padding: 4"),
        {"padding: 4": "padding: 2"},
    ),
    "a pooling padded past its window": (
        "[5, 8, 8, 8]",
        "  p: {op: avg_pool, kernel_size: 3, padding: 2}\n",
        {"padding: 2": "padding: 1"},
    ),
}
WINDOWS: dict[str, Case] = {
    "a window of one row too many": ("[2, 6, 40]", conv("c", 4, 7), {"kernel_size: 7": "kernel_size: 7, padding: 1"}),
    "a window wider than a signal": (
        "[3, 5]",
        conv("c", 4, 9) + "  r: relu\n" + HEAD,
        {"kernel_size: 9": "kernel_size: 9, padding: 2"},
    ),
    "a pooling of a whole map": (
        "[7, 6, 6]",
        "  p: {op: avg_pool, kernel_size: 9}\n" + HEAD,
        {"kernel_size: 9": "kernel_size: 6"},
    ),
    "a pooling of a whole signal": (
        "[7, 12]",
        "  p: {op: max_pool, kernel_size: 16}\n" + HEAD,
        {"kernel_size: 16": "kernel_size: 12"},
    ),
    "a stride of eight": (
        "[3, 40, 40]",
        conv("a", 4, 3, ", stride: 8")
        + "  r: relu\n"
        + conv("b", 8, 3, ", stride: 2")
        + "  s: relu\n"
        + pool("p", 3)
        + HEAD,
        {"stride: 8": "stride: 1"},
    ),
    "a stride of six over a signal": (
        "[2, 60]",
        conv("a", 4, 5, ", stride: 6")
        + "  r: relu\n"
        + conv("b", 8, 5, ", stride: 2")
        + "  s: relu\n"
        + pool("p", 4)
        + HEAD,
        {"stride: 6": "stride: 1"},
    ),
    "a pooling too many after convolutions": (
        "[3, 12, 12]",
        "".join(conv(f"c{i}", 4 * i, 3, ", padding: 1") + f"  r{i}: relu\n" + pool(f"p{i}", 2) for i in (1, 2, 3))
        + pool("q", 2)
        + HEAD,
        {pool("q", 2): ""},
    ),
    "a pooling too many over a signal": (
        "[6, 30]",
        pool("a", 4) + pool("b", 4) + pool("c", 3) + HEAD,
        {pool("c", 3): ""},
    ),
}
JOINS: dict[str, Case] = {
    "a map among vectors": (
        "[3, 10, 10]",
        conv("c", 4) + "  r: relu\n  p: {op: global_max_pool, from: image}\n  v: flatten\n"
        "  w: {op: linear, out_features: 9}\n  j: {op: concat, from: [r, v, w]}\n",
        read_through("flatten", "", "flatten", "  j: {op: concat, from: [r, v, w]}\n", "r"),
    ),
    "a signal beside a vector": (
        "[3, 25]",
        "  g: {op: global_avg_pool, from: image}\n  v: flatten\n" + conv("c", 4, 5, ", from: image") + "  r: relu\n"
        "  j: {op: concat, from: [v, r]}\n  fc: {op: linear, out_features: 3}\n",
        read_through("flatten", "", "flatten", "  j: {op: concat, from: [v, r]}\n", "r"),
    ),
    "the level of another decoder": (
        "[2, 96]",
        conv("enc1", 4, 5, ", padding: 2")
        + pool("down1", 2)
        + conv("enc2", 6, 5, ", padding: 2")
        + pool("down2", 2)
        + conv("enc3", 8, 5, ", padding: 2")
        + "  up3: {op: upsample, scale_factor: 2}\n"
        "  j3: {op: concat, from: [up3, enc1]}\n" + conv("dec", 6, 1) + "  up4: {op: upsample, scale_factor: 2}\n"
        "  j4: {op: concat, from: [up4, enc1]}\n",
        {"from: [up3, enc1]": "from: [up3, enc2]"},
    ),
    "tokens beside turned ones": (
        "[12, 20]",
        "  t: {op: permute, dims: [0, 2, 1]}\n  l: {op: linear, out_features: 12}\n  s: tanh\n"
        "  q: {op: permute, from: s, dims: [0, 2, 1]}\n  r: gelu\n  j: {op: concat, from: [r, t], dim: 1}\n",
        read_through("permute", ", dims: [0, 2, 1]", "turned", "  j: {op: concat, from: [r, t], dim: 1}\n", "t"),
    ),
    "channels of a gate of an image": (
        "[24, 9, 9]",
        "  g: {op: global_max_pool, from: image}\n"
        + conv("a", 6, 1)
        + "  r: relu\n"
        + conv("b", 20, 1)
        + "  s: hardsigmoid\n  m: {op: mul, from: [s, image]}\n",
        {"out_channels: 20": "out_channels: 24"},
    ),
    "channels of a gate of a signal": (
        "[3, 64]",
        conv("c", 10)
        + "  r: relu\n  g: global_avg_pool\n"
        + conv("b", 5, 1)
        + "  s: sigmoid\n  m: {op: mul, from: [r, s]}\n",
        {"out_channels: 5": "out_channels: 10"},
    ),
    "an unpadded skip": (
        "[2, 50]",
        conv("a", 4, 5) + "  r: relu\n" + conv("b", 6, 5) + "  s: relu\n  j: {op: concat, from: [s, r]}\n",
        {"out_channels: 6, kernel_size: 5": "out_channels: 6, kernel_size: 5, padding: 2"},
    ),
}
RESHAPED: dict[str, Case] = {
    "square volumes": (
        "[40]",
        "  l: {op: linear, out_features: 1000}\n  a: relu\n  r: {op: reshape, shape: [8, 4, 4, 4]}\n",
        {"[8, 4, 4, 4]": "[8, 5, 5, 5]"},
    ),
    "a layer before a signal": (
        "[12]",
        "  l: {op: linear, out_features: 90}\n  a: tanh\n  r: {op: reshape, shape: [6, 14]}\n",
        {"[6, 14]": "[6, 15]"},
    ),
    "a layer before a map of two sides": (
        "[12]",
        "  l: {op: linear, out_features: 100}\n  a: tanh\n  r: {op: reshape, shape: [3, 5, 7]}\n",
        {"100": "105"},
    ),
    "a layer and a dropout before a volume": (
        "[64]",
        "  l: {op: linear, out_features: 128}\n  a: relu\n  d: dropout\n  r: {op: reshape, shape: [5, 2, 3, 4]}\n",
        {"128": "120"},
    ),
}
UP = "{op: conv_transpose, out_channels: 3, kernel_size: KERNEL, stride: 2, padding: 1"
DECLARED: dict[str, Case] = {
    "a decoder of a signal a value short": (
        "[8, 5]",
        f"  a: {UP}}}\n  r: relu\n  b: {UP}, expect: [3, 20]}}\n".replace("KERNEL", "3"),
        {"padding: 1}": "padding: 1, output_padding: 1}", "[3, 20]}": "[3, 20], output_padding: 1}"},
    ),
    "a decoder of volumes a value short": (
        "[4, 3, 3, 3]",
        f"  a: {UP}}}\n  b: {UP}}}\n  c: {UP}, expect: [3, 24, 24, 24]}}\n".replace("KERNEL", "3"),
        {"padding: 1}": "padding: 1, output_padding: 1}", "24]}": "24], output_padding: 1}"},
    ),
    "a pooling that covers the end": (
        "[4, 11]",
        pool("p", 2, ", expect: [4, 6]"),
        {"[4, 6]": "[4, 6], ceil_mode: true"},
    ),
    "a pooling of an odd map": (
        "[4, 7, 9]",
        "  a: {op: avg_pool, kernel_size: 2, expect: 4x5x4}\n",
        {"4x5x4": "4x5x4, ceil_mode: true"},
    ),
    "half of a map": (
        "[4, 20, 20]",
        conv("c", 8, 3, ", padding: 1, expect: 10x10x8"),
        {"10x10x8": "10x10x8, stride: 2"},
    ),
    "a quarter of a signal": (
        "[4, 64]",
        conv("c", 8, 5, ", padding: 2, expect: [8, 16]"),
        {"[8, 16]": "[8, 16], stride: 4"},
    ),
    "four times a map": (
        "[4, 5, 6]",
        "  u: {op: upsample, scale_factor: 2, expect: 20x24x4}\n",
        {"scale_factor: 2": "scale_factor: 4"},
    ),
    "three times a signal": (
        "[4, 5]",
        "  u: {op: upsample, scale_factor: 2}\n  r: relu\n  s: {op: tanh, expect: [4, 15]}\n",
        {"scale_factor: 2": "scale_factor: 3"},
    ),
    "no whole number of times": (
        "[4, 5]",
        "  u: {op: upsample, scale_factor: 2, expect: [4, 12]}\n",
        {"scale_factor: 2": "size: 12"},
    ),
    "further up than a join": (
        "[8, 24]",
        conv("stem", 8, 5) + "  r: relu\n" + conv("c", 8, 3, ", padding: 1") + "  a: relu\n"
        "  j: {op: add, from: [a, r], expect: [8, 24]}\n",
        {"kernel_size: 5}": "kernel_size: 5, padding: 2}"},
    ),
    "a stride further up than a join": (
        "[4, 20, 20]",
        conv("stem", 8, 3, ", padding: 1") + "  r: relu\n" + conv("c", 8, 3, ", padding: 1") + "  a: silu\n"
        "  j: {op: concat, from: [a, r], expect: 10x10x16}\n",
        {"kernel_size: 3, padding: 1}\n  r": "kernel_size: 3, padding: 1, stride: 2}\n  r"},
    ),
}
TURNED: dict[str, Case] = {
    "positions of a signal where heads are": (
        "[30, 3, 8]",
        "  f: {op: flatten, start_dim: 2}\n  s: silu\n  a: {op: multi_head_attention, num_heads: 5}\n",
        {"  s: silu\n": "  turned: {op: permute, dims: [0, 2, 1]}\n  s: silu\n"},
    ),
    "patches of a volume where heads are": (
        "[1, 12, 12, 12]",
        conv("p", 20, 4, ", stride: 4") + "  f: {op: flatten, start_dim: 2}\n"
        "  a: {op: multi_head_attention, num_heads: 4}\n",
        {"  a: {": "  turned: {op: permute, dims: [0, 2, 1]}\n  a: {"},
    ),
    "a product with channels last": (
        "[5, 7, 9]",
        conv("c", 6, 1) + "  t: {op: permute, dims: [0, 2, 3, 1]}\n  l: {op: linear, out_features: 6}\n  g: sigmoid\n"
        "  j: {op: mul, from: [g, c]}\n",
        read_through("permute", ", dims: [0, 3, 1, 2]", "turned", "  j: {op: mul, from: [g, c]}\n", "g"),
    ),
    "a sum with a norm of channels last": (
        "[5, 12, 10]",
        "  t: {op: permute, from: image, dims: [0, 2, 3, 1]}\n  n: layer_norm\n  g: gelu\n"
        "  j: {op: add, from: [image, g]}\n",
        read_through("permute", ", dims: [0, 3, 1, 2]", "turned", "  j: {op: add, from: [image, g]}\n", "g"),
    ),
    "a class token of maps that are not turned": (
        "[4, 6, 6]",
        "  f: {op: flatten, start_dim: 2}\n  t: {op: parameter, shape: [1, 4]}\n  j: {op: concat, from: [f, t]}\n",
        read_through("permute", ", dims: [0, 2, 1]", "turned", "  j: {op: concat, from: [f, t]}\n", "f"),
    ),
}
OTHERS: dict[str, Case] = {
    "features of a vector that are stated": (
        "[3, 5, 5]",
        HEAD.replace("{op: linear", "{op: linear, in_features: 70"),
        {"70": "75"},
    ),
    "channels that are stated": (
        "[3, 20]",
        conv("c", 8) + "  r: relu\n" + conv("d", 4, 3, ", in_channels: 16"),
        {"in_channels: 16": "in_channels: 8"},
    ),
    "the kernel of a branch, where every size is declared": (
        "[3, 20]",
        conv("a", 8, 6, ", padding: 2, stride: 1, expect: [8, 20]")
        + "  r: relu\n"
        + conv("b", 8, 3, ", padding: 1, expect: [8, 20]"),
        {"kernel_size: 6": "kernel_size: 5"},
    ),
    "a decoder of an odd signal": (
        "[3, 21]",
        conv("a", 6, 3, ", padding: 1")
        + "  r: relu\n"
        + pool("p", 2)
        + conv("b", 6, 3, ", padding: 1")
        + "  s: relu\n  u: {op: upsample, scale_factor: 2}\n  j: {op: concat, from: [r, u]}\n",
        {"scale_factor: 2": "size: 21"},
    ),
    "a signal beside its middle": (
        "[3, 40]",
        "  s: {op: slice, dim: 2, start: 3, stop: -3}\n  t: tanh\n  j: {op: concat, from: [t, image]}\n",
        {
            "  j: {op: concat, from: [t, image]}\n": (
                "  crop: [{op: slice, from: image, dim: 2, start: 3, stop: -3}]\n  j: {op: concat, from: [t, crop]}\n"
            ),
        },
    ),
    "a level of volumes of the same name but for its number": (
        "[1, 16, 16, 16]",
        conv("lat1", 3, 1)
        + pool("p1", 2)
        + conv("lat2", 4, 1)
        + pool("p2", 2)
        + conv("lat3", 5, 1)
        + "  up: {op: upsample, scale_factor: 2}\n  j: {op: concat, from: [lat1, up]}\n"
        + "  more: {op: upsample, scale_factor: 2}\n  k: {op: concat, from: [lat1, more]}\n",
        {"from: [lat1, up]": "from: [lat2, up]"},
    ),
}
CASES = TURNED | OTHERS | DIVIDED | WINDOWS | JOINS | RESHAPED | DECLARED
