"""Modules to import: timm, pytorchcv, segmentation-models-pytorch, MONAI, torchvision. `kind` is c for convolutional,
t for transformer, h for hybrid, m for mixer. A group whose package is not installed raises ModuleNotFoundError."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

TIMM = """
c gernet_s;c repvgg_a0;c mobileone_s0;c resnet51q;h gcresnext26ts;h bat_resnext26ts;c eca_resnext26ts;c regnetz_b16
h botnet26t_256;h halonet26t;h lambda_resnet26t;c convmixer_768_32;c convnext_atto;c convnext_atto_ols
c convnextv2_atto;h cpubone_b0_bfrobust;h csatv2;c cs3darknet_focus_s;c cspresnet50;c darknet53;c cspnext_tiny
c densenet121;c densenetblur121d;c dla34;c dla60_res2net;c dpn48b;h edgenext_xx_small;h efficientformer_l1
h efficientformerv2_s0;h efficientvim_m1;h efficientvit_b0;h efficientvit_m0;c efficientnet_b0;c efficientnet_b0_gn
c efficientnet_b0_g16_evos;c tf_efficientnetv2_b0;c efficientnet_lite0;c mixnet_s;c tf_mixnet_s;c mnasnet_small
c mobilenetv2_035;c spnasnet_100;c fbnetc_100;c tinynet_e;c mobilenet_edgetpu_v2_xs;c mobilenetv4_conv_small_035
h mobilenetv4_hybrid_medium;t eva02_tiny_patch14_224;c fasternet_t0;c fastvit_t8;h fastvit_sa12;c focalnet_tiny_srf
h gcvit_xxtiny;c ghostnet_050;c ghostnetv2_100;c ghostnetv3_050;c hardcorenas_a;c hgnet_tiny;c hgnetv2_b0
t hiera_tiny_224;t sam2_hiera_tiny;c hrnet_w18_small;h iformer_t;c inception_next_atto;c inception_resnet_v2
c inception_v3;c inception_v4;c lcnetv2_small;h levit_128s;h levit_conv_128s;h lowformer_b0;c mambaout_femto
h coatnet_nano_rw_224;h maxvit_pico_rw_256;c convformer_s18;h caformer_s18;c poolformer_s12;c poolformerv2_s12
m mixer_s32_224;m gmlp_ti16_224;m resmlp_12_224;m gmixer_12_224;c mobilenetv3_small_050;c fbnetv3_b;c lcnet_035
h mobilevit_xxs;h mobilevitv2_050;t mvitv2_tiny;t naflexvit_base_patch16_gap;c nasnetalarge;t nest_tiny
h nextvit_small;c dm_nfnet_f0;c eca_nfnet_l0;c nf_regnet_b0;t pit_ti_224;c pnasnet5large;h pvt_v2_b0;c rdnet_tiny
c regnetx_002;c regnety_002;c repghostnet_050;c repvit_m0_9;c res2net50_26w_4s;c resnest14d;c resnet18;c resnet18d
c resnext50_32x4d;c ecaresnet26t;c resnetaa34d;c resnetblur18;c resnetrs50;c resnetv2_18;c resnetv2_50x1_bit
c rexnet_100;c selecsls42;c legacy_seresnet18;c legacy_seresnext26_32x4d;m sequencer2d_s;h shvit_s1;c skresnet18
c starnet_s1;h swiftformer_xs;t swin_tiny_patch4_window7_224;t swinv2_tiny_window8_256;t swinv2_cr_tiny_ns_224
h tiny_vit_5m_224;t tnt_s_patch16_224;c tresnet_m;t twins_pcpvt_small;t twins_svt_small;c vgg11_bn;h visformer_tiny
t vit_tiny_patch16_224;h vit_tiny_r_s16_p8_224;t vit_relpos_small_patch16_224;t samvit_base_patch16_224
h vitamin_small_224;h volo_d1_224;c ese_vovnet19b_dw;c eca_vovnet39b;c legacy_xception;c xception41;c xception41p
t xcit_nano_12_p16_224;t cait_xxs24_224;t coat_tiny;h coat_lite_tiny;t convit_tiny;t crossvit_tiny_240;h davit_tiny
t deit_tiny_patch16_224;t deit3_small_patch16_224;t beit_base_patch16_224;t qwen3_vit_88m;t vit_small_patch14_dinov2
"""
PCV = """
alexnet bninception preresnet10 seresnet10 sepreresnet10 resnestabc14 ibn_resnet50 ibnb_resnet50 airnet50_1x64d_r2
bam_resnet18 cbam_resnet18 resattnet56 sknet50 scnet50 regnety002 diaresnet10 diracnet18v2 sharesnet18
condensenet74_c4_g4 sparsenet121 peleenet drnc26 dpn68 darknet_tiny channelnet revnet38 irevnet301 bagnet9 dla34
msdnet22 fishnet99 espnetv2_wd2 dicenet_wd5 hrnet_w18_small_v1 vovnet27s selecsls42 hardnet39ds xdensenet121_2
squeezenet_v1_1 sqnxt23_w1 shufflenet_g3_wd4 shufflenetv2b_wd2 menet108_8x1_g3 mobilenet_wd4 mobilenetv3_small_w7d20
igcv3_wd4 ghostnet mnasnet_small darts proxylessnas_mobile fbnet_cb inceptionv3 inceptionresnetv1 nasnet_4a1056
pnasnet5large spnasnet efficientnet_b0b mixnet_s nin_cifar10 ror3_56_cifar10 rir_cifar10 resdropresnet20_cifar10
shakeshakeresnet20_2x16d_cifar10 shakedropresnet20_cifar10 fractalnet_cifar10 isqrtcovresnet18 resneta10
octresnet10_ad2 ntsnet_cub pspnet_resnetd50b_voc deeplabv3_resnetd50b_voc icnet_resnetd50b_cityscapes
fastscnn_cityscapes cgnet_cityscapes dabnet_cityscapes sinet_cityscapes bisenet_resnet18_celebamaskhq
danet_resnetd50b_cityscapes fpenet_cityscapes ctxnet_cityscapes lednet_cityscapes esnet_cityscapes edanet_cityscapes
enet_cityscapes erfnet_cityscapes linknet_cityscapes segnet_cityscapes unet_cityscapes sqnet_cityscapes
espcnet_cityscapes simplepose_resnet18_coco lwopenpose2d_mobilenet_cmupan_coco ibppose_coco prnet
centernet_resnet18_voc lffd20x5s320v2_widerface pfpcnet superpointnet jasper5x3 quartznet5x5_en_ls tresnet_m zfnet
bn_vgg11 resnet10 resnext14_16x4d ibn_densenet121 diapreresnet10 densenet121 xception inceptionv4 mobilenetv2_wd4
efficientnet_edge_small_b fcn8sd_resnetd50b_voc simplepose_mobile_mobilenet_w1_coco resnet20_cifar10
wrn20_10_1bit_cifar10 senet16 polynet
"""
SMP = [
    "Unet",
    "UnetPlusPlus",
    "FPN",
    "PSPNet",
    "Linknet",
    "DeepLabV3",
    "DeepLabV3Plus",
    "PAN",
    "MAnet",
    "UPerNet",
    "Segformer",
]
MONAI = [
    "UNet2d",
    "UNet3d",
    "DynUNet",
    "DynUNet_ds",
    "SegResNet",
    "SegResNet3d",
    "DenseNet121",
    "DenseNet121_3d",
    "AttentionUnet",
    "HighResNet",
    "VNet",
    "BasicUNet",
    "BasicUNetPlusPlus",
    "ResNet10_3d",
    "SENet154",
    "SEResNet50",
    "EfficientNetBN",
    "FlexibleUNet",
    "MILModel",
    "TorchVisionFCModel",
    "Regressor",
    "Classifier",
    "AutoEncoder",
    "VarAutoEncoder",
    "DiNTS",
    "FullyConnectedNet",
    "UNETR",
    "SwinUNETR",
    "ViT",
    "GeneratorUNetAR",
    "PatchDiscriminator",
]
TV = [
    "seg:fcn_resnet50",
    "seg:deeplabv3_resnet50",
    "seg:deeplabv3_mobilenet_v3_large",
    "seg:lraspp_mobilenet_v3_large",
    "video:r3d_18",
    "video:mc3_18",
    "video:r2plus1d_18",
    "video:s3d",
    "body:resnet18",
    "fpn:resnet18",
    "fpn:mobilenet",
    "ssdbody:ssd300",
    "head:rpn",
    "kp:fcn_aux",
    "cls:vit_b_16",
    "cls:swin_t",
    "cls:maxvit_t",
]


def jobs() -> Iterator[tuple[str, str, str]]:
    """Group, name and kind of each."""
    for entry in TIMM.replace("\n", ";").split(";"):
        if entry.strip():
            kind, name = entry.split()
            yield "timm", name, kind
    for name in PCV.split():
        yield "pytorchcv", name, "c"
    for arch in SMP:
        for enc in ("resnet18", "mobilenet_v2"):
            yield "smp", f"{arch}/{enc}", "h" if arch in ("Segformer",) else "c"
    for name in MONAI:
        yield "monai", name, "t" if name in ("UNETR", "SwinUNETR", "ViT") else "c"
    for name in TV:
        yield "torchvision", name, "t" if name.startswith("cls") else "c"


def build(group: str, name: str, kind: str) -> tuple[Any, list[Callable[[], list[Any]]]]:
    """A module with random weights, and makers of example inputs to try in turn."""
    from functools import partial

    import torch

    def img(*s):
        return [torch.randn(2, *s, generator=torch.Generator().manual_seed(1))]

    if group == "timm":
        import timm

        m: Any = timm.create_model(name, pretrained=False)
        cfg = m.default_cfg
        full = tuple(cfg["input_size"])
        sizes = [full] if kind in "htm" or cfg.get("fixed_input_size") else [(3, 128, 128), full]
        return m, [partial(img, *s) for s in sizes]
    if group == "pytorchcv":
        from pytorchcv.model_provider import get_model

        if "cityscapes" in name:
            try:
                m = get_model(name, pretrained=False, in_size=(256, 512))
                return m, [lambda: img(3, 256, 512)]
            except TypeError:
                pass
        m = get_model(name, pretrained=False)
        size = getattr(m, "in_size", None) or (224, 224)
        size = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
        if "jasper" in name or "quartz" in name:
            c = getattr(m, "in_channels", 64) or 64
            return m, [lambda: img(c, 200), lambda: [*img(c, 200), torch.tensor([200, 200])]]
        ch = 1 if "superpoint" in name else 3
        return m, [lambda: img(ch, *size)]
    if group == "smp":
        import segmentation_models_pytorch as smp

        arch, enc = name.split("/")
        m = getattr(smp, arch)(encoder_name=enc, encoder_weights=None, in_channels=3, classes=2)
        return m, [lambda: img(3, 128, 128)]
    if group == "monai":
        import monai.networks.nets as N

        kw = {"channels": (8, 16, 32), "strides": (2, 2)}
        t = {
            "UNet2d": lambda: (
                N.UNet(spatial_dims=2, in_channels=1, out_channels=2, num_res_units=2, **kw),
                (1, 64, 64),
            ),
            "UNet3d": lambda: (
                N.UNet(spatial_dims=3, in_channels=1, out_channels=2, num_res_units=2, **kw),
                (1, 32, 32, 32),
            ),
            "DynUNet": lambda: (N.DynUNet(2, 1, 2, [3, 3, 3], [1, 2, 2], [2, 2]), (1, 64, 64)),
            "DynUNet_ds": lambda: (
                N.DynUNet(3, 1, 2, [3, 3, 3, 3], [1, 2, 2, 2], [2, 2, 2], deep_supervision=True, res_block=True),
                (1, 32, 32, 32),
            ),
            "SegResNet": lambda: (N.SegResNet(spatial_dims=2), (1, 64, 64)),
            "SegResNet3d": lambda: (N.SegResNet(spatial_dims=3), (1, 32, 32, 32)),
            "DenseNet121": lambda: (N.DenseNet121(2, 1, 2), (1, 64, 64)),
            "DenseNet121_3d": lambda: (N.DenseNet121(3, 1, 2), (1, 48, 48, 48)),
            "AttentionUnet": lambda: (N.AttentionUnet(2, 1, 2, (8, 16, 32), (2, 2)), (1, 64, 64)),
            "HighResNet": lambda: (N.HighResNet(2, 1, 2), (1, 32, 32)),
            "VNet": lambda: (N.VNet(spatial_dims=3), (1, 32, 32, 32)),
            "BasicUNet": lambda: (N.BasicUNet(2, 1, 2), (1, 64, 64)),
            "BasicUNetPlusPlus": lambda: (N.BasicUNetPlusPlus(2, 1, 2), (1, 64, 64)),
            "ResNet10_3d": lambda: (N.resnet10(spatial_dims=3, n_input_channels=1), (1, 32, 32, 32)),
            "SENet154": lambda: (N.SENet154(2, 1, 2), (1, 64, 64)),
            "SEResNet50": lambda: (N.SEResNet50(spatial_dims=2, in_channels=1, num_classes=2), (1, 64, 64)),
            "EfficientNetBN": lambda: (N.EfficientNetBN("efficientnet-b0", pretrained=False), (3, 64, 64)),
            "FlexibleUNet": lambda: (N.FlexibleUNet(3, 2, "efficientnet-b0"), (3, 64, 64)),
            "MILModel": lambda: (N.MILModel(num_classes=2, pretrained=False, mil_mode="mean"), (4, 3, 64, 64)),
            "TorchVisionFCModel": lambda: (N.TorchVisionFCModel("resnet18", num_classes=2), (3, 64, 64)),
            "Regressor": lambda: (N.Regressor((1, 64, 64), (3,), (8, 16), (2, 2)), (1, 64, 64)),
            "Classifier": lambda: (N.Classifier((1, 64, 64), 3, (8, 16), (2, 2)), (1, 64, 64)),
            "AutoEncoder": lambda: (N.AutoEncoder(2, 1, 1, (8, 16), (2, 2)), (1, 64, 64)),
            "VarAutoEncoder": lambda: (N.VarAutoEncoder(2, (1, 64, 64), 1, 8, (8, 16), (2, 2)), (1, 64, 64)),
            "DiNTS": lambda: (
                N.DiNTS(
                    N.TopologyInstance(torch.ones(1, 10).int(), node_a=None) if False else N.TopologySearch(), 1, 2
                ),
                (1, 64, 64, 64),
            ),
            "FullyConnectedNet": lambda: (N.FullyConnectedNet(10, 3, (8, 16)), (10,)),
            "UNETR": lambda: (N.UNETR(1, 2, (32, 32, 32), 16, 96, 192, 12), (1, 32, 32, 32)),
            "SwinUNETR": lambda: (N.SwinUNETR(1, 2, feature_size=12), (1, 64, 64, 64)),
            "ViT": lambda: (N.ViT(1, (32, 32), (8, 8), 48, 96, 2, 4, classification=True, spatial_dims=2), (1, 32, 32)),
            "GeneratorUNetAR": lambda: (N.AHNet(spatial_dims=2, in_channels=1, out_channels=2), (1, 128, 128)),
            "PatchDiscriminator": lambda: (N.PatchDiscriminator(2, 16, 1), (1, 64, 64)),
        }
        m, s = t[name]()
        return m, [lambda: img(*s)]
    import torchvision

    kind, _, rest = name.partition(":")
    if kind == "seg":
        return torchvision.models.get_model(rest, weights=None, weights_backbone=None), [lambda: img(3, 128, 128)]
    if kind == "kp":
        return torchvision.models.segmentation.fcn_resnet50(weights=None, weights_backbone=None, aux_loss=True), [
            lambda: img(3, 96, 96)
        ]
    if kind == "video":
        return torchvision.models.get_model(rest, weights=None), [
            lambda: img(3, 16, 112, 112) if rest != "s3d" else img(3, 16, 224, 224)
        ]
    if kind == "cls":
        return torchvision.models.get_model(rest, weights=None), [lambda: img(3, 224, 224)]
    if kind == "body":
        from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

        return resnet_fpn_backbone(backbone_name="resnet18", weights=None).body, [lambda: img(3, 128, 128)]
    if kind == "fpn":
        from torchvision.models.detection.backbone_utils import mobilenet_backbone, resnet_fpn_backbone

        f = (
            resnet_fpn_backbone(backbone_name="resnet18", weights=None)
            if rest == "resnet18"
            else mobilenet_backbone(backbone_name="mobilenet_v2", weights=None, fpn=True)
        )
        return f, [lambda: img(3, 128, 128)]
    if kind == "ssdbody":
        return torchvision.models.detection.ssd300_vgg16(weights=None, weights_backbone=None).backbone, [
            lambda: img(3, 300, 300)
        ]
    if kind == "head":
        return torchvision.models.detection.rpn.RPNHead(64, 3), [lambda: [torch.randn(2, 64, 16, 16)]]
    raise KeyError(name)
