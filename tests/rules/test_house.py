"""The house rules that no linter knows: size of files, names, dangerous calls, documents."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("workbench", "store", "pages", "sample_data", "tests", "benchmarks", "app.py")


def python_files(*folders: str) -> list[Path]:
    found: list[Path] = []
    for folder in folders:
        path = ROOT / folder
        found += [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))
    return found


def tracked() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: there is no list of the project's files")
    return [name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file()]


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    tree = ast.parse(path.read_text("utf-8"))
    return [(ast.unparse(n.func), n) for n in ast.walk(tree) if isinstance(n, ast.Call)]


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        str(p.relative_to(ROOT)): n
        for p in python_files(*CODE)
        if (n := len(p.read_text("utf-8").splitlines())) > 400
    }
    assert not long


def test_no_module_is_named_after_nothing() -> None:
    vague = re.compile(r"(^|_)(utils?|helpers?|common|managers?|base|misc)$")
    assert not [p for p in python_files(*CODE) if vague.search(p.stem)]


def test_weights_are_loaded_without_code_in_them_and_nothing_is_pickled() -> None:
    banned = re.compile(r"(pickle|dill|joblib|shelve)\.(loads?|dumps?|open|Unpickler)$")
    for path in python_files("workbench", "store", "pages", "sample_data", "app.py"):
        for name, call in calls(path):
            where = f"{path}:{call.lineno}"
            keywords = {k.arg: ast.unparse(k.value) for k in call.keywords}
            if name == "torch.load":
                assert keywords.get("weights_only") == "True", where
            if name in ("np.load", "numpy.load"):
                assert keywords.get("allow_pickle", "False") == "False", where
            assert name not in ("eval", "exec", "os.system"), where
            assert not banned.search(name), where


def test_pages_show_no_raw_html() -> None:
    for path in python_files("pages", "app.py"):
        text = path.read_text("utf-8")
        assert "unsafe_allow_html" not in text, path
        assert "st.html(" not in text, path


def test_archives_are_never_extracted() -> None:
    for path in python_files("workbench", "store", "pages", "sample_data"):
        for name, call in calls(path):
            assert not name.endswith((".extract", ".extractall")), f"{path}:{call.lineno}"


def test_every_public_name_of_workbench_and_store_is_documented() -> None:
    missing = []
    for path in python_files("workbench", "store"):
        tree = ast.parse(path.read_text("utf-8"))
        if not ast.get_docstring(tree) and tree.body:
            missing.append(f"{path.relative_to(ROOT)}: module")
        classes = [n for n in tree.body if isinstance(n, ast.ClassDef)]
        owners = [tree, *[n for n in classes if not n.name.startswith("_")]]
        for owner in owners:
            for node in owner.body:
                named = isinstance(node, ast.FunctionDef | ast.ClassDef)
                if named and not node.name.startswith("_") and not ast.get_docstring(node):
                    missing.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert not missing


def test_the_project_names_no_machine_and_no_registry() -> None:
    # The words are put together here so that this file does not contain them.
    host = re.compile(
        "|".join(["files.python" + "hosted", "pypi" + r"\.org", "registry.npm" + "js"])
    )
    home = re.compile(r"/(home|root|Users)/[A-Za-z.]")
    for name in tracked():
        path = ROOT / name
        if (
            path.suffix in (".py", ".md", ".txt", ".toml", ".json", ".sh", ".csv")
            or not path.suffix
        ):
            text = path.read_text("utf-8", errors="replace")
            assert not host.search(text), name
            assert not home.search(text), name


def test_no_tracked_file_is_larger_than_15_megabytes() -> None:
    assert not [n for n in tracked() if (ROOT / n).stat().st_size > 15 * 2**20]
