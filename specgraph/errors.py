"""Errors that reach a user: each says what is wrong and what to do."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from specgraph.diagnostics.model import Diagnostic


class SpecgraphError(Exception):
    """Base of all errors raised on purpose. They can be pickled, as results of other processes are."""

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[SpecgraphError], args: tuple[object, ...], state: dict[str, object]) -> SpecgraphError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


def reason(error: OSError) -> str:
    """Why the system refused, as the end of a sentence."""
    if error.errno == errno.ENOSPC:
        return "the disk is full"
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


MOST_OF_A_LINE = 400
"""Characters of what another library says."""


def line_of(error: BaseException, place: int = 0) -> str:
    """One line of what another library says went wrong: the first, or with `place` -1 the last; its class if it says
    nothing."""
    if isinstance(error, OSError) and error.strerror:
        return reason(error)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[place][:MOST_OF_A_LINE] if lines else type(error).__name__


class SpecError(SpecgraphError):
    """A spec has errors. `diagnostics` holds all of them, warnings included."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = diagnostics
        self.shown = False
        errors = [d for d in diagnostics if d.severity == "error"]
        super().__init__("\n".join(f"{d}\n  help: {d.help}" if d.help else str(d) for d in errors))


class CommandError(SpecgraphError):
    """A command could not be carried out: exit code 2, `message` and then `help` on standard error."""

    def __init__(self, message: str, help: str | None = None) -> None:
        self.message = message
        self.help = help
        super().__init__(message if help is None else f"{message}\n{help}")


class VerificationError(SpecgraphError):
    """A verification failed: exit code 1."""


class InputError(SpecgraphError, RuntimeError):
    """A compiled network was called with something that it does not take. The cause is PyTorch's own error."""


class MissingPackageError(CommandError):
    """A package is not installed: one of an extra, or what `install` names, for pip."""

    def __init__(self, package: str, extra: str, purpose: str, *, install: str | None = None) -> None:
        wanted = install or f"'specgraph[{extra}]'"
        super().__init__(
            f"{purpose} needs the package `{package}`, which is not installed",
            f"install it with: pip install {wanted}",
        )
        self.package = package


def require(package: str, extra: str, purpose: str) -> None:
    """Raise `MissingPackageError` unless `package` can be imported (it is not imported)."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise MissingPackageError(package, extra, purpose)


EXTRAS = {
    "torch": "torch",
    "torchvision": "torch",
    "safetensors": "torch",
    "numpy": "all",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "PIL": "onnx",
    "sklearn": "train",
    "matplotlib": "train",
    "rich": "train",
    "tensorboard": "train",
    "pygls": "lsp",
    "lsprotocol": "lsp",
    "h5py": "keras",
    "huggingface_hub": "hub",
    "mlflow": "mlflow",
    "wandb": "wandb",
    "optuna": "sweep",
    "openvino": "openvino",
}
"""The extra that brings a package, by the name it is imported under."""


def missing_package(error: ModuleNotFoundError, purpose: str) -> MissingPackageError | None:
    """The error for a user where an import failed for want of an extra's package, else None."""
    package = (error.name or "").partition(".")[0]
    extra = EXTRAS.get(package)
    return None if extra is None else MissingPackageError(package, extra, purpose)
