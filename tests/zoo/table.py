"""Which spec, with which variables, is which network of torchvision."""

from __future__ import annotations

from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A spec below `specs/` and the variables that make it torchvision's network.

    `small` is an input size at which a forward pass is quick; None where the network needs its own. `in_order` says
    whether the keys of the `state_dict` come in torchvision's order; where not, torchvision lists modules in another
    order than it calls them.
    """

    spec: str
    values: dict[str, Any] = {}
    small: str | None = "64x64"
    in_order: bool = True


def _regnets() -> dict[str, Entry]:
    x = ("x_400mf", "x_800mf", "x_1_6gf", "x_3_2gf", "x_8gf", "x_16gf", "x_32gf")
    y = ("y_400mf", "y_800mf", "y_1_6gf", "y_3_2gf", "y_8gf", "y_16gf", "y_32gf", "y_128gf")
    return {f"regnet_{name}": Entry("zoo/regnet.yaml", {"variant": name}) for name in (*x, *y)}


def _vggs() -> dict[str, Entry]:
    return {
        f"vgg{depth}{'_bn' if norm else ''}": Entry("zoo/vgg.yaml", {"depth": depth, "batch_norm": norm})
        for depth in (11, 13, 16, 19)
        for norm in (False, True)
    }


TORCHVISION: dict[str, Entry] = {
    "alexnet": Entry("alexnet-torchvision.yaml", small="80x80"),
    **_vggs(),
    "squeezenet1_0": Entry("zoo/squeezenet.yaml", {"version": 1.0}),
    "squeezenet1_1": Entry("zoo/squeezenet.yaml"),
    "googlenet": Entry("googlenet.yaml"),
    "inception_v3": Entry("zoo/inception_v3.yaml", small=None),
    "resnet18": Entry("resnet18.yaml"),
    "resnet34": Entry("resnet34.yaml"),
    "resnet50": Entry("resnet50.yaml"),
    "resnet101": Entry("resnet50.yaml", {"depth": 101}),
    "resnet152": Entry("resnet50.yaml", {"depth": 152}),
    "resnext50_32x4d": Entry("resnet50.yaml", {"groups": 32, "base_width": 4}),
    "resnext101_32x8d": Entry("resnet50.yaml", {"depth": 101, "groups": 32, "base_width": 8}),
    "resnext101_64x4d": Entry("resnet50.yaml", {"depth": 101, "groups": 64, "base_width": 4}),
    "wide_resnet50_2": Entry("resnet50.yaml", {"base_width": 128}),
    "wide_resnet101_2": Entry("resnet50.yaml", {"depth": 101, "base_width": 128}),
    **{f"densenet{depth}": Entry("densenet121.yaml", {"depth": depth}) for depth in (121, 161, 169, 201)},
    "mobilenet_v2": Entry("zoo/mobilenet_v2.yaml"),
    "mobilenet_v3_large": Entry("zoo/mobilenet_v3.yaml"),
    "mobilenet_v3_small": Entry("zoo/mobilenet_v3.yaml", {"size": "small"}),
    "mnasnet0_5": Entry("zoo/mnasnet.yaml", {"width": 0.5}),
    "mnasnet0_75": Entry("zoo/mnasnet.yaml", {"width": 0.75}),
    "mnasnet1_0": Entry("zoo/mnasnet.yaml"),
    "mnasnet1_3": Entry("zoo/mnasnet.yaml", {"width": 1.3}),
    **{
        f"shufflenet_v2_{width}": Entry("zoo/shufflenet_v2.yaml", {"width": width})
        for width in ("x0_5", "x1_0", "x1_5", "x2_0")
    },
    **{f"efficientnet_b{n}": Entry("zoo/efficientnet.yaml", {"variant": f"b{n}"}) for n in range(8)},
    **{f"efficientnet_v2_{size}": Entry("zoo/efficientnet_v2.yaml", {"size": size}) for size in "sml"},
    **_regnets(),
    **{f"convnext_{size}": Entry("zoo/convnext.yaml", {"size": size}) for size in ("tiny", "small", "base", "large")},
    **{f"vit_{size}": Entry("zoo/vit.yaml", {"size": size}, small=None) for size in ("b_16", "b_32")},
    **{f"swin_{size[0]}": Entry("zoo/swin.yaml", {"size": size}, in_order=False) for size in ("tiny", "small", "base")},
    **{
        f"swin_v2_{size[0]}": Entry("zoo/swin.yaml", {"version": 2, "size": size}, in_order=False)
        for size in ("tiny", "small", "base")
    },
    "maxvit_t": Entry("zoo/maxvit.yaml", small=None),
}

LARGER: dict[str, Entry] = {
    f"vit_{size}": Entry("zoo/vit.yaml", {"size": size}, small=None) for size in ("l_16", "l_32", "h_14")
}
"""Networks whose structure is compared, and whose values are not: they are variants of one that is, and large."""

FAMILIES: tuple[str, ...] = (
    "alexnet",
    "vgg11_bn",
    "squeezenet1_0",
    "googlenet",
    "inception_v3",
    "resnet34",
    "resnet50",
    "resnext50_32x4d",
    "densenet121",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mnasnet0_75",
    "shufflenet_v2_x1_5",
    "efficientnet_b1",
    "efficientnet_v2_s",
    "regnet_y_800mf",
    "convnext_tiny",
    "vit_b_32",
    "swin_t",
    "swin_v2_t",
    "maxvit_t",
)
"""One network of each family, whose values the suite compares."""

SEGMENTATION: dict[str, Entry] = {
    "fcn_resnet50": Entry("zoo/fcn.yaml"),
    "fcn_resnet101": Entry("zoo/fcn.yaml", {"depth": 101}),
    "deeplabv3_resnet50": Entry("zoo/deeplabv3.yaml"),
    "deeplabv3_resnet101": Entry("zoo/deeplabv3.yaml", {"depth": 101}),
    "deeplabv3_mobilenet_v3_large": Entry("zoo/deeplabv3_mobilenet.yaml"),
    "lraspp_mobilenet_v3_large": Entry("zoo/lraspp.yaml"),
}
"""torchvision's networks that give a class for each pixel; those with an auxiliary head have it here too."""


