"""Cfgs as Darknet's authors write them, of any width: the classifiers of YOLO9000 (Redmon & Farhadi 2016, table 6) and
YOLOv3 (2018, table 1), Darknet's reference network, the tiny detector of YOLOv3, and small ones of every layer."""

from __future__ import annotations


def section(kind: str, **options: object) -> str:
    return f"[{kind}]\n" + "".join(f"{key}={value}\n" for key, value in options.items()) + "\n"


def net(size: int, channels: int = 3) -> str:
    return section("net", batch=1, subdivisions=1, height=size, width=size, channels=channels, momentum=0.9)


def conv(filters: int, size: int, **more: object) -> str:
    """A convolution with normalisation and leaky activation."""
    options = {"batch_normalize": 1, "filters": filters, "size": size, "stride": 1, "pad": 1, "activation": "leaky"}
    return section("convolutional", **{**options, **more})


POOL = section("maxpool", size=2, stride=2)


def darknet19(size: int = 224, part: int = 1, classes: int = 1000) -> str:
    """Nineteen convolutions; widths divided by `part`."""
    text, stages = net(size), ([32], [64], [128, 64, 128], [256, 128, 256], [512, 256] * 2 + [512], [1024, 512] * 2)
    for number, widths in enumerate(stages):
        widths = [*widths, 1024] if number == 5 else widths
        text += "" if number == 0 else POOL
        text += "".join(conv(width // part, 3 if place % 2 == 0 else 1) for place, width in enumerate(widths))
    text += section("convolutional", filters=classes, size=1, stride=1, pad=1, activation="linear")
    return text + section("avgpool") + section("softmax", groups=1) + section("cost", type="sse")


def darknet53(size: int = 256, part: int = 1, classes: int = 1000) -> str:
    """Fifty-three layers with shortcuts; widths divided by `part`."""
    text = net(size) + conv(32 // part, 3)
    for width, repeats in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        text += conv(width // part, 3, stride=2)
        pair = conv(width // 2 // part, 1) + conv(width // part, 3)
        text += (pair + section("shortcut", **{"from": -3}, activation="linear")) * repeats
    text += section("avgpool") + section("connected", output=classes, activation="linear")
    return text + section("softmax", groups=1)


def reference(size: int = 224, part: int = 1, classes: int = 1000) -> str:
    """Darknet's reference classifier, whose poolings hang over at odd sizes."""
    text = net(size)
    for number, width in enumerate((16, 32, 64, 128, 256, 512, 1024)):
        text += ("" if number == 0 else section("maxpool", size=2, stride=2)) + conv(width // part, 3)
    text += section("convolutional", filters=classes, size=1, stride=1, pad=1, activation="leaky")
    return text + section("avgpool") + section("softmax", groups=1)


def tiny_yolo(size: int = 416, part: int = 1) -> str:
    """YOLOv3-tiny: a pooling that keeps the size, two scales, a route back and an upsampling."""
    text = net(size)
    for width in (16, 32, 64, 128, 256):
        text += conv(width // part, 3) + POOL
    text += conv(512 // part, 3) + section("maxpool", size=2, stride=1) + conv(1024 // part, 3)
    text += conv(256 // part, 1) + conv(512 // part, 3)
    head = section("convolutional", size=1, stride=1, pad=1, filters=255, activation="linear")
    yolo = section("yolo", mask="3,4,5", anchors="10,14, 23,27, 37,58, 81,82, 135,169, 344,319", classes=80, num=6)
    text += head + yolo + section("route", layers=-4) + conv(128 // part, 1) + section("upsample", stride=2)
    return text + section("route", layers="-1, 8") + conv(256 // part, 3) + head + yolo


def of_activation(name: str) -> str:
    options = {} if name == "none" else {"activation": name}
    return net(12) + section("convolutional", filters=4, size=3, padding=1, stride=1, **options)


SMALL = {
    "pools": net(13) + conv(4, 3) + section("maxpool", size=3, stride=2) + section("maxpool", size=2, stride=2)
    + section("maxpool", size=5, stride=1) + section("maxpool", size=2, stride=2, padding=0),
    "pyramid pooling": net(11) + conv(4, 1) + "".join(
        section("maxpool", size=size, stride=1) + section("route", layers=-back)
        for size, back in ((5, 2), (9, 4), (13, 6))
    ) + section("route", layers="-1,-3,-5,-6"),
    "reorg": net(12) + conv(8, 3) + section("reorg", stride=2),
    "groups": net(9) + conv(8, 3) + conv(8, 3, groups=4) + section("route", layers=-1, groups=2, group_id=1)
    + conv(4, 3, dilation=2),
    "strides": net(10, 1) + conv(4, 3, stride_x=2, stride_y=1, pad=0, padding=2) + conv(4, 2, pad=1),
    "gates": net(8) + conv(6, 3) + section("avgpool") + conv(6, 1, activation="logistic", batch_normalize=0)
    + section("scale_channels", **{"from": -3}, activation="relu") + conv(6, 3, activation="swish")
    + section("sam", **{"from": -2}) + section("shortcut", **{"from": "-3,-2"}, activation="leaky"),
    "connected": net(6) + conv(3, 3) + section("connected", output=7, batch_normalize=1, activation="relu")
    + section("dropout", probability=0.3) + section("connected", output=5) + section("softmax"),
    "vector": section("net", inputs=9) + section("connected", output=4, activation="tanh"),
    "norm": net(6) + section("batchnorm") + section("activation", activation="elu")
    + section("upsample", stride=3, scale=2),
    "deconvolution": net(5) + section("deconvolutional", filters=4, size=4, stride=2, padding=1, activation="relu"),
    "flipped": net(7) + conv(4, 3, flipped=1),
    "crop": net(12) + section("crop", crop_height=9, crop_width=7, flip=1) + conv(4, 3),
    "spatial": net(6) + conv(4, 3) + section("softmax", spatial=1),
    **{f"activation {name}": of_activation(name) for name in (
        "none", "linear", "leaky", "relie", "relu", "relu6", "logistic", "tanh", "elu", "selu", "mish", "swish",
        "gelu", "hardtan",
    )},
}  # fmt: skip
"""A cfg for each kind of layer."""
