"""Rows of plain data as lines of JSON or as Parquet, and files of these joined one after the other."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from specgraph.atomic_files import check_target
from specgraph.errors import CommandError, reason

Row = dict[str, Any]
FORMS = ("jsonl", "parquet")


def encode_rows(rows: Sequence[Row], form: str) -> bytes:
    """Rows as a whole file: a line of JSON each, or Parquet with the columns that they have."""
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(errors="surrogateescape")
    import pyarrow
    import pyarrow.parquet

    columns = dict.fromkeys(key for row in rows for key in row)
    table = pyarrow.Table.from_pylist([{key: row.get(key) for key in columns} for row in rows])
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def join_parts(parts: Sequence[Path], target: Path, temporary: Path) -> None:
    """Join files of one form into `target`, in this order, one at a time. The file is whole or not there: it is made
    as `temporary`, in the same file system.

    Parquet gets a row group for each part; a column that a part does not have is null there. Raises `CommandError`.
    """
    try:
        check_target(target)
        if target.suffix == ".parquet":
            _join_parquet(parts, temporary)
        else:
            with temporary.open("wb") as joined:
                for part in parts:
                    with part.open("rb") as source:
                        shutil.copyfileobj(source, joined)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise CommandError(
            f"{target} cannot be written: {reason(error)}", f"the parts are in {temporary.parent}; try again"
        ) from None


def _join_parquet(parts: Sequence[Path], target: Path) -> None:
    import pyarrow
    import pyarrow.parquet as parquet

    schema = None
    for part in parts:  # one at a time: a schema of a million parts is not kept
        own = parquet.read_schema(part)
        schema = own if schema is None else pyarrow.unify_schemas([schema, own], promote_options="permissive")
    assert schema is not None
    with parquet.ParquetWriter(target, schema) as writer:
        for part in parts:
            table = parquet.read_table(part)
            if not table.schema.equals(schema):
                table = pyarrow.Table.from_pylist(table.to_pylist(), schema=schema)
            writer.write_table(table)
