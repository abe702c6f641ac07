"""Names that other tools have for parts of a recipe: which of ours is meant, or what to write instead."""

from __future__ import annotations

_NUMBERS = "there is no such loss here: of numbers and images there are mse, l1, smooth_l1 and huber"
_PAIRS = "there is no loss of pairs or sequences here"
_UNEVEN = "there is no such loss here: cross_entropy is the nearest; focal lets sure predictions count less"
LOSSES_ELSEWHERE = {
    **dict.fromkeys(("poisson", "PoissonNLLLoss", "log_cosh"), _NUMBERS),
    **dict.fromkeys(("CTC", "CTCLoss", "triplet", "TripletMarginLoss", "contrastive"), _PAIRS),
    **dict.fromkeys(("cosine_similarity", "CosineEmbeddingLoss", "margin_ranking"), _PAIRS),
    **dict.fromkeys(("hinge", "MultiMarginLoss", "KLDivLoss", "kl_div", "poly_loss"), _UNEVEN),
    "iou": "there is no iou loss here: dice is the nearest",
    "tversky": "there is no tversky loss here: dice is the nearest",
    "lovasz": "there is no lovasz loss here: dice is the nearest",
}
_ADAM = "there is no such optimiser here: adam is the nearest"
_ADAMW = "there is no such optimiser here: adamw is the nearest"
_RATES = "there is no such optimiser here: rmsprop is the nearest that has a rate for each weight"
_SGD = "there is no such optimiser here: sgd with momentum is the nearest"
OPTIMIZERS_ELSEWHERE = {
    **dict.fromkeys(("amsgrad", "adabelief", "adabound", "sparse_adam", "yogi"), _ADAM),
    **dict.fromkeys(("lamb", "lion", "adan", "adamp", "sophia", "prodigy"), _ADAMW),
    "nadamw": "write nadam with decoupled_weight_decay: true",
    **dict.fromkeys(("rprop", "ftrl"), _RATES),
    **dict.fromkeys(("lars", "lbfgs", "sgdp", "sgdw", "lookahead"), _SGD),
    "momentum": "write sgd with its momentum, such as 0.9",
    "nesterov": "write sgd with its momentum, such as 0.9, and nesterov: true",
}
_INVERSE = "there is no such schedule here: polynomial and cosine fall to 0 as smoothly"
_WARM = "write warmup_epochs inside of another schedule, such as {cosine: {warmup_epochs: 5}}"
_WAVES = "there is no such schedule here: one_cycle and cosine_restarts are the nearest"
SCHEDULES_HERE = {
    "StepLR": "step",
    "MultiStepLR": "multi_step",
    "CosineAnnealingLR": "cosine",
    "cosine_annealing": "cosine",
    "OneCycleLR": "one_cycle",
    "ConstantLR": "constant",
    "none": "constant",
    "cosine_decay": "cosine",
    "multistep": "multi_step",
    "piecewise_constant": "multi_step",
    "ExponentialLR": "exponential",
    "ExponentialDecay": "exponential",
    "PolynomialLR": "polynomial",
    "PolynomialDecay": "polynomial",
    "poly": "polynomial",
    "linear": "polynomial",
    "CosineAnnealingWarmRestarts": "cosine_restarts",
    "sgdr": "cosine_restarts",
    "ReduceLROnPlateau": "plateau",
    "reduce_on_plateau": "plateau",
}
SCHEDULES_ELSEWHERE = {
    "LinearLR": "write warmup_epochs for a rise, {polynomial: {power: 1}} for a fall",
    **dict.fromkeys(("inverse_sqrt", "inverse_time", "InverseTimeDecay", "rsqrt"), _INVERSE),
    **dict.fromkeys(("warmup", "linear_warmup", "LinearWarmup", "warm_up"), _WARM),
    **dict.fromkeys(("cyclic", "CyclicLR"), _WAVES),
    **dict.fromkeys(("LambdaLR", "SequentialLR", "ChainedScheduler"), "write the schedule that it computes"),
}
AUGMENTATIONS_HERE = {
    **dict.fromkeys(("RandomHorizontalFlip", "hflip", "fliplr", "random_flip"), "horizontal_flip"),
    **dict.fromkeys(("RandomVerticalFlip", "vflip", "flipud"), "vertical_flip"),
    **dict.fromkeys(("RandomRotation", "random_rotate"), "rotate"),
    **dict.fromkeys(("random_erase", "coarse_dropout"), "random_erasing"),
    **dict.fromkeys(("RandomGrayscale", "to_gray", "greyscale"), "grayscale"),
    **dict.fromkeys(("RandomAffine", "shift_scale_rotate"), "affine"),
    "TrivialAugmentWide": "trivial_augment",
    "blur": "gaussian_blur",
}
_MASKED = "random_erasing and cutout blank a part of each image"
_COLOUR = "color_jitter changes brightness, contrast, saturation and hue; rand_augment has the other operations"
_POLICY = "there are no learned policies here: rand_augment and trivial_augment draw theirs"
_SHIFT = "write {shift: {pixels: …}}, or {affine: {translate: …}} for a share of the sides"
_READ = "images are scaled to 0..1 and resized to the network's input without it: leave it out"
AUGMENTATIONS_ELSEWHERE = {
    "grid_mask": _MASKED,
    **dict.fromkeys(("random_brightness", "random_contrast", "hue", "solarize", "posterize", "equalize"), _COLOUR),
    **dict.fromkeys(("AutoAugment", "AugMix"), _POLICY),
    **dict.fromkeys(("translate", "random_translate", "RandomTranslation", "width_shift"), _SHIFT),
    **dict.fromkeys(("ToTensor", "Resize", "CenterCrop", "rescale", "Rescaling"), _READ),
    **dict.fromkeys(("Normalize", "Normalization", "standardize"), "write normalize beside augment, under data"),
}
