"""Names that published files give to layers, and those of torchvision and the zoo for the same layers, as data.

A rule is a pattern of a key, from its start to the end of a layer's path, and the path that it becomes: `{1}` is the
first group, `{1*2+1}` its number doubled and one, `{stages}` how many stages of blocks there are.
"""

from __future__ import annotations

from typing import NamedTuple


class NameRule(NamedTuple):
    """`pattern` with what it becomes. `beside`: a layer, by its path in the groups of the pattern, that the file must
    have for the rule to hold; after a `!` one that it must not have."""

    pattern: str
    path: str
    beside: str = ""


class NameMap(NamedTuple):
    """The names of one publisher for a family of networks, told by `mark`, a pattern that one of its keys fits."""

    publisher: str
    mark: str
    rules: tuple[NameRule, ...]


_EFFICIENTNET_BLOCK = r"blocks\.(\d+)\.(\d+)\."
_BLOCK = "features.{1+1}.{2}.block"
_REGNET_BLOCK = "trunk_output.block{1}.block{1}-{2-1}"
_POINTWISE_LINEAR = "blocks.{1}.{2}.conv_pwl"
_DEPTHWISE = "blocks.{1}.{2}.conv_dw"
_EXPANDED = "blocks.{1}.{2}.conv_exp"

NAME_MAPS: tuple[NameMap, ...] = (
    NameMap(
        "torchvision's DenseNet files of before 2019",
        r".*denselayer\d+\.(norm|conv)\.[12]\.",
        (NameRule(r"(.*denselayer\d+)\.(norm|relu|conv)\.([12])", "{1}.{2}{3}"),),
    ),
    NameMap(
        "timm's EfficientNet",
        r"conv_stem\.",
        (
            NameRule(r"conv_stem", "features.0.0"),
            NameRule(r"bn1", "features.0.1"),
            # a block that expands channels: a 1x1 convolution, one on each channel, the gate, and back
            NameRule(_EFFICIENTNET_BLOCK + "conv_pw", _BLOCK + ".0.0", _POINTWISE_LINEAR),
            NameRule(_EFFICIENTNET_BLOCK + "bn1", _BLOCK + ".0.1", _POINTWISE_LINEAR),
            NameRule(_EFFICIENTNET_BLOCK + "conv_exp", _BLOCK + ".0.0"),
            NameRule(_EFFICIENTNET_BLOCK + "conv_dw", _BLOCK + ".1.0", _POINTWISE_LINEAR),
            NameRule(_EFFICIENTNET_BLOCK + "bn2", _BLOCK + ".1.1", _POINTWISE_LINEAR),
            NameRule(_EFFICIENTNET_BLOCK + r"se\.conv_reduce", _BLOCK + ".2.fc1", _POINTWISE_LINEAR),
            NameRule(_EFFICIENTNET_BLOCK + r"se\.conv_expand", _BLOCK + ".2.fc2", _POINTWISE_LINEAR),
            NameRule(_EFFICIENTNET_BLOCK + "conv_pwl", _BLOCK + ".3.0", _DEPTHWISE),
            NameRule(_EFFICIENTNET_BLOCK + "bn3", _BLOCK + ".3.1"),
            # a block that fuses the first two into one convolution
            NameRule(_EFFICIENTNET_BLOCK + "conv_pwl", _BLOCK + ".1.0", _EXPANDED),
            NameRule(_EFFICIENTNET_BLOCK + "bn2", _BLOCK + ".1.1", _EXPANDED),
            # a block without expansion
            NameRule(_EFFICIENTNET_BLOCK + "conv_dw", _BLOCK + ".0.0", "!" + _POINTWISE_LINEAR),
            NameRule(_EFFICIENTNET_BLOCK + "bn1", _BLOCK + ".0.1"),
            NameRule(_EFFICIENTNET_BLOCK + r"se\.conv_reduce", _BLOCK + ".1.fc1"),
            NameRule(_EFFICIENTNET_BLOCK + r"se\.conv_expand", _BLOCK + ".1.fc2"),
            NameRule(_EFFICIENTNET_BLOCK + "conv_pw", _BLOCK + ".2.0"),
            NameRule(_EFFICIENTNET_BLOCK + "bn2", _BLOCK + ".2.1"),
            NameRule(r"blocks\.(\d+)\.(\d+)\.conv", _BLOCK + ".0.0"),
            NameRule(r"conv_head", "features.{stages+1}.0"),
            NameRule(r"bn2", "features.{stages+1}.1"),
            NameRule(r"classifier", "classifier.1"),
        ),
    ),
    NameMap(
        "timm's ConvNeXt",
        r"stages\.\d+\.blocks\.\d+\.conv_dw\.",
        (
            NameRule(r"stem\.([01])", "features.0.{1}"),
            NameRule(r"stages\.(\d+)\.downsample\.([01])", "features.{1*2}.{2}"),
            NameRule(r"stages\.(\d+)\.blocks\.(\d+)\.conv_dw", "features.{1*2+1}.{2}.block.0"),
            NameRule(r"stages\.(\d+)\.blocks\.(\d+)\.norm", "features.{1*2+1}.{2}.block.2"),
            NameRule(r"stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc1", "features.{1*2+1}.{2}.block.3"),
            NameRule(r"stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc2", "features.{1*2+1}.{2}.block.5"),
            NameRule(r"stages\.(\d+)\.blocks\.(\d+)\.gamma", "features.{1*2+1}.{2}.layer_scale"),
            NameRule(r"head\.norm", "classifier.0"),
            NameRule(r"head\.fc", "classifier.2"),
        ),
    ),
    NameMap(
        "timm's RegNet",
        r"s1\.b1\.conv1\.",
        (
            NameRule(r"stem\.conv", "stem.0"),
            NameRule(r"stem\.bn", "stem.1"),
            NameRule(r"s(\d)\.b(\d+)\.conv1\.conv", _REGNET_BLOCK + ".f.a.0"),
            NameRule(r"s(\d)\.b(\d+)\.conv1\.bn", _REGNET_BLOCK + ".f.a.1"),
            NameRule(r"s(\d)\.b(\d+)\.conv2\.conv", _REGNET_BLOCK + ".f.b.0"),
            NameRule(r"s(\d)\.b(\d+)\.conv2\.bn", _REGNET_BLOCK + ".f.b.1"),
            NameRule(r"s(\d)\.b(\d+)\.se\.fc([12])", _REGNET_BLOCK + ".f.se.fc{3}"),
            NameRule(r"s(\d)\.b(\d+)\.conv3\.conv", _REGNET_BLOCK + ".f.c.0"),
            NameRule(r"s(\d)\.b(\d+)\.conv3\.bn", _REGNET_BLOCK + ".f.c.1"),
            NameRule(r"s(\d)\.b(\d+)\.downsample\.conv", _REGNET_BLOCK + ".proj.0"),
            NameRule(r"s(\d)\.b(\d+)\.downsample\.bn", _REGNET_BLOCK + ".proj.1"),
            NameRule(r"head\.fc", "fc"),
        ),
    ),
    NameMap(
        "timm's VGG",
        r"pre_logits\.fc1\.",
        (
            NameRule(r"pre_logits\.fc1", "classifier.0"),
            NameRule(r"pre_logits\.fc2", "classifier.3"),
            NameRule(r"head\.fc", "classifier.6"),
        ),
    ),
    NameMap(
        "the ConvNeXt files of its authors",
        r"downsample_layers\.0\.0\.",
        (
            NameRule(r"downsample_layers\.(\d+)\.([01])", "features.{1*2}.{2}"),
            NameRule(r"stages\.(\d+)\.(\d+)\.dwconv", "features.{1*2+1}.{2}.block.0"),
            NameRule(r"stages\.(\d+)\.(\d+)\.norm", "features.{1*2+1}.{2}.block.2"),
            NameRule(r"stages\.(\d+)\.(\d+)\.pwconv1", "features.{1*2+1}.{2}.block.3"),
            NameRule(r"stages\.(\d+)\.(\d+)\.pwconv2", "features.{1*2+1}.{2}.block.5"),
            NameRule(r"stages\.(\d+)\.(\d+)\.gamma", "features.{1*2+1}.{2}.layer_scale"),
            NameRule(r"norm", "classifier.0"),
            NameRule(r"head", "classifier.2"),
        ),
    ),
)
