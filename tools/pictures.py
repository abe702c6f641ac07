"""Draw the pictures of docs/diagrams.md, docs/diff.md and README.md.

With --curves, also train for the learning curves.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

import specgraph
from specgraph.analysis.diff import diff
from specgraph.backends.graphviz import render, write_drawing
from specgraph.backends.graphviz.diff_picture import diff_dot

ROOT = Path(__file__).parents[1]
SPECS = ROOT / "specs"
IMAGES = ROOT / "docs" / "images"
GALLERY = (
    *("lenet.json", "alexnet.yaml", "alexnet-grouped.yaml", "papers/zfnet.yaml", "papers/nin.yaml"),
    *("papers/vgg.yaml", "papers/unet.yaml", "inception.yaml", "googlenet-paper.yaml", "googlenet.yaml"),
    *("zoo/inception_v3.yaml",),
    *("resnet18.yaml", "resnet50.yaml", "resnet-cifar.yaml", "papers/wide-resnet.yaml", "zoo/squeezenet.yaml"),
    *("zoo/mobilenet_v2.yaml", "zoo/shufflenet_v2.yaml", "zoo/efficientnet.yaml", "zoo/convnext.yaml"),
)

IMAGES.mkdir(exist_ok=True)
for name in GALLERY:
    path = IMAGES / f"{Path(name).stem}-depth1.png"
    print(render(specgraph.load(str(SPECS / name)), path, depth=1))
densenet = specgraph.load(str(SPECS / "densenet121.yaml"), set={"layers": [6, 12, 48, 32]})
densenet.name = "densenet201"
print(render(densenet, IMAGES / "densenet201-depth1.png", depth=1))
for ending in ("png", "svg"):
    print(render(specgraph.load(str(SPECS / "inception.yaml")), IMAGES / f"inception.{ending}"))
print(render(specgraph.load(str(SPECS / "densenet121.yaml")), IMAGES / "densenet121.png"))
dark = IMAGES / "inception-dark.png"
print(render(specgraph.load(str(SPECS / "inception.yaml")), dark, direction="LR", theme="dark"))
unet = specgraph.load(str(SPECS / "papers" / "unet.yaml"))
print(render(unet, IMAGES / "unet-u.png", layout="u"))
alexnet = specgraph.load(str(SPECS / "alexnet.yaml"))
print(render(alexnet, IMAGES / "alexnet-volumes.png", layout="volumes", width=17))
modern = specgraph.load(str(ROOT / "docs" / "examples" / "lenet-modern.yaml"))
print(write_drawing(diff_dot(diff(specgraph.load(str(SPECS / "lenet.json")), modern)), IMAGES / "diff.png"))
if "--curves" in sys.argv:
    with tempfile.TemporaryDirectory() as folder:
        specgraph.train(specgraph.load(str(SPECS / "inception.yaml")), data="digits", out=folder + "/run")
        print(shutil.copy(folder + "/run/curves.png", IMAGES / "curves.png"))

# flat colours: a palette shows them as well in a quarter of the bytes
for path in sorted({*IMAGES.glob("*.png")} - {IMAGES / "curves.png"}):
    with Image.open(path) as image:
        image.convert("RGB").quantize(128).save(path, optimize=True)
