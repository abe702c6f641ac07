"""Every rule: its file, its texts, its bad example (exactly that code), its good one (clean), its fix."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from specgraph.checking import check
from specgraph.cli.explain import explanation
from specgraph.diagnostics.model import Diagnostic
from specgraph.diagnostics.rule import Rule, rule, rule_modules, rules
from specgraph.source.fixes import apply_fixes
from specgraph.source.read import overlaid

CODES = list(rule_modules())
PHASES = {"1": "error", "2": "error", "3": "error", "4": "error", "6": "error", "9": "warning"}
EXPORT = tuple(code for code in CODES if code.startswith("SG6"))


def findings(text: str, path: str = "spec.yaml") -> list[Diagnostic]:
    with overlaid({os.path.realpath(path): text.encode()}):
        return check(path).diagnostics


def broken_promise(known: Rule) -> str | None:
    """What a rule's examples do not keep, or None."""
    said = {d.code for d in findings(known.bad) if d.severity != "info" or d.code == known.code}
    if said != {known.code}:
        return f"the bad example gives {sorted(said)}, not {known.code} alone"
    said = {d.code for d in findings(known.good) if d.severity != "info" or d.code == known.code}
    return f"the good example gives {sorted(said)}" if said else None


def test_codes_and_names_are_unique() -> None:
    names = list(rule_modules().values())
    assert len(set(names)) == len(names)
    assert len(CODES) > 50


@pytest.mark.parametrize("code", CODES)
def test_file_holds_what_its_name_says(code: str) -> None:
    known = rule(code)
    assert known.code == code
    assert known.name == rule_modules()[code]
    assert rule(known.name) is known
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", known.name)


@pytest.mark.parametrize("code", CODES)
def test_texts(code: str) -> None:
    known = rule(code)
    assert known.severity in ("error", "warning", "info")
    assert known.summary
    assert not known.summary.endswith(".")
    assert len(known.explanation.split()) >= 8
    assert known.explanation.strip().endswith((".", ".)", "`"))
    assert known.bad.strip() or code in ("SG101",)
    assert known.good.strip()


@pytest.mark.parametrize("code", CODES)
def test_severity_fits_the_phase(code: str) -> None:
    wanted = PHASES.get(code[2])
    if wanted == "warning":
        assert rule(code).severity in ("warning", "info")
    elif wanted is not None and code not in EXPORT:
        assert rule(code).severity == "error"


@pytest.mark.parametrize("code", [code for code in CODES if code not in EXPORT])
def test_examples(code: str) -> None:
    assert broken_promise(rule(code)) is None


@pytest.mark.parametrize("code", EXPORT)
def test_export_rules_have_examples_that_check_clean(code: str) -> None:
    """What an export cannot express is a fine spec: these rules speak when exporting."""
    for text in (rule(code).bad, rule(code).good):
        assert not [d for d in findings(text) if d.severity == "error"]


def test_the_contract_can_fail() -> None:
    known = rule("duplicate-key")
    assert broken_promise(known._replace(bad=known.good)) is not None
    assert broken_promise(known._replace(good=known.bad)) is not None
    assert broken_promise(known._replace(code="SG999")) is not None


@pytest.mark.parametrize("code", [code for code in CODES if code not in EXPORT])
def test_fixes_cure(code: str) -> None:
    """A fix of the bad example removes what it is for, and adds no other error."""
    text = rule(code).bad
    with overlaid({os.path.realpath("spec.yaml"): text.encode()}):
        report = check("spec.yaml")
    fixable = [d for d in report.diagnostics if d.code == code and d.fix is not None]
    if not fixable:
        return
    fixed = apply_fixes(report.sources["spec.yaml"], fixable[:1], unsafe=True, expect=True)
    assert fixed.applied
    assert fixed.text != text
    after = [d for d in findings(fixed.text) if d.severity != "info"]
    assert len([d for d in after if d.code == code]) < len([d for d in report.diagnostics if d.code == code])
    assert {d.code for d in after if d.severity == "error"} <= {code}


@pytest.mark.parametrize("code", CODES)
def test_explanation_shows_the_diagnostic(code: str) -> None:
    page = explanation(rule(code))
    assert page.startswith(f"{code} {rule_modules()[code]}")
    if code not in EXPORT:
        assert f"[{code}]" in page


def test_unknown_rule() -> None:
    with pytest.raises(KeyError):
        rule("SG999")
    with pytest.raises(KeyError):
        rule("no-such-rule")


def test_looking_a_rule_up_imports_only_its_file() -> None:
    import subprocess

    program = (
        "import sys; from specgraph.diagnostics.rule import rule; rule('duplicate-key');"
        "print([m for m in sys.modules if m.startswith('specgraph.lint.rules.sg')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['specgraph.lint.rules.sg104_duplicate_key']"


def test_rules_are_found_inside_a_zip_archive(tmp_path: Path) -> None:
    import subprocess
    import zipfile

    import specgraph

    root = Path(specgraph.__file__).parent
    archive = tmp_path / "specgraph.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for file in root.rglob("*.py*"):
            target.write(file, Path("specgraph") / file.relative_to(root))
    program = (
        f"import sys; sys.path.insert(0, {str(archive)!r});"
        "from specgraph.diagnostics.rule import rules; import specgraph;"
        "assert '.zip' in specgraph.__file__; print(rules()[0].code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == "SG101", done.stderr


def test_all_rules_load() -> None:
    assert [known.code for known in rules()] == CODES
