"""SQL: values go as parameters. A text that is put together stands here by file, with what its pieces are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "integrations", "inventory", "orders")
# File and what it puts into SQL: our own tables and columns, never a value that came from outside.
PUT_TOGETHER = {
    "config/doctor/database.py": "names of PostgreSQL's settings, from a tuple in the file",
    "config/management/commands/bench.py": "passes on what Django executes, to count it",
    "integrations/bulk/preparing.py": "Django's own SQL of a queryset, with its parameters",
    "integrations/causes.py": "tables of the kinds of deliveries, states of the program",
    "integrations/deliveries/claims.py": "tables of the kinds of deliveries",
    "integrations/deliveries/rehearsal.py": "tables of the kinds of deliveries",
    "integrations/deliveries/writing.py": "tables and columns of models, quoted",
    "integrations/following_rows.py": "Django's own SQL of a queryset with its parameters; a model's table and columns",
    "integrations/limits.py": "the database's words for locking a row",
    "integrations/sealing.py": "names of sealed tables and columns, quoted",
    "integrations/upserts.py": "table, columns and column types of a model, quoted",
    "orders/worklists.py": "expressions of the work lists, written in the file",
    "orders/retailers.py": "a constant of the file",
}
RUNS_SQL = {"execute", "executemany", "RawSQL"}
ON_MANAGERS = {"raw", "extra"}


def statements() -> Iterator[tuple[str, int, ast.expr | None]]:
    """Every call that could run SQL of ours: file, line, the SQL."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            if "sandbox" in file.parts:
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in RUNS_SQL or (name in ON_MANAGERS and isinstance(node.func, ast.Attribute)):
                    yield str(file.relative_to(ROOT)), node.lineno, node.args[0] if node.args else None


def is_constant(sql: ast.expr | None) -> bool:
    if isinstance(sql, ast.BinOp):
        return isinstance(sql.op, ast.Add) and is_constant(sql.left) and is_constant(sql.right)
    return isinstance(sql, ast.Constant) and isinstance(sql.value, str)


def test_sql_is_constant_text_with_parameters_but_where_it_is_said_why_not() -> None:
    found = {file for file, _line, sql in statements() if not is_constant(sql)}
    assert found - set(PUT_TOGETHER) == set()
    assert set(PUT_TOGETHER) - found == set(), "no longer put together: remove it from the list"


def test_nothing_of_a_request_stands_in_sql() -> None:
    wrong = [
        f"{file}:{line}" for file, line, sql in statements()
        if sql is not None and any(word in ast.unparse(sql) for word in ("request", "GET", "POST", "params", "user"))
    ]  # fmt: skip
    assert wrong == []


def test_nothing_evaluates_text_or_loads_pickles() -> None:
    wrong = []
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call):
                    name = ast.unparse(node.func)
                    if name in ("eval", "exec", "pickle.loads", "pickle.load", "yaml.load", "os.system"):
                        wrong.append(f"{file.relative_to(ROOT)}:{node.lineno} {name}")
    assert wrong == []
