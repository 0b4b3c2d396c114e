"""What a newcomer installs: metadata, lock, conda environment, wheel, import; and what is committed."""

from __future__ import annotations

import itertools
import json
import os
import re
import site
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import MatchSpec

import crmlab

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = (("linux", "posix", "Linux"), ("darwin", "posix", "Darwin"), ("win32", "nt", "Windows"))
CONDA_NAMES = {"matplotlib": "matplotlib-base", "playwright": "playwright-python"}


def requirements(*groups: str) -> dict[str, Requirement]:
    """Return the project's dependencies and those of `groups` by name; a name has one range wherever it stands."""

    def group(name: str) -> list[str]:
        entries = PYPROJECT["dependency-groups"][name]
        return [line for e in entries for line in (group(e["include-group"]) if isinstance(e, dict) else [e])]

    lines = PYPROJECT["project"]["dependencies"] + [line for name in groups for line in group(name)]
    found: dict[str, Requirement] = {}
    for requirement in map(Requirement, lines):
        name = canonicalize_name(requirement.name)
        assert found.setdefault(name, requirement).specifier == requirement.specifier, name
    return found


def run(*command: str | Path, cwd: Path, **options: object) -> str:
    """Run a command, show what it wrote if it fails, and return its standard output."""
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# pyproject.toml


def test_every_dependency_has_both_bounds():
    for name, requirement in requirements(*PYPROJECT["dependency-groups"]).items():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators == {">=", "<"}, f"{name}{requirement.specifier}"


def test_version_is_the_one_in_pyproject():
    assert crmlab.__version__ == PYPROJECT["project"]["version"]
    assert f"(version {crmlab.__version__})" in (ROOT / "README.md").read_text(encoding="utf-8")


# requirements.lock


def locked() -> list[tuple[Requirement, list[str]]]:
    """Return the entries of the lock with their hashes."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    entries = []
    for line in filter(None, map(str.strip, text.splitlines())):
        requirement, *hashes = re.split(r"\s+--hash=", line)
        entries.append((Requirement(requirement), hashes))
    return entries


def test_lock_is_hashed_and_names_no_place():
    for requirement, hashes in locked():
        assert requirement.url is None, requirement
        assert [s.operator for s in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", h) for h in hashes), requirement


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_satisfies_pyproject(python):
    """If this fails: uv pip compile, with the arguments that the README names under "Layout"."""
    assert python in SpecifierSet(PYPROJECT["project"]["requires-python"])
    for platform, os_name, system in SYSTEMS:
        environment = default_environment() | {
            "python_version": python,
            "python_full_version": f"{python}.9",
            "sys_platform": platform,
            "os_name": os_name,
            "platform_system": system,
        }
        pins: dict[str, str] = {}
        for requirement, _ in locked():
            if requirement.marker is None or requirement.marker.evaluate(environment):
                name = canonicalize_name(requirement.name)
                assert name not in pins, f"{name} is locked twice on {python}, {platform}"
                pins[name] = next(iter(requirement.specifier)).version
        for name, requirement in requirements(*PYPROJECT["dependency-groups"]).items():
            assert name in pins, f"{name} is not locked on {python}, {platform}"
            assert requirement.specifier.contains(pins[name], prereleases=True), f"{name} {pins[name]}"


# environment.yml


def conda_environment() -> tuple[list[str], list[str]]:
    """Return the conda specs and the pip lines of environment.yml."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert set(environment) == {"name", "channels", "dependencies"}
    assert environment["channels"] == ["conda-forge"]
    *specs, tail = environment["dependencies"]
    assert all(isinstance(spec, str) for spec in specs)
    assert set(tail) == {"pip"}
    return specs, tail["pip"]


def test_conda_environment_agrees_with_pyproject():
    specs, pip_lines = conda_environment()
    ranges = {}
    for spec in specs:
        MatchSpec(spec, strict=True)  # raises on what conda would not read, or read otherwise than meant
        name, bounds = re.fullmatch(r"([a-z0-9-]+)(.*)", spec).groups()
        assert name not in ranges, f"{name} stands twice"
        ranges[name] = bounds
    assert ranges.pop("pip") == ""  # which conda wants to see before a pip section
    assert ranges.pop("python").removeprefix("=") in PYTHONS
    assert pip_lines[-1] == "-e ."
    for line in pip_lines[:-1]:
        requirement = Requirement(line)
        ranges[requirement.name] = str(requirement.specifier)
    expected = {CONDA_NAMES.get(n, n): r.specifier for n, r in requirements("test").items()}
    assert {name: SpecifierSet(bounds) for name, bounds in ranges.items()} == expected


def test_repo2docker_finds_the_python_it_is_to_install():
    """repo2docker reads nothing but ``python=x.y``: a range would silently give its default."""
    specs, _ = conda_environment()
    pins = [match[1] for spec in specs if (match := re.match(r"python\s*=+\s*([\d.]*)", spec))]
    assert len(pins) == 1
    assert pins[0] in PYTHONS
    assert not (ROOT / "binder").exists()  # it would be read instead
    assert not (ROOT / ".binder").exists()


# The wheel

LOAD_ALL = """
import json, sys, crmlab
tables = {name: crmlab.datasets.load(name) for name in crmlab.datasets.names()}
shapes = {name: list(table.shape) for name, table in tables.items()}
print(json.dumps({"file": crmlab.__file__, "version": crmlab.__version__, "shapes": shapes}))
"""


