"""Files that PyTorch wrote, read without running code."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from specgraph.errors import CommandError, line_of
from specgraph.escaping import for_line
from specgraph.pretrained.members import Member, choose_member, find_members
from specgraph.pretrained.stand_ins import load_inert, names_asked_for

STARTS = (b"PK", b"\x80")  # a zip, or the pickle of versions before 1.6
MAX_NAMED = 3
READABLE = "weights are read from .safetensors files, PyTorch's state dicts (.pth, .pt) and run folders"


def read_pytorch(place: Path, wanted: str | None, shown: str, start: bytes) -> tuple[Member, tuple[str, ...]]:
    """The state dict of a PyTorch file, chosen by `wanted`, and notes of what was done. Raises `CommandError`.

    Foreign objects are not made: what they hold is looked at, and no code of theirs runs.
    """
    if not start.startswith(STARTS):
        raise CommandError(f"{shown} cannot be read as weights: it is not a file that PyTorch wrote", READABLE)
    if _is_torchscript(place):
        line = f"torch.save(torch.jit.load({json.dumps(str(place))}).state_dict(), 'weights.pth')"
        raise CommandError(f"{shown} is a TorchScript archive, which is a program", f"to convert it: {_typed(line)}")
    names: set[str] = set()
    try:
        names = names_asked_for(place)
        loaded: Any = load_inert(place, names)
    except Exception as error:  # torch.load raises many kinds
        raise _refused(place, shown, names, error) from None
    members = find_members(loaded)
    if not members and names and wanted is None:
        raise _needs_code(place, shown, names)
    member = choose_member(members, wanted, shown)
    return member, tuple(_notes(member, shown, len(members)))


def _notes(member: Member, shown: str, num_members: int) -> list[str]:
    notes = []
    where = f"`{member.path}` of " if member.path else ""
    if member.module:
        what = f"a module of the class {member.module}"
        notes.append(f"{where}{shown} is {what}: its {len(member.state)} tensors are read, and none of its code runs")
    elif member.path:
        notes.append(f"the weights are {where}{shown}")
    if member.left_out:
        count = member.left_out
        notes.append(f"{count} {'entry' if count == 1 else 'entries'} of {where}{shown} without tensors are left out")
    return notes


def _refused(place: Path, shown: str, names: set[str], error: Exception) -> CommandError:
    if names:
        return _needs_code(place, shown, names)
    return CommandError(f"{shown} cannot be read as weights: {line_of(error)}", READABLE)


def _needs_code(place: Path, shown: str, names: set[str]) -> CommandError:
    held = [f"`{name}`" for name in sorted(names)]
    more = f" and {len(held) - MAX_NAMED} more" if len(held) > MAX_NAMED else ""
    line = f"m = torch.load({json.dumps(str(place))}, weights_only=False, map_location='cpu'); "
    line += "torch.save(m.state_dict(), 'weights.pth')"
    return CommandError(
        for_line(
            f"{shown} holds objects that cannot be read without running code: {', '.join(held[:MAX_NAMED])}{more}"
        ),
        f"if you trust it, convert it where that code is installed: {_typed(line)}",
    )


def _typed(line: str) -> str:
    return f'python -c "import torch; {line}"' if '"' not in line else f"python -c 'import torch; {_single(line)}'"


def _single(line: str) -> str:
    return line.replace("'", '"')


def _is_torchscript(place: Path) -> bool:
    try:
        with zipfile.ZipFile(place) as archive:
            return any(name.endswith("constants.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False
