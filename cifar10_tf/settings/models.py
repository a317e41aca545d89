"""The models: builder, size, recipe and published accuracy of each.

A recipe is what a model is trained with unless a flag says otherwise: settings
of `config.Config` by name. Those that it doesn't name have their defaults.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Model(NamedTuple):
    """All that there is to know of a model before it is built.

    Attributes:
        builder: a function of a module of `cifar10_tf.models`, which takes the
            number of classes and returns the network.
        num_params: with ten classes; running statistics don't count.
        recipe: settings by name.
        published: the test accuracy on CIFAR-10 that its authors, or those of
            the recipe, have published, and where; Markdown.
    """

    builder: str
    num_params: int
    recipe: Mapping[str, Any]
    published: str = ""


# The notebook that the project grew out of: RMSprop at Keras's default rate,
# 31 epochs, no augmentation, 30 % of the training split held out.
_NOTEBOOK = {
    "epochs": 31,
    "batch_size": 256,
    "optimizer": "rmsprop",
    "learning_rate": 0.001,
    "validation_fraction": 0.3,
}

# github.com/kuangliu/pytorch-cifar as it is now, but with Nesterov momentum; it
# trains on the whole split. Of its accuracies those below were reached with a
# step schedule of 350 epochs.
_SGD = {
    "epochs": 200,
    "batch_size": 128,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "schedule": "cosine",
    "weight_decay": 0.005,  # 5e-4 / (1 - 0.9), see OPTIMIZERS
    "augment": "flip,zero_crop=4",
    "validation_fraction": 0.0,
}
_PYTORCH_CIFAR = "[pytorch-cifar](https://github.com/kuangliu/pytorch-cifar)"

# arXiv 1512.03385: 64,000 steps on 45,000 images, weight decay 1e-4; a cosine
# instead of a tenth of the rate from half and from three quarters on.
_RESNET = _SGD | {
    "epochs": 182,
    "weight_decay": 0.001,
    "validation_fraction": 0.1,
}
_HE_ET_AL = "[He et al.](https://arxiv.org/abs/1512.03385), table 6"

# arXiv 1605.07146, without dropout; a cosine instead of a fifth of the rate
# from epochs 60, 120 and 160 on.
_WIDE_RESNET = _SGD | {"augment": "flip,crop=4"}
_ZAGORUYKO = "[Zagoruyko and Komodakis](https://arxiv.org/abs/1605.07146)"

# arXiv 2104.05704 for ViT-Lite; there with AutoAugment, and without crops and
# cutmix, which here keep a larger network from learning images by heart.
_VIT = _SGD | {
    "optimizer": "adamw",
    "learning_rate": 0.0005,
    "warmup": 0.025,
    "weight_decay": 0.03,
    "label_smoothing": 0.1,
    "augment": "flip,zero_crop=4,randaugment=9,cutmix",
}

# Chosen on 5,000 validation images, see BUILD_NOTES.md. The augmentation is
# that of arXiv 2404.00498, the label smoothing half of its.
_SPEEDRUN = {
    "batch_size": 512,
    "optimizer": "muon",
    "learning_rate": 0.12,
    "schedule": "linear",
    "label_smoothing": 0.1,
    "augment": "alternating_flip,crop=2",
    "validation_fraction": 0.04,
}
_SPEEDRUN_S = _SPEEDRUN | {
    "epochs": 2,
    "learning_rate": 0.2,
    "low_resolution": 0.5,
}
_SPEEDRUN_M = _SPEEDRUN | {
    "epochs": 12,
    "easy_every": 3,
    "low_resolution": 0.45,
}
# Epochs, label smoothing and cutout are of the published recipe for 96 %, whose
# optimizer is SGD.
_SPEEDRUN_L = _SPEEDRUN | {
    "epochs": 37,
    "label_smoothing": 0.2,
    "augment": "alternating_flip,crop=2,cutout=12",
}

MODELS = {
    "baseline": Model("cnn.build_baseline", 669_354, _NOTEBOOK),
    "dropout": Model(
        "cnn.build_dropout", 669_354, _NOTEBOOK, "79.0 %, the notebook"
    ),
    "speedrun_s": Model("speedrun.build_speedrun_s", 128_594, _SPEEDRUN_S),
    "speedrun_m": Model("speedrun.build_speedrun_m", 1_971_626, _SPEEDRUN_M),
    "speedrun_l": Model("speedrun.build_speedrun_l", 9_915_690, _SPEEDRUN_L),
    "resnet20": Model(
        "resnet.build_resnet20", 269_722, _RESNET, f"91.25 %, {_HE_ET_AL}"
    ),
    "resnet56": Model(
        "resnet.build_resnet56", 853_018, _RESNET, f"93.03 %, {_HE_ET_AL}"
    ),
    "resnet18": Model(
        "resnet.build_resnet18",
        11_173_962,
        _SGD,
        f"93.02 %, {_PYTORCH_CIFAR}; elsewhere 95 to 96 %",
    ),
    "wrn16_4": Model(
        "resnet.build_wrn16_4",
        2_748_890,
        _WIDE_RESNET,
        f"94.98 %, {_ZAGORUYKO}",
    ),
    "wrn28_10": Model(
        "resnet.build_wrn28_10",
        36_479_194,
        _WIDE_RESNET,
        f"96.00 %, median of 5, {_ZAGORUYKO}",
    ),
    "vgg16_bn": Model(
        "vgg.build_vgg16_bn", 14_728_266, _SGD, f"92.64 %, {_PYTORCH_CIFAR}"
    ),
    "mobilenet_v2": Model(
        "mobilenet.build_mobilenet_v2",
        2_296_922,
        _SGD,
        f"94.43 %, {_PYTORCH_CIFAR}",
    ),
    "vit_tiny": Model(
        "vit.build_vit_tiny",
        5_362_186,
        _VIT,
        "none for just this network; ViT-Lite-7/4, 3.7 M parameters: 91.38 %, "
        "[Hassani et al.](https://github.com/SHI-Labs/Compact-Transformers)",
    ),
}