def build(source: Path, target: str, folder: Path) -> Path:
    """Build an sdist or a wheel without the network and return it."""
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=source)
    return next(folder.glob("*.whl" if target == "wheel" else "*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist, as an installer would that finds no wheel."""
    folder = tmp_path_factory.mktemp("dist")
    with tarfile.open(build(ROOT, "sdist", folder)) as sdist:
        sdist.extractall(folder, filter="data")
    return build(next(path for path in folder.iterdir() if path.is_dir()), "wheel", folder)


def test_sdist_loses_nothing(wheel, tmp_path):
    direct = build(ROOT, "wheel", tmp_path)
    assert zipfile.ZipFile(direct).namelist() == zipfile.ZipFile(wheel).namelist()


def test_wheel_holds_the_package_and_the_tables(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"crmlab", f"crmlab-{crmlab.__version__}.dist-info"}
    for source, target in (("crmlab", "crmlab"), ("datasets", "crmlab/_datasets")):
        for file in (ROOT / source).rglob("*"):
            if file.suffix in (".py", ".csv", ".json"):
                assert f"{target}/{file.relative_to(ROOT / source).as_posix()}" in names
    junk = [name for name in names if re.search(r"__pycache__|\.ipynb_checkpoints|\.pyc$|/\.|~$", name)]
    assert not junk


def test_installed_wheel_loads_every_table(wheel, tmp_path):
    folder = tmp_path / "empty"
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = next(path for path in (folder / "bin/python", folder / "Scripts/python.exe") if path.exists())
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-I", "-c", ask, cwd=tmp_path).strip())
    zipfile.ZipFile(wheel).extractall(packages)
    # Dependencies come from the environment of the test; .pth files there, so an editable crmlab, are not read.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    found = json.loads(run(python, "-I", "-c", LOAD_ALL, cwd=tmp_path))
    assert Path(found["file"]).parent.samefile(packages / "crmlab")
    assert found["version"] == crmlab.__version__
    names = crmlab.datasets.names()
    assert found["shapes"] == {name: list(crmlab.datasets.load(name).shape) for name in names}
    assert found["shapes"]
    assert all(rows > 0 for rows, _ in found["shapes"].values())


# import crmlab


COMPARE_IMPORTS = """
import time
start = time.process_time()
import pandas
middle = time.process_time()
import crmlab
print((time.process_time() - middle) / (middle - start))
"""


def test_import_costs_little_over_pandas():
    """At most a tenth of what pandas costs: the least of three, because noise only adds."""
    assert min(float(run(sys.executable, "-c", COMPARE_IMPORTS, cwd=ROOT)) for _ in range(3)) < 0.1


def test_import_loads_nothing_heavy():
    code = "import sys, crmlab; print(*{name.split('.')[0] for name in sys.modules})"
    assert not {"pandas", "numpy", "scipy", "statsmodels", "matplotlib", "seaborn"} & set(
        run(sys.executable, "-c", code, cwd=ROOT).split()
    )


def test_modules_come_when_used():
    assert "datasets" in dir(crmlab)
    assert not [name for name in dir(crmlab) if name.startswith("_")]
    assert crmlab.datasets is sys.modules["crmlab.datasets"]


def test_unknown_module_gets_the_nearest():
    with pytest.raises(AttributeError, match=r"no module 'dataset'.*Did you mean 'datasets'\?"):
        _ = crmlab.dataset


def test_a_missing_dependency_is_not_mistaken_for_a_missing_module(tmp_path, monkeypatch):
    (tmp_path / "needs_more.py").write_text("import a_package_that_nobody_has\n")
    monkeypatch.setattr(crmlab, "__path__", [*crmlab.__path__, str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="a_package_that_nobody_has"):
        _ = crmlab.needs_more


# What is committed

TOP_LEVEL = {
    ".ci",
    ".gitattributes",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CONTRIBUTING.md",
    "LICENSE",
    "LICENSE-CONTENT.md",
    "README.md",
    "conftest.py",
    "crmlab",
    "datasets",
    "environment.yml",
    "nbgrader_config.py",
    "notebooks",
    "pyproject.toml",
    "requirements.lock",
    "tests",
}
PLACES = {
    "a registry's address": r"(pypi|pythonhosted|anaconda|npmjs|prefix)\.(org|com|dev)\b",
    "a path of somebody's machine": r"(?<![\w.])/(work|tmp|root|home|Users)/|\b[A-Z]:\\+Users\\",
}
EXAMPLES = {"tests/test_notebooks.py"}  # shows the checks of notebooks such paths, to see them refused


@pytest.fixture(scope="module")
def committed() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of committed files")
    return run("git", "ls-files", "-z", cwd=ROOT).split("\0")[:-1]


def test_top_level_stays_small(committed):
    assert {name.split("/")[0] for name in committed} <= TOP_LEVEL


def test_no_address_and_no_machine_in_committed_files(committed):
    found = []
    for name, (what, pattern) in itertools.product(committed, PLACES.items()):
        if name not in EXAMPLES and not name.endswith(".png") and (ROOT / name).is_file():
            text = (ROOT / name).read_text(encoding="utf-8")
            if name.endswith(".ipynb"):  # base64 of pictures may spell anything
                text = re.sub(r'"image/[a-z]+": "[^"]*"', "", text)
            found += [f"{name}: {what}: {match[0]}" for match in re.finditer(pattern, text)]
    assert not found


def test_line_ends_are_the_same_everywhere(committed):
    for name in committed:
        if not name.endswith(".png") and (ROOT / name).is_file():
            assert b"\r" not in (ROOT / name).read_bytes(), name


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_ruff(command):
    """Code and notebooks alike."""
    run(sys.executable, "-m", "ruff", *command, "--no-cache", ".", cwd=ROOT)


def test_hooks_download_nothing():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    assert {hook["language"] for repo in config["repos"] for hook in repo["hooks"]} == {"system"}
