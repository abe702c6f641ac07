"""One training run from start to end: what surrounds the loop."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from specgraph.errors import CommandError
from specgraph.graph.model import Graph
from specgraph.ops.registry import behaviour_of
from specgraph.runs.lock import RunLock
from specgraph.runs.resume import refuse_edited, saved_state
from specgraph.runs.run import Run, new_folder, write_json, write_spec
from specgraph.runs.weights import NetworkWeights, freeze, load_weights, origin, weights_for
from specgraph.tasks.exhibits import NUM_WORST
from specgraph.tasks.registry import selection
from specgraph.tasks.task import Judge
from specgraph.trackers.tracking import Tracking
from specgraph.training.choices import (
    choose_compilation,
    choose_memory_format,
    choose_precision,
    choose_workers,
    keep_compilation,
    set_backends,
)
from specgraph.training.continuation import is_best_lost, lost_best, refuse_epochs
from specgraph.training.determinism import check_repeatable, refused_at_once
from specgraph.training.display import Display
from specgraph.training.distributed import World
from specgraph.training.divergence import DivergedRunError, explain_divergence
from specgraph.training.evaluation import Scores, evaluate_and_judge, gather_rows
from specgraph.training.feed import EvalFeed, TrainFeed
from specgraph.training.inherited import told
from specgraph.training.loop import AGREE_EVERY, DivergedError, Trainer
from specgraph.training.options import TrainOptions
from specgraph.training.overrides import ChosenRecipe
from specgraph.training.readers import ImageReaders
from specgraph.training.results import conclusion, draw, summarise
from specgraph.training.run_images import prepare_data, recorded_recipe
from specgraph.training.saving import Saver
from specgraph.training.signals import InterruptedRun, StopFlag
from specgraph.training.start import describe_start
from specgraph.training.tracked import ending, tracking_of

EVAL_BATCH = 256
LEFT_OUT = "the last batch of an epoch would be a single image, of which batch_norm has no statistics: it is left out"


class TrainingSession:
    """A network, its data and its recipe, ready to train into a folder."""

    def __init__(
        self,
        graph: Graph,
        chosen: ChosenRecipe,
        world: World,
        display: Display,
        options: TrainOptions,
        lock: RunLock,
        *,
        data: Any = None,
        resume: Run | None = None,
        start: NetworkWeights | None = None,
    ) -> None:
        self.graph, self.chosen, self.world, self.display, self.options = graph, chosen, world, display, options
        self.recipe = recipe = chosen.recipe
        self.resumed, self.start = resume, start
        self.origin = {} if start is None else {"pretrained": origin(start.request)}
        self.recorded = recorded_recipe(recipe, data is not None)  # once: paths are those of the folder of the start
        for note in chosen.notes:
            self._say(note)
        self.data = prepare_data(graph, recipe, data, num_processes=world.size)
        if resume:  # which knows folders of images by their path, however they were named at first
            name = resume.environment.get("data", self.data.dataset.name)
            self.data = self.data._replace(dataset=replace(self.data.dataset, name=name))
        sources = [part.source for part in (self.data.train, self.data.validation, self.data.test)]
        self.readers = ImageReaders(choose_workers(options.num_workers), world.device, sources)
        self._introduce()
        for note in () if start is None else told(start, self.data):
            self._say(note)
        state, passed_over = saved_state(resume) if resume else (None, [])
        for damaged in passed_over:
            self._say(f"{damaged} is damaged; the checkpoint before it is used")
        self.precision = state["precision"] if state else choose_precision(recipe.precision, world.device)
        set_backends(world.device, self.precision, options.deterministic)
        if options.deterministic and world.device.type == "cuda":
            check_repeatable(graph, recipe, self.data)
        num_images = recipe.epochs * len(self.data.train)
        compilation = (
            keep_compilation(state["compiled"], world.device)
            if state
            else choose_compilation(options.compile, graph, num_images, world.device)
        )
        self.compiled = compilation.used
        if compilation.note is not None:
            self._say(compilation.note)
        self.memory_format = choose_memory_format(graph)
        if resume and state is not None:
            refuse_edited(resume, state, graph, self.recorded)
        self.trainer = self._build(from_weights=state is None)
        if resume and state is not None:
            self.trainer.restore(state)
            refuse_epochs(resume, self.trainer, graph.recipes[chosen.name].epochs)
        self.result = resume.result if resume and self.trainer.is_finished() else {}
        self.folder = Path(world.ask_writer(lambda: str(resume.folder) if resume else lock.take(self._new_folder())))
        self.saver = Saver(self.folder, graph, self.recorded, self.trainer, self.data)
        if resume is not None and is_best_lost(resume, self.trainer):
            self._restore_best(resume)
        if world.is_writer and resume is None:
            self._write_start()
        elif world.is_writer:
            if self.recorded != graph.recipes[chosen.name]:
                write_spec(self.folder, graph, chosen.name, self.recorded)
            if not self.trainer.is_finished():
                (self.folder / "result.json").unlink(missing_ok=True)  # of fewer epochs

    def run(self) -> Run:
        """Train to the end, test, and write everything. Raises `InterruptedRun` after saving on
        Ctrl-C or SIGTERM, `CommandError` where the loss diverges or the disk is full."""
        tracking = self._tracking()
        if self.resumed is not None and self.result:
            if not self._lacks_report(self.resumed):
                tracking.catch_up(self.result)
                self._say(f"{self.folder} is finished already")
                return self.resumed
            self._say(f"{self.folder} is finished but for its report, which is written now")
        strict = refused_at_once() if self.options.deterministic else nullcontext()
        with strict, StopFlag() as stop, ending(tracking, stop):
            try:
                self._train(stop, tracking)
                self._finish(stop, tracking)
            except DivergedError as fault:
                raise self._diverged(str(fault)) from None
            except RuntimeError:
                if not stop.signal_number:
                    raise
                # The signal also ended a decoding worker, mid-step perhaps: what was saved last stays.
                raise self._stop(stop.signal_number) from None
            finally:
                self.display.stop()
                self.readers.close()
                self.saver.close()
        return Run(self.folder)

    # setting up --------------------------------------------------------------------------------

    def _say(self, message: str) -> None:
        if self.world.is_writer:
            self.display.say(message)

    def _introduce(self) -> None:
        data = self.data
        shape = f" of {data.dataset.size[0]}x{data.dataset.size[1]}" if data.dataset.size else ""
        self._say(
            f"{data.dataset.name}: {len(data.train):,} training, {len(data.validation):,} validation and "
            f"{len(data.test):,} test images{shape}{data.learnt}"
        )
        for note in data.notes:
            self._say(note)

    def _restore_best(self, run: Run) -> None:
        """Write `best.safetensors` again where the best epoch is the last one. Raises `CommandError`
        where its weights are lost; those that there are can then be started from."""
        last, best = self.trainer.progress.rows[-1], self.trainer.best_row()
        restored = best is last and self.trainer.progress.step == 0
        if self.world.is_writer and (restored or not (run.folder / "last.safetensors").exists()):
            self._write_weights("best" if restored else "last", int(last["epoch"]))
            self.saver.finish()
        if not restored:
            raise lost_best(run, self.trainer)
        self._say("best.safetensors was gone: it is written again, from the last checkpoint")

    def _lacks_report(self, run: Run) -> bool:
        wanted = self.options.report and run.environment.get("options", {}).get("report", False)
        return wanted and not (self.folder / "report.html").exists()

    def _new_folder(self) -> Path:
        return new_folder(self.graph.name, self.options.out)

    def _build(self, *, from_weights: bool) -> Trainer:
        world, recipe, run_data = self.world, self.recipe, self.data
        module = build_module(self.graph, recipe.seed, self.memory_format)
        options = self.options
        frozen: list[str] = []
        if options.weights_request is not None and from_weights:
            start = self.start or weights_for(self.graph, options.weights_request)
            module.load_state_dict(start.state, strict=False)
        self.start = None  # and its memory
        if options.freeze:
            frozen = freeze(module, options.freeze)
        if recipe.sync_batch_norm and world.is_distributed and world.device.type == "cuda":
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        module.to(world.device)
        pipeline = run_data.pipeline(
            augment=run_data.device_augmentation(recipe),
            seed=recipe.seed,
            device=world.device,
            memory_format=self.memory_format,
        )
        self.pipeline = pipeline
        normalises = any(behaviour_of(node.op).over_batch for node in self.graph.nodes.values())
        feed = TrainFeed(
            run_data.train, pipeline, recipe.batch_size, recipe.seed, world, self.readers,
            normalises_batches=normalises, balanced=run_data.is_balanced(recipe),
        )  # fmt: skip
        if feed.leaves_out_one:
            self._say(LEFT_OUT)
        objective = run_data.objective(self.graph, recipe)
        objective.refuse_training()
        return Trainer(
            module,
            recipe,
            feed,
            self.eval_feed(run_data.validation),
            world,
            objective,
            wanted=selection(run_data.task, recipe),
            main=run_data.head.name,
            precision=self.precision,
            compiled=self.compiled,
            frozen=tuple(frozen),
        )

    def eval_feed(self, samples: Any) -> EvalFeed:
        """A feed of images as they are."""
        return EvalFeed(samples, self.pipeline, EVAL_BATCH, self.world, self.readers)

    def _write_start(self) -> None:
        trainer, options = self.trainer, self.options
        environment = describe_start(self.graph, self.chosen, self.data, trainer, options) | self.origin
        write_json(self.folder / "environment.json", environment)
        # Last: with it the folder is a run.
        write_spec(self.folder, self.graph, self.chosen.name, self.recorded)

    def _tracking(self) -> Tracking:
        return tracking_of(
            self.folder, self.graph, self.recorded, self.options, self.trainer.progress.rows, self._say,
            active=self.world.is_writer, is_tested=bool(self.result),
        )  # fmt: skip

    # training ----------------------------------------------------------------------------------

    def _train(self, stop: StopFlag, tracking: Tracking) -> None:
        trainer, display = self.trainer, self.display
        if self.world.is_writer:
            display.measure(trainer.running_metric)
            display.start(self.recipe.epochs, trainer.progress.epoch)
            if self.resumed is not None and trainer.is_finished():
                if not self.result:
                    display.say(
                        f"trained already, to the end of epoch {trainer.progress.epoch}; what is left is the test"
                    )
            elif self.resumed is not None:
                display.say(f"continuing at epoch {trainer.progress.epoch + 1}, step {trainer.progress.step}")
            if self.compiled:
                display.say("compiling: the first steps take a while")
        every_s, is_writer = self.options.checkpoint_every_s, self.world.is_writer
        while not trainer.is_finished():
            if is_writer:
                display.begin_epoch(trainer.progress.epoch, trainer.train_feed.steps_per_epoch, trainer.progress.step)
            for step in trainer.steps():
                self.saver.check()
                if is_writer:
                    self._show()
                    tracking.begin()
                if self.world.is_distributed and step % AGREE_EVERY:
                    continue
                due = is_writer and self.saver.is_due(every_s)
                signal_number, save, diverged = self.world.any_of(
                    [stop.signal_number, int(due), int(trainer.has_diverged)]
                )
                if diverged:
                    raise DivergedError
                if signal_number or save:
                    self._save()
                if signal_number:
                    raise self._stop(signal_number)
            if trainer.progress.epoch == 0:
                self._save()  # no result of a run is written before its first checkpoint
            row = trainer.finish_epoch(lambda: self._stop_evaluating(stop, save=True))
            best = trainer.best_row() is row
            if is_writer:
                if best:
                    self._write_weights("best", int(row["epoch"]))
                self.saver.rows()
                tracking.epoch(row)
                display.end_epoch(row, best)
            due = is_writer and (trainer.is_finished() or self.saver.is_due(every_s, epoch_ends=True))
            signal_number, save = self.world.any_of([stop.signal_number, int(due)])
            if save or signal_number:
                self._save()
            if signal_number and not trainer.is_finished():
                raise self._stop(signal_number)

    def _stop_evaluating(self, stop: StopFlag, *, save: bool) -> None:
        """Raises `InterruptedRun` where a signal came. Of several processes, all finish evaluating together."""
        if stop.signal_number and not self.world.is_distributed:
            if save:
                self._save()
            raise self._stop(stop.signal_number)

    def _show(self) -> None:
        trainer = self.trainer
        progress, feed = trainer.progress, trainer.train_feed
        images = min(progress.step * feed.batch_size, feed.num_samples)
        loss, metric = trainer.watched
        self.display.step(progress.step, progress.seconds, images, loss, metric, trainer.current_rate())

    def _save(self) -> None:
        self.saver.state()

    def _write_weights(self, which: str, epoch: int) -> None:
        self.saver.weights(which, epoch)

    def _stop(self, signal_number: int) -> InterruptedRun:
        """What ends an interrupted run, once all is written."""
        self.saver.finish()
        return InterruptedRun(signal_number, str(self.folder))

    def _diverged(self, where: str) -> CommandError:
        epoch = self.trainer.progress.epoch + 1
        advice = "lower the learning rate (--lr), warm up longer, or clip gradients (--set recipe.grad_clip=1)"
        self.saver.finish()
        if self.saver.checkpoints.paths():
            advice += f"; the last good state is in {self.saver.checkpoints.folder}"
        return DivergedRunError(
            f"the loss is no longer finite in epoch {epoch}: {where or self._first_not_finite()}", advice
        )

    # end ---------------------------------------------------------------------------------------

    def _first_not_finite(self) -> str:
        return explain_divergence(self.trainer, self.saver.checkpoints, lambda: self._build(from_weights=True))

    def _finish(self, stop: StopFlag, tracking: Tracking) -> None:
        """Read the test set once, with the best weights, and write the results."""
        trainer = self.trainer
        best = trainer.best_row()
        assert best is not None
        if self.world.is_writer and not self.result:
            self._write_weights("last", int(trainer.progress.rows[-1]["epoch"]))
        self.saver.finish()
        self.world.barrier()
        best_state, metadata = load_weights(self.folder / "best.safetensors")
        trainer.objective.restore(metadata)
        module = trainer.best_module
        module.load_state_dict(best_state)
        scores, judge = evaluate_and_judge(
            module,
            self.eval_feed(self.data.test),
            trainer.objective,
            self.world,
            main=trainer.main,
            flip=self.recipe.test_time_flip,
            between=lambda: self._stop_evaluating(stop, save=False),
            num_worst=NUM_WORST if self.options.report else 0,
        )
        if not judge.needs_rows:
            gather_rows(judge, self.world)
        if self.world.is_writer:
            self._write_result(best, scores, judge, tracking)
        self.world.barrier()

    def _write_result(self, best: dict[str, float], scores: Scores, judge: Judge, tracking: Tracking) -> None:
        rows, metric = self.trainer.progress.rows, self.trainer.running_metric
        result = self.result or summarise(rows, best, scores, judge, self.data)
        if not self.result:
            write_json(self.folder / "result.json", result)
            tracking.result(result)
        if self.options.report:
            for problem in draw(self.folder, self.graph, self.recipe, rows, result, self.data, judge):
                self.display.say(problem)
        self.display.stop()
        waited = self.trainer.train_feed.waiting.notes(self.readers.num_workers, choose_workers(None))
        for line in (*waited, *conclusion(result, metric)):
            self.display.say(line)


def build_module(graph: Graph, seed: int, memory_format: torch.memory_format) -> nn.Module:
    """The freshly initialised network of a graph."""
    from specgraph.api import compile

    return compile(graph, seed=seed).to(memory_format=memory_format)
