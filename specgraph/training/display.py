"""What a person sees while training: bars on a terminal, plain lines elsewhere. Standard error."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Protocol, TextIO

from specgraph.escaping import for_terminal
from specgraph.guarded_output import unguarded
from specgraph.tasks.task import Metric

Row = dict[str, float]
PLAIN_EVERY_S = 30.0
REFRESH_S = 0.2
WIDE = 110
ACCURACY = Metric("accuracy")


class Display(Protocol):
    """Shows the course of a run."""

    def say(self, message: str) -> None: ...

    def measure(self, metric: Metric) -> None: ...

    def start(self, epochs: int, epochs_done: int) -> None: ...

    def begin_epoch(self, epoch: int, num_steps: int, steps_done: int) -> None: ...

    def step(self, steps_done: int, seconds: float, images: int, loss: float, metric: float, lr: float) -> None: ...

    def end_epoch(self, row: Row, best: bool) -> None: ...

    def stop(self) -> None: ...


def make_display(quiet: bool = False, stream: TextIO | None = None) -> Display:
    """The display that fits where standard error goes."""
    stream = stream or sys.stderr
    if quiet:
        return Silent()
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        try:
            return Bars()
        except ImportError:
            return Lines(stream)
    return Lines(stream)


def describe_row(row: Row, epochs: int, metric: Metric = ACCURACY) -> str:
    """One finished epoch in a line."""
    name, title = metric.name, metric.title
    width = len(str(epochs))
    return (
        f"epoch {int(row['epoch']):>{width}}/{epochs}  "
        f"train loss {row['train_loss']:.4f} {title} {metric.show(row[f'train_{name}'])}  "
        f"validation loss {row['val_loss']:.4f} {title} {metric.show(row[f'val_{name}'])}  "
        f"lr {row['lr']:.4g}  {row['images_per_second']:,.0f} images/s  {row['seconds']:.1f} s"
    )


def describe_row_briefly(row: Row, epochs: int, metric: Metric = ACCURACY) -> str:
    """The same for a narrow terminal: losses and metrics alone."""
    return (
        f"epoch {int(row['epoch']):>{len(str(epochs))}}/{epochs}  "
        f"train {row['train_loss']:.4f} {metric.show(row[f'train_{metric.name}'])}  "
        f"val {row['val_loss']:.4f} {metric.show(row[f'val_{metric.name}'])}  {row['images_per_second']:,.0f} images/s"
    )


class Silent:
    """Shows nothing."""

    def measure(self, metric: Metric) -> None:
        """Nothing."""

    def say(self, message: str) -> None:
        """Nothing."""

    def start(self, epochs: int, epochs_done: int) -> None:
        """Nothing."""

    def begin_epoch(self, epoch: int, num_steps: int, steps_done: int) -> None:
        """Nothing."""

    def step(self, steps_done: int, seconds: float, images: int, loss: float, metric: float, lr: float) -> None:
        """Nothing."""

    def end_epoch(self, row: Row, best: bool) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


class Lines(Silent):
    """A line an epoch, and one every half minute within long epochs."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.epochs = 0
        self.epoch = 0
        self.num_steps = 0
        self.metric = ACCURACY
        self._said = time.monotonic()

    def measure(self, metric: Metric) -> None:
        """Remember what is measured beside the loss."""
        self.metric = metric

    def say(self, message: str) -> None:
        """Print a message."""
        print(message, file=self.stream, flush=True)

    def start(self, epochs: int, epochs_done: int) -> None:
        """Remember how many epochs there are."""
        self.epochs = epochs

    def begin_epoch(self, epoch: int, num_steps: int, steps_done: int) -> None:
        """Remember which epoch it is."""
        self.epoch, self.num_steps = epoch, num_steps

    def step(self, steps_done: int, seconds: float, images: int, loss: float, metric: float, lr: float) -> None:
        """Print a line where the last one is half a minute old."""
        now = time.monotonic()
        if now - self._said >= PLAIN_EVERY_S:
            self._said = now
            rate = images / seconds if seconds else 0.0
            self.say(
                f"epoch {self.epoch + 1}/{self.epochs}  step {steps_done}/{self.num_steps}  "
                f"loss {loss:.4f} {self.metric.title} {self.metric.show(metric)}  lr {lr:.4g}  {rate:,.0f} images/s"
            )

    def end_epoch(self, row: Row, best: bool) -> None:
        """Print the epoch's line."""
        self._said = time.monotonic()
        self.say(describe_row(row, self.epochs, self.metric) + ("  best" if best else ""))


class Bars:
    """A bar for the run and one for the epoch, with speed, loss, accuracy, rate and memory."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.console = Console(file=unguarded(sys.stderr))
        self.wide = self.console.width >= WIDE
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24 if self.wide else 8),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[status]}"),
            console=self.console,
            refresh_per_second=4,
            transient=True,
        )
        self.epochs = 0
        self.metric = ACCURACY
        self._run: Any = None
        self._epoch: Any = None
        self._shown = 0.0
        self._steps = 0

    def measure(self, metric: Metric) -> None:
        """Remember what is measured beside the loss."""
        self.metric = metric

    def say(self, message: str) -> None:
        """Print a message above the bars."""
        self.console.print(for_terminal(message), highlight=False, markup=False, soft_wrap=True)

    def start(self, epochs: int, epochs_done: int) -> None:
        """Show the bars."""
        self.epochs = epochs
        self._run = self.progress.add_task("run  ", total=float(epochs), completed=epochs_done, status="")
        self._epoch = self.progress.add_task("epoch", total=1, status="")
        self.progress.start()

    def begin_epoch(self, epoch: int, num_steps: int, steps_done: int) -> None:
        """Reset the epoch's bar."""
        self._steps = num_steps
        self.progress.reset(self._epoch, total=num_steps, completed=steps_done, status="")

    def step(self, steps_done: int, seconds: float, images: int, loss: float, metric: float, lr: float) -> None:
        """Move the bars, a few times a second."""
        now = time.monotonic()
        if now - self._shown < REFRESH_S and steps_done < self._steps:
            return
        self._shown = now
        rate = images / seconds if seconds else 0.0
        status = f"{rate:,.0f} images/s  loss {loss:.3f}  {self.metric.title} {self.metric.show(metric, 1)}"
        if self.wide:
            status += f"  lr {lr:.4g}{_memory()}"
        self.progress.update(self._epoch, completed=steps_done, status=status)
        whole = int(self.progress.tasks[0].completed)
        self.progress.update(self._run, completed=whole + min(steps_done / max(self._steps, 1), 0.999))

    def end_epoch(self, row: Row, best: bool) -> None:
        """Print the epoch's line above the bars."""
        from rich.text import Text

        whole = describe_row(row, self.epochs, self.metric)
        fits = len(whole) + len("  best") <= self.console.width
        line = Text(whole if fits else describe_row_briefly(row, self.epochs, self.metric))
        if best:
            line.append("  best", style="bold green")
        self.console.print(line, soft_wrap=True)
        self.progress.update(self._run, completed=int(row["epoch"]))

    def stop(self) -> None:
        """Remove the bars."""
        self.progress.stop()


def _memory() -> str:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return ""
    return f"  {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB"
