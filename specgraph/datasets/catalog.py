"""What is known of the data sets without reading them: classes, channels, sizes, files, statistics.

Imports nothing heavy, so that `specgraph check` can hold a recipe against its data. Means and
deviations are those of all training pixels, of values in 0..1 (not means of per-image deviations).
"""

from __future__ import annotations

from typing import Literal

from specgraph.named_tuples import NamedTuple


class RemoteFile(NamedTuple):
    """A file of a data set: where it comes from, its MD5, and the file names it may lie under."""

    url: str
    md5: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name as downloaded."""
        return self.url.rsplit("/", 1)[-1]


class DatasetInfo(NamedTuple):
    """A known data set. `channels` and `size` (height, width) are those of its images.

    `mirror` and `upside_down` say whether an image keeps its meaning when flipped. `folders` are the
    places below the data root where its files are looked for; the first is where downloads go. `serves` are the
    targets that it has besides the images themselves.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    channels: int
    size: tuple[int, int]
    num_train: int
    num_test: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mirror: bool
    upside_down: bool
    folders: tuple[str, ...] = ()
    files: tuple[RemoteFile, ...] = ()
    serves: tuple[str, ...] = ("class",)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)


TEN_DIGITS = tuple("0123456789")
FASHION = (
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR100_NAMES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard
lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark
shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""
CIFAR100 = tuple(CIFAR100_NAMES.split())

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
CIFAR_URL = "https://www.cs.toronto.edu/~kriz/"


def _idx_files(url: str, md5s: tuple[str, str, str, str]) -> tuple[RemoteFile, ...]:
    stems = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    files = []
    for stem, md5 in zip(stems, md5s, strict=True):
        spellings = (f"{stem}-ubyte", stem.replace("-idx", ".idx") + "-ubyte")
        names = tuple(spelling + end for spelling in spellings for end in ("", ".gz"))
        files.append(RemoteFile(f"{url}{stem}-ubyte.gz", md5, names))
    return tuple(files)


_ENTRIES = (
    DatasetInfo(
        "digits",
        "handwritten digits, 8×8 (UCI; carried by scikit-learn, nothing to download)",
        TEN_DIGITS, 1, (8, 8), 1437, 360, (0.3060,), (0.3763,), False, False,
    ),
    DatasetInfo(
        "mnist",
        "MNIST handwritten digits, 28×28",
        TEN_DIGITS, 1, (28, 28), 60_000, 10_000, (0.1307,), (0.3081,), False, False,
        ("mnist", "MNIST/raw", "MNIST", "mnist/raw", ""),
        _idx_files(
            MNIST_URL,
            (
                "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                "d53e105ee54ea40749a09fcbcd1e9432",
                "9fb629c4189551a2d022fa330f9573f3",
                "ec29112dd5afa0611ce80d1b7f02629c",
            ),
        ),
    ),
    DatasetInfo(
        "fashion_mnist",
        "Fashion-MNIST clothing, 28×28",
        FASHION, 1, (28, 28), 60_000, 10_000, (0.2860,), (0.3530,), True, False,
        ("fashion_mnist", "FashionMNIST/raw", "FashionMNIST", "fashion-mnist", "fashion_mnist/raw"),
        _idx_files(
            FASHION_URL,
            (
                "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                "25c81989df183df01b3e8a0aad5dffbe",
                "bef4ecab320f06d8554ea6380940ec79",
                "bb300cfdad3c16e7a12a480ee83cd310",
            ),
        ),
    ),
    DatasetInfo(
        "cifar10",
        "CIFAR-10, colour, 32×32",
        CIFAR10, 3, (32, 32), 50_000, 10_000,
        (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616), True, False,
        ("cifar10", "", "cifar-10"),
        (
            RemoteFile(
                f"{CIFAR_URL}cifar-10-binary.tar.gz",
                "c32a1d4ab5d03f1284b67883e8d87530",
                ("cifar-10-batches-bin", "cifar-10-binary.tar.gz", "cifar-10-batches-py", "cifar-10-python.tar.gz"),
            ),
        ),
    ),
    DatasetInfo(
        "cifar100",
        "CIFAR-100, colour, 32×32",
        CIFAR100, 3, (32, 32), 50_000, 10_000,
        (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762), True, False,
        ("cifar100", "", "cifar-100"),
        (
            RemoteFile(
                f"{CIFAR_URL}cifar-100-binary.tar.gz",
                "03b5dce01913d631647c71ecec9e9cb8",
                ("cifar-100-binary", "cifar-100-binary.tar.gz", "cifar-100-python", "cifar-100-python.tar.gz"),
            ),
        ),
    ),
    DatasetInfo(
        "shapes",
        "shapes of any colour, drawn for every task: classes, labels, numbers, masks (nothing to download)",
        ("circle", "square", "triangle", "cross"), 3, (64, 64), 1600, 400,
        (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), True, True, serves=("class", "labels", "numbers", "mask"),
    ),
)  # fmt: skip

CATALOG: dict[str, DatasetInfo] = {entry.name: entry for entry in _ENTRIES}
FOLDER = "folder"
MASKS = "masks"
TABLE = "table"
SHAPES = "shapes"
NPZ = "npz"
TORCHVISION = "torchvision"
HUGGING_FACE = "hf"
WEBDATASET = "webdataset"
DATA_DIR_HELP = "where data sets lie (default: $SPECGRAPH_DATA or ~/.cache/specgraph)"
FROM_PYTHON = "from-python"
"""Name of the data set in the recipe of a run whose data a Python program gave."""


Targets = Literal["class", "labels", "numbers", "mask", "picture", "heads"]
"""What a data set gives for each image: a class number, labels that are on or off, numbers, a mask of class numbers,
the image itself, or what each of several outputs learns."""
FOR_SEVERAL_OUTPUTS = (SHAPES, TABLE)
"""Names of data that can hold targets for several outputs."""
FOR_SEVERAL_INPUTS = (SHAPES, TABLE, HUGGING_FACE, WEBDATASET)
"""Names of data that can hold several images for each sample."""
COLUMNS_READ = (TABLE, HUGGING_FACE, WEBDATASET)
"""Names of data whose recipe says which columns are read."""
READ_BY: dict[str, tuple[str, ...]] = {
    "ignore_index": (MASKS, TORCHVISION, *COLUMNS_READ),
    "colors": (MASKS, TORCHVISION, *COLUMNS_READ),
    "file": (TABLE, NPZ),
    "inputs": COLUMNS_READ,
    "targets": COLUMNS_READ,
    "split": COLUMNS_READ,
    "dataset": (TORCHVISION, HUGGING_FACE),
    "options": (TORCHVISION, HUGGING_FACE),
    "urls": (WEBDATASET,),
    "size": (SHAPES,),
    "images": (SHAPES,),
}
"""Keys of a recipe's `data` that not all data read, with the names of those that do."""
CLASSES_ALONE = ("class", "picture")
"""What images with a class each give a network to learn."""
SAID_BY_RECIPE: dict[str, tuple[str, ...]] = {
    MASKS: ("mask",),
    TABLE: ("class", "labels", "numbers", "mask", "picture"),
    NPZ: ("class", "labels", "numbers", "picture"),
    TORCHVISION: ("class", "mask", "picture"),
    HUGGING_FACE: ("class", "labels", "numbers", "mask", "picture"),
    WEBDATASET: ("class", "labels", "numbers", "mask", "picture"),
}
"""Names whose recipe says what they hold, and what they can give a network to learn."""


def is_place(name: str) -> bool:
    """Whether the name of a data set can only be the path of a folder."""
    return name not in CATALOG and name != FOLDER and ("/" in name or "\\" in name or name.startswith((".", "~")))


def targets_of(name: str) -> tuple[str, ...] | None:
    """What data of this name give a network to learn; None for registered data, of which only reading tells."""
    if name in CATALOG:
        return (*CATALOG[name].serves, "picture")
    if name == FOLDER or is_place(name):
        return CLASSES_ALONE
    return SAID_BY_RECIPE.get(name)


def dataset_names() -> tuple[str, ...]:
    """Names a recipe may give under `data.name`, data sets registered from Python aside."""
    return (*CATALOG, FOLDER, *SAID_BY_RECIPE)
