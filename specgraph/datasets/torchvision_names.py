"""The data sets of torchvision, so that `check` knows them without importing it. A test compares them."""

from __future__ import annotations

_NAMES = """
CIFAR10 CIFAR100 CLEVRClassification CREStereo Caltech101 Caltech256 CarlaStereo CelebA Cityscapes CocoCaptions
CocoDetection Country211 DTD DatasetFolder EMNIST ETH3DStereo EuroSAT FER2013 FGVCAircraft FakeData
FallingThingsStereo FashionMNIST Flickr30k Flickr8k Flowers102 FlyingChairs FlyingThings3D Food101 GTSRB HD1K
HMDB51 INaturalist ImageFolder ImageNet Imagenette InStereo2k KMNIST Kinetics Kitti Kitti2012Stereo
Kitti2015Stereo KittiFlow LFWPairs LFWPeople LSUN LSUNClass MNIST Middlebury2014Stereo MovingMNIST Omniglot
OxfordIIITPet PCAM PhotoTour Places365 QMNIST RenderedSST2 SBDataset SBU SEMEION STL10 SUN397 SVHN
SceneFlowStereo Sintel SintelStereo StanfordCars UCF101 USPS VOCDetection VOCSegmentation WIDERFace
"""
TORCHVISION_SETS = tuple(_NAMES.split())
"""Names of classes of `torchvision.datasets`."""