class Count(NamedTuple):
    """A parameter count as a paper prints it: `printed` in units of `unit`, rounded to its last digit."""

    spec: str
    values: dict[str, Any]
    printed: str
    unit: int = 1_000_000


COUNTS: tuple[Count, ...] = (
    *(
        Count("papers/vgg.yaml", {"column": column}, printed)
        for column, printed in {"A": "133", "A-LRN": "133", "B": "133", "C": "134", "D": "138", "E": "144"}.items()
    ),
    *(
        Count("papers/resnet-cifar10.yaml", {"n": n}, printed)
        for n, printed in {3: "0.27", 5: "0.46", 7: "0.66", 9: "0.85", 18: "1.7", 200: "19.4"}.items()
    ),
    *(
        Count("papers/densenet-cifar.yaml", {"depth": depth, "growth": growth}, printed)
        for depth, growth, printed in ((100, 12, "0.8"), (250, 24, "15.3"), (190, 40, "25.6"))
    ),
    *(
        Count("papers/densenet-cifar.yaml", {"bottleneck": False, "depth": depth, "growth": growth}, printed)
        for depth, growth, printed in ((40, 12, "1.0"), (100, 12, "7.0"), (100, 24, "27.2"))
    ),
    *(
        Count("papers/wide-resnet.yaml", {"depth": depth, "widen": widen}, printed)
        for depth, widen, printed in (
            (40, 1, "0.6"),
            (40, 2, "2.2"),
            (40, 4, "8.9"),
            (40, 8, "35.7"),
            (28, 10, "36.5"),
            (28, 12, "52.5"),
            (22, 8, "17.2"),
            (22, 10, "26.8"),
            (16, 8, "11.0"),
            (16, 10, "17.1"),
        )
    ),
    Count("papers/crnn.yaml", {}, "8.3"),
)
"""Simonyan and Zisserman 2015, table 2; He et al. 2015, table 6; Huang et al. 2017, table 2;
Zagoruyko and Komodakis 2016, tables 4 and 5."""
