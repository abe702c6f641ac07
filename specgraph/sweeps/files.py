"""The files in which a sweep leaves what it found."""

from __future__ import annotations

import csv
import io
import json

from specgraph.escaping import for_csv
from specgraph.read_back import csv_problem, html_problem, json_problem
from specgraph.sweeps.folder import SweepFolder
from specgraph.sweeps.report import report_page
from specgraph.sweeps.results import Results, to_plain


def write_results(folder: SweepFolder, results: Results) -> None:
    """Write `result.json`, `trials.csv` and `report.html`. Raises `CommandError`."""
    folder.write("result.json", json.dumps(to_plain(results), indent=2) + "\n", json_problem)
    folder.write("trials.csv", _csv(results), csv_problem)
    folder.write("report.html", report_page(results), html_problem)


def _csv(results: Results) -> str:
    text = io.StringIO()
    costs = ("parameters", "multiply_adds", "memory")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["trial", "state", *results.parameters, f"validation_{results.metric.name}", "epoch", "seconds", *costs, "run",
         "command", "reason"]
    )  # fmt: skip
    for trial in results.trials:
        params = [trial.params.get(name, "") for name in results.parameters]
        cells = [
            trial.number, trial.state, *(json.dumps(v) if isinstance(v, dict | list) else v for v in params),
            trial.value, trial.epoch, trial.seconds, *(trial.costs.get(name) for name in costs), trial.run,
            trial.command, trial.reason,
        ]  # fmt: skip
        writer.writerow([for_csv("" if cell is None else cell) for cell in cells])
    return text.getvalue()
