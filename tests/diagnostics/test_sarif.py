"""SARIF logs hold what the standard's schema allows: names and required properties from `sarif-om`,
whose classes are generated from it, values by the schema's own lists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import attr
import pytest
import sarif_om

from specgraph.checking import check
from specgraph.reporting.findings import Findings
from specgraph.reporting.formats import render
from tests.helpers import SPECS

CLASSES = {
    "": "SarifLog",
    "runs": "Run",
    "tool": "Tool",
    "driver": "ToolComponent",
    "rules": "ReportingDescriptor",
    "defaultConfiguration": "ReportingConfiguration",
    "shortDescription": "MultiformatMessageString",
    "fullDescription": "MultiformatMessageString",
    "results": "Result",
    "message": "Message",
    "description": "Message",
    "locations": "Location",
    "relatedLocations": "Location",
    "physicalLocation": "PhysicalLocation",
    "logicalLocations": "LogicalLocation",
    "artifactLocation": "ArtifactLocation",
    "region": "Region",
    "deletedRegion": "Region",
    "fixes": "Fix",
    "artifactChanges": "ArtifactChange",
    "replacements": "Replacement",
    "insertedContent": "ArtifactContent",
}
VALUES = {
    "version": "2.1.0",
    "level": "none|note|warning|error",
    "columnKind": "utf16CodeUnits|unicodeCodePoints",
    "uri": r"[A-Za-z0-9._~%/:-]+",
}
POSITIVE = {"startLine", "startColumn", "endLine", "endColumn"}
WRONG = """\
specgraph: 1
inputs: {image: 3x32x32}
nodes:
  a: {op: conv, out_channels: 8, kernel_size: 3, expect: 8x32x32}
  b: {op: conv, out_chanels: 8, kernel_size: 3}
  c: {op: add, from: [a, image]}
  d: {op: Conv2d, out_channels: 4, kernel_size: 1}
  d: relu
"""


def faults(value: Any, name: str = "", place: str = "log") -> Iterator[str]:
    """What the standard does not allow, with its place."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults(item, name, f"{place}[{index}]")
    elif name == "properties":  # a bag of any
        return
    elif isinstance(value, dict):
        if name not in CLASSES:
            yield f"{place}: no object is known here"
            return
        fields = getattr(sarif_om, CLASSES[name]).__attrs_attrs__
        known = {field.metadata["schema_property_name"]: field for field in fields}
        yield from (f"{place}: no property {key}" for key in value if key not in known)
        required = (key for key, field in known.items() if field.default is attr.NOTHING)
        yield from (f"{place}: {key} is missing" for key in required if key not in value)
        for key, item in value.items():
            yield from faults(item, key, f"{place}.{key}")
    elif (name in VALUES and not re.fullmatch(VALUES[name], value)) or (
        name in POSITIVE and not (isinstance(value, int) and value > 0)
    ):
        yield f"{place}: {value!r}"


def log_of(text: str) -> Any:
    report = check(text)
    return json.loads(render("sarif", Findings(list(report.sources), report.diagnostics, report.sources)))


def test_log_of_many_faults(tmp_path: Any) -> None:
    path = tmp_path / "a b.yaml"
    path.write_text(WRONG)
    log = log_of(str(path))
    results = log["runs"][0]["results"]
    assert len(results) >= 4
    assert any("fixes" in result for result in results)
    assert any("relatedLocations" in result for result in results)
    assert any("logicalLocations" in result["locations"][0] for result in results)
    assert list(faults(log)) == []


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_logs_of_the_specs(path: Any) -> None:
    assert list(faults(log_of(str(path)))) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda log: log.update(version="2.0.0"), "log.version"),
        (lambda log: log.pop("version"), "version is missing"),
        (lambda log: log["runs"][0].update(colour="red"), "no property colour"),
        (lambda log: log["runs"][0]["tool"]["driver"].pop("name"), "name is missing"),
        (lambda log: log["runs"][0]["results"][0].update(level="info"), "level"),
        (lambda log: log["runs"][0]["results"][0].pop("message"), "message is missing"),
        (lambda log: log["runs"][0].update(address={"name": "x"}), "no object is known"),
        (
            lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].update(startLine=0),
            "startLine",
        ),
        (
            lambda log: log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"].update(
                uri="a b"
            ),
            "uri",
        ),
    ],
)
def test_what_the_standard_does_not_allow_is_found(tmp_path: Any, change: Any, fault: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(WRONG)
    log = log_of(str(path))
    change(log)
    assert any(fault in found for found in faults(log))
