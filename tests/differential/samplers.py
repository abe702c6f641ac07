"""Arguments for one op: usually such that it runs, with `wild` often such that it does not.

A wild sample may be wrong only together with its input's shape; what is wrong by itself comes from
`break_argument`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.differential.draws import Draws, listed
from tests.differential.layout_draws import expand, fold, unflatten
from tests.ops.build import BUILT_IN
from tests.ops.cases import CASES


class Sampler(Draws):
    """Draws arguments for ops applied to an input of a shape (without the batch axis)."""

    def conv(self) -> dict[str, Any]:
        arguments = self.window(dilation=True, half=False)
        out = self.rng.choice([1, 2, 3, 4, 6, 8])
        arguments["out_channels"] = out
        if self.chance(0.35):
            arguments["groups"] = self.divisor(self.shape[0], out)
        if self.chance(0.15):
            arguments["padding"] = "same"
            if not self.off():
                arguments.pop("stride", None)
        if self.chance(0.2):
            arguments["bias"] = False
        if self.chance(0.2):
            arguments["padding_mode"] = self.rng.choice(["reflect", "replicate", "circular", "zeros"])
            if arguments.get("padding", 0) != "same" and not self.wild:
                arguments["padding"] = self.padding(lambda axis: min(self.size(axis) - 1, 2))
            elif self.chance(0.5):  # more than can be mirrored or wrapped, as often as not
                arguments["padding"] = max(map(self.size, range(self.rank)), default=1) + self.rng.randint(0, 1)
        return self.stated(arguments, "in_channels")

    def conv_transpose(self) -> dict[str, Any]:
        out = self.rng.choice([1, 2, 3, 4, 6])
        arguments: dict[str, Any] = {"out_channels": out}
        arguments["kernel_size"] = self.per_axis(lambda _: self.rng.randint(1, 4))
        if self.chance(0.6):
            arguments["stride"] = self.per_axis(lambda _: self.rng.randint(1, 3))
        if self.chance(0.3):
            arguments["dilation"] = self.per_axis(lambda _: self.rng.randint(1, 2))
        reach = [
            d * (k - 1)
            for k, d in zip(
                listed(arguments["kernel_size"], self.rank, 1),
                listed(arguments.get("dilation", 1), self.rank, 1),
                strict=False,
            )
        ]
        if self.chance(0.5):
            arguments["padding"] = self.padding(lambda axis: 4 if self.wild else min(reach, default=0) // 2)
        if self.chance(0.3):
            steps = [
                max(s, d)
                for s, d in zip(
                    listed(arguments.get("stride", 1), self.rank, 1),
                    listed(arguments.get("dilation", 1), self.rank, 1),
                    strict=False,
                )
            ]
            arguments["output_padding"] = self.rng.randint(0, 3 if self.wild else min(steps) - 1)
        if self.chance(0.35):
            arguments["groups"] = self.divisor(self.shape[0], out)
        if self.chance(0.2):
            arguments["bias"] = False
        return self.stated(arguments, "in_channels")

    def stated(self, arguments: dict[str, Any], name: str, axis: int = 0) -> dict[str, Any]:
        """Sometimes state what the graph implies."""
        if self.chance(0.15) or self.off(0.45):
            arguments[name] = self.shape[axis] + (self.rng.choice([-1, 1, 2]) if self.off(0.8) else 0)
            arguments[name] = max(arguments[name], 1)
        return arguments

    def max_pool(self) -> dict[str, Any]:
        arguments = self.window(dilation=True, half=True)
        if self.chance(0.45):
            arguments["ceil_mode"] = self.chance(0.8)
        return arguments

    def avg_pool(self) -> dict[str, Any]:
        arguments = self.window(dilation=False, half=True)
        if self.chance(0.45):
            arguments["ceil_mode"] = self.chance(0.8)
        if self.chance(0.4):
            arguments["count_include_pad"] = self.chance(0.4)
        if (self.rank > 1 and self.chance(0.15)) or self.off(0.1):
            arguments["divisor_override"] = self.rng.randint(1, 5)
        return arguments

    def lp_pool(self) -> dict[str, Any]:  # no odd power but 1: a root of a negative sum is not a number
        window = {name: size for name, size in self.window(dilation=False, half=True).items() if name != "padding"}
        return {"norm_type": self.rng.choice([1, 2, 4]), "ceil_mode": self.chance(0.4), **window}

    def adaptive(self) -> dict[str, Any]:
        def size(axis: int) -> int | None:
            if self.chance(0.2):
                return None
            return self.rng.randint(1, max(self.size(axis), 2))

        value = self.per_axis(size, alike=0.4)
        if self.off(0.5) and self.rank >= 1:
            value = [size(0) or 2 for _ in range(self.rng.choice([n for n in (1, 2, 3) if n != self.rank]))]
        return {"output_size": value}

    def upsample(self) -> dict[str, Any]:
        fitting = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}.get(self.rank, [])
        modes = ["nearest", "nearest-exact", *fitting]
        if self.off(0.4):
            modes = ["linear", "bilinear", "bicubic", "trilinear"]
        arguments: dict[str, Any] = {}
        mode = self.rng.choice(modes)
        if mode != "nearest" or self.chance(0.3):
            arguments["mode"] = mode
        if (mode in fitting and self.chance(0.5)) or self.off(0.2):
            arguments["align_corners"] = self.chance(0.5)
        which = self.rng.random()
        if which < 0.5 or self.off(0.15):
            arguments["size"] = self.per_axis(lambda axis: self.rng.randint(1, min(2 * self.size(axis), 12)))
        if which >= 0.5 or self.off(0.15):
            if self.off(0.6):
                arguments["scale_factor"] = self.rng.choice([0.02, 0.05, 0.1])
            else:
                factors = [0.5, 0.7, 1.0, 1.5, 1, 1.3] if min(self.spatial, default=4) > 1 else [1, 1.5, 2]
                if max(self.spatial, default=4) <= 6:
                    factors += [2, 2.5]
                arguments["scale_factor"] = self.per_axis(lambda _: self.rng.choice(factors))
        if self.off(0.1):
            arguments.pop("size", None)
            arguments.pop("scale_factor", None)
        return arguments

    def lrn(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {"size": self.rng.randint(1, 6)}
        if self.chance(0.5):
            arguments["alpha"] = self.rng.choice([1e-4, 5e-4, 0.1, 1])
        if self.chance(0.3):
            arguments["beta"] = self.rng.choice([0.5, 0.75, 1])
        if self.chance(0.4):
            arguments["k"] = self.rng.choice([1, 2, 0.5])
        return arguments

    def batch_norm(self) -> dict[str, Any]:
        return self.stated(self.with_affine("affine", momentum=True), "num_features")

    def with_affine(self, name: str, *, momentum: bool = False) -> dict[str, Any]:
        """`eps`, whether there are weights, and for running statistics their arguments."""
        arguments: dict[str, Any] = {}
        if self.chance(0.4):
            arguments["eps"] = self.rng.choice([1e-3, 1e-5, 1e-6, 0.1])
        if self.chance(0.3):
            arguments[name] = self.chance(0.5)
        if momentum and self.chance(0.2):
            arguments["momentum"] = self.rng.choice([0.01, 0.5])
        if momentum and self.chance(0.25):
            arguments["track_running_stats"] = self.chance(0.5)
        return arguments

    def group_norm(self) -> dict[str, Any]:
        return self.stated(
            {"num_groups": self.divisor(self.shape[0]), **self.with_affine("affine")},
            "num_channels",
        )

    def layer_norm(self) -> dict[str, Any]:
        arguments = self.with_affine("elementwise_affine")
        count = len(self.shape)
        if self.chance(0.6) or self.wild:
            if self.chance(0.35):
                axes = [1]
            else:
                axes = list(range(self.rng.randint(1, count), count + 1))
                if self.chance(0.3):
                    axes = [axis - count - 1 for axis in axes]
            if self.off(0.7):
                axes = [self.axis(least=0) for _ in range(self.rng.randint(1, 2))]
            arguments["axes"] = axes
        if self.chance(0.2):
            arguments["bias"] = False
        return arguments

    def rms_norm(self) -> dict[str, Any]:
        arguments = self.layer_norm()
        arguments.pop("bias", None)
        return arguments

    def prelu(self) -> dict[str, Any]:
        if self.off(0.95):
            return {"num_parameters": self.rng.randint(1, 9)}
        return {"num_parameters": self.rng.choice([1, self.shape[0]])} if self.chance(0.5) else {}

    def hardtanh(self) -> dict[str, Any]:
        arguments = {}
        if self.chance(0.5):
            arguments["min_val"] = self.rng.choice([-2, -0.5, 0])
        if self.chance(0.5) or self.off(0.8):
            arguments["max_val"] = self.rng.choice([-3, -4, -2]) if self.off(1.0) else self.rng.choice([0.5, 2])
        return arguments

    def softmax(self) -> dict[str, Any]:
        return {"dim": self.axis()} if self.chance(0.6) or self.wild else {}

    def glu(self) -> dict[str, Any]:
        even = [axis for axis, size in enumerate(self.shape, 1) if size % 2 == 0]
        if self.wild or not even or (self.shape[0] % 2 == 0 and self.chance(0.5)):
            return self.softmax()
        axis = self.rng.choice(even)
        return {"dim": axis - len(self.shape) - 1 if self.chance(0.3) else axis}

    def number(self, name: str, *choices: float) -> dict[str, Any]:
        return {name: self.rng.choice(choices)} if self.chance(0.6) else {}

    def softplus(self) -> dict[str, Any]:
        return {**self.number("beta", 0.5, 2), **self.number("threshold", 1, 20)}

    def linear(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {"out_features": self.rng.randint(1, 12)}
        if self.chance(0.2):
            arguments["bias"] = False
        return self.stated(arguments, "in_features", -1)

    def dropout(self) -> dict[str, Any]:
        arguments = self.number("p", 0, 0.2, 0.5, 1)
        if (self.rank >= 1 and self.chance(0.4)) or self.off(0.5):
            arguments["mode"] = self.rng.choice(["channel", "element"])
        return arguments

    def flatten(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        count = len(self.shape)
        start = 1
        if self.chance(0.4) or self.wild:
            start = self.axis(least=1)
            arguments["start_dim"] = start
        if self.chance(0.4):
            arguments["end_dim"] = self.axis() if self.wild else self.rng.randint(start % (count + 1), count)
        return arguments

    def pad(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        mode = self.rng.choice(["constant", "constant", "reflect", "replicate", "circular"])
        if self.rank < 1 and not self.wild:
            mode = "constant"
        if mode != "constant":
            arguments["mode"] = mode
        if self.rank >= 1 or self.wild:
            most = 2 if mode in ("constant", "replicate") else 6
            arguments["padding"] = self.padding(
                lambda axis: most if self.wild else min(self.size(axis) - 1, 2) if most == 6 else 2
            )
        if (mode == "constant" and self.chance(0.4)) or self.off(0.2) or self.rank < 1:
            arguments["channels"] = [self.rng.randint(0, 2), self.rng.randint(0, 3)]
        if self.chance(0.2):
            arguments["value"] = self.rng.choice([1, -0.5])
        return arguments

    def slice(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        axis = 1
        if self.chance(0.6):
            axis = arguments["dim"] = self.axis()
        count = len(self.shape) + 1
        size = self.shape[axis % count - 1] if -count <= axis < count and axis % count else 4
        first, last = sorted((self.rng.randint(0, size), self.rng.randint(0, size)))
        if self.wild:
            first, last = self.rng.randint(-size - 2, size + 2), self.rng.randint(-size - 2, size + 2)
        elif first == last:
            first, last = (first, last + 1) if first < size else (first - 1, last)
        if first or self.chance(0.3):
            arguments["start"] = first - size if first > 0 and self.chance(0.3) else first
        if last != size or self.chance(0.3):
            arguments["stop"] = last if last >= size or self.chance(0.6) else last - size
            if arguments["stop"] == 0:
                arguments["stop"] = last
        if self.chance(0.3):
            arguments["step"] = self.rng.randint(1, 3)
        return arguments

    def reshape(self) -> dict[str, Any]:
        total = 1
        for size in self.shape:
            total *= size
        if self.off(0.7):
            shape = [self.rng.choice([1, 2, 3, 4, -1, total]) for _ in range(self.rng.randint(1, 4))]
            return {"shape": shape}
        shape, left = [], total
        for _ in range(self.rng.randint(1, 4) - 1):
            divisor = self.rng.choice([d for d in range(1, left + 1) if left % d == 0])
            shape.append(divisor)
            left //= divisor
        shape.append(left)
        self.rng.shuffle(shape)
        if self.chance(0.4):
            shape[self.rng.randrange(len(shape))] = -1
        return {"shape": shape}

    def permute(self) -> dict[str, Any]:
        count = len(self.shape) + 1
        dims = list(range(1, count))
        self.rng.shuffle(dims)
        dims = [0, *dims]
        if self.off(0.7):
            kind = self.rng.randrange(4)
            if kind == 0:
                self.rng.shuffle(dims)
            elif kind == 1:
                dims = dims[1:]
            elif kind == 2:
                dims[-1] = dims[0] if self.chance(0.5) else count
            else:
                dims = [*dims, count]
        if self.chance(0.3):
            dims = [dim - count if dim > 0 and self.chance(0.5) else dim for dim in dims]
        return {"dims": dims}

    def channel_shuffle(self) -> dict[str, Any]:
        return {"groups": self.divisor(self.shape[0])}

    def pixel_shuffle(self) -> dict[str, Any]:
        fitting = [factor for factor in (1, 2, 3) if self.shape[0] % factor**2 == 0]
        return {"upscale_factor": self.rng.randint(2, 4) if self.off(0.7) else fitting[-1]}

    def mean(self) -> dict[str, Any]:
        count = len(self.shape)
        keep = self.chance(0.5) or count == 1
        arguments: dict[str, Any] = {"keepdim": True} if keep and not self.off(0.3) else {}
        if self.wild or self.chance(0.4):
            return {"dim": self.axis(), **arguments}
        most = count if keep else count - 1
        dims = self.rng.sample(range(1, count + 1), self.rng.randint(1, most))
        return {"dim": [dim - count - 1 if self.chance(0.3) else dim for dim in dims], **arguments}

    def concat(self) -> dict[str, Any]:
        return {"dim": self.axis()} if self.off(0.3) else {}

    def resize_like(self) -> dict[str, Any]:
        fitting = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}.get(self.rank, [])
        if self.chance(0.3):
            return {}
        mode = self.rng.choice(["nearest", "nearest-exact", *fitting])
        return {"mode": mode, **({"align_corners": self.chance(0.5)} if mode in fitting and self.chance(0.5) else {})}

    def max_unpool(self) -> dict[str, Any]:
        return {"kernel_size": 2 if self.rank >= 1 and min(self.shape[1:]) >= 2 else 1}

    def stochastic_depth(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {"p": self.rng.choice([0, 0.1, 0.5, 1])}
        if self.chance(0.4):
            arguments["mode"] = self.rng.choice(["row", "batch"])
        return arguments

    def draw(self, op: str) -> dict[str, Any]:
        """Arguments for an op."""
        written = DRAWS.get(op) or getattr(Sampler, op, None)
        return written(self) if written is not None else self.from_cases(op)

    def from_cases(self, op: str) -> dict[str, Any]:
        """For an op that nothing is written for here: arguments of one of its accepted cases, of this many axes if
        there are such; its window drawn to fit."""
        if self.off(0.3):
            refused = [case for case in CASES[op] if case.rejected not in (None, "invalid")]
            if refused:
                return dict(self.rng.choice(refused).arguments)
        accepted = [case for case in CASES[op] if case.rejected is None]
        alike = [case for case in accepted if case.rank == len(self.shape)]
        case = self.rng.choice(alike or accepted)
        taken = BUILT_IN[op].arguments
        arguments = {name: value for name, value in case.arguments.items() if not taken[name].implied}
        if BUILT_IN[op].behaviour.reach != "window":
            return arguments
        window = self.window(dilation="dilation" in taken, half=BUILT_IN[op].behaviour.pools_windows)
        others = {name: value for name, value in arguments.items() if name not in WINDOW}
        return others | {name: value for name, value in window.items() if name in taken}


DRAWS: dict[str, Callable[[Sampler], dict[str, Any]]] = {
    "adaptive_avg_pool": Sampler.adaptive,
    "adaptive_max_pool": Sampler.adaptive,
    "instance_norm": Sampler.batch_norm,
    "leaky_relu": lambda draws: draws.number("negative_slope", 0.2, 0.01, 0),
    "elu": lambda draws: draws.number("alpha", 0.5, 2),
    "celu": lambda draws: draws.number("alpha", 0.5, 2),
    "gelu": lambda draws: {"approximate": draws.rng.choice(["none", "tanh"])} if draws.chance(0.5) else {},
    "log_softmax": Sampler.softmax,
    "expand": expand,
    "fold": fold,
    "unflatten": unflatten,
    "layer_scale": lambda draws: draws.number("init_value", 0.1, 1e-6, 1),
}
WINDOW = ("kernel_size", "stride", "padding", "dilation")
WRITTEN_FOR = frozenset({*DRAWS, *(name for name in vars(Sampler) if name in BUILT_IN)})
"""Ops whose arguments are drawn by a function of their own."""
