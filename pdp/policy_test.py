"""Tests of policy, decided as the server decides: its engine, strictness and limits.

Rego tests are evaluated on their own; traces go through the whole pipeline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Final

from pdp.bundle import Bundle, Rule, check_rules, default_bundle_path, load_bundles
from pdp.bundle_content import BUILTIN_ROOT, read_content
from pdp.bundle_files import read_bundle_files
from pdp.catalogue_file import MAX_FILE_BYTES, parse_catalogue
from pdp.domain.canonical import JsonValue
from pdp.ports import Engine, EngineFault
from pdp.trace_file import Trace, parse_trace
from pdp.trace_values import TraceRefused
from pdp.traces import TraceReport, run_trace

#: Tests say themselves what the input is.
_NO_INPUT: Final = b"{}"
_YAML: Final = (".yaml", ".yml")
#: Enough of a value that is not `true` to recognise it.
_SHOWN_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class BundlesUnderTest:
    """Bundles with their tests, and the roots whose tests are run."""

    bundle: Bundle
    roots: frozenset[str]


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """What one test found. `problem` is empty where it passed; `micros` is how long it took."""

    name: str
    problem: str
    micros: int

    @property
    def passed(self) -> bool:
        """Whether the test holds."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """All tests by name, and the rules that have none."""

    tests: tuple[CheckedRule, ...]
    untested: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether there were tests and all of them hold."""
        return bool(self.tests) and all(test.passed for test in self.tests)


def load_for_tests(paths: Sequence[Path], *, entrypoints: tuple[str, ...]) -> BundlesUnderTest:
    """The bundles at `paths` together with the built-in one; without paths that one itself.

    Raises:
        BundleRefused: as when the server loads them.
    """
    roots = {path: read_content(path).root for path in paths}
    builtin = next((path for path in paths if roots[path] == BUILTIN_ROOT), default_bundle_path())
    further = [path for path in paths if path != builtin]
    return BundlesUnderTest(
        bundle=load_bundles([builtin, *further], entrypoints=entrypoints),
        roots=frozenset(roots.values()) or frozenset({BUILTIN_ROOT}),
    )


def run_tests(tested: BundlesUnderTest, engine: Engine, *, run: str = "*") -> PolicyReport:
    """Run every test whose name matches the glob `run`; names are like `data.pdp.main_test.test_x`.

    A rule `test_…` passes when it is true. Besides, each rule must deny an input without keys:
    a rule that does not would also let a misspelt key pass.

    Raises:
        PolicyRefused: the policy does not load, with or without its tests.
        EngineError: the engine is not there.
    """
    bundle = tested.bundle
    # First as it is served: what uses something that only tests define must not pass here.
    engine.load(bundle.source, lambda infos: check_rules(bundle, infos))
    with_tests = replace(
        bundle.source,
        revision=f"{bundle.revision}+tests",
        modules={**bundle.source.modules, **bundle.tests},
    )
    infos = engine.load(with_tests)
    paths = [
        info.path
        for info in infos
        if info.path.split("/")[0] in tested.roots and info.path.split("/")[-1].startswith("test_")
    ]
    rules = [rule for rule in bundle.rules.values() if rule.root in tested.roots]
    results = [
        *(_evaluate(engine, path, _dotted(path), _is_true) for path in paths if _wanted(path, run)),
        *(
            _evaluate(engine, path, f"{_dotted(path)} on an empty input", _denies)
            for path in (f"{rule.path}/verdict" for rule in rules)
            if _wanted(path, run)
        ),
    ]
    return PolicyReport(
        tests=tuple(results),
        untested=tuple(rule.id for rule in rules if not _has_test(rule, paths)),
    )


def find_traces(paths: Sequence[Path]) -> list[Trace]:
    """The traces at `paths`: files themselves, and those in bundles; without paths the built-in's.

    In a bundle these are `*_trace.yaml` anywhere and YAML files in a folder named `traces`, but for
    `*catalogue.yaml`, which are the catalogues beside them.

    Raises:
        TraceRefused: one of them is no trace.
        BundleRefused: a bundle cannot be read.
    """
    found: list[Trace] = []
    for path in paths or [default_bundle_path()]:
        if is_trace_file(path):
            found.append(parse_trace(_read(path), str(path), partial(_read_from, path.parent)))
            continue
        files = read_bundle_files(path)
        for name in filter(_is_trace, files):
            folder = name.rpartition("/")[0]
            beside = partial(_beside, files, f"{path}/{name}", f"{folder}/" if folder else "")
            found.append(parse_trace(files[name], f"{path}/{name}", beside))
    return found


def run_traces(
    traces: Sequence[Trace], bundle: Bundle, engine: Engine, *, run: str = "*"
) -> list[TraceReport]:
    """Run every trace whose file's name matches the glob `run`, under the bundle as it is served.

    Raises:
        PolicyRefused: the policy does not load.
        EngineError: the engine is not there.
        TraceRefused: a trace does not go with the bundle's catalogues.
    """
    wanted = [trace for trace in traces if fnmatchcase(trace.source, run)]
    if not wanted:
        return []
    engine.load(bundle.source, lambda infos: check_rules(bundle, infos))
    tools = [
        tool
        for source, text in bundle.catalogues
        for tool in parse_catalogue(text.encode(), source)
    ]
    return [run_trace(trace, engine, revision=bundle.revision, tools=tools) for trace in wanted]


def is_trace_file(path: Path) -> bool:
    """Whether a path that is given names a trace itself, and no bundle."""
    return path.suffix in _YAML


def _is_trace(name: str) -> bool:
    folder, _, base = name.rpartition("/")
    stem, dot, suffix = base.rpartition(".")
    if dot + suffix not in _YAML or stem == "data" or stem.endswith("catalogue"):
        return False
    in_folder = folder.rpartition("/")[2] == "traces"
    return in_folder or (stem.endswith("_trace") and folder != "catalogue")


def _beside(files: Mapping[str, bytes], source: str, folder: str, name: str) -> bytes:
    if folder + name not in files:
        raise TraceRefused(f"{source}: there is no file {name} beside it")
    return files[folder + name]


def _read_from(folder: Path, name: str) -> bytes:
    return _read(folder / name)


def _read(path: Path) -> bytes:
    """At most a byte more than a trace may have: what is larger is refused by its reader."""
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _evaluate(
    engine: Engine, path: str, name: str, judge: Callable[[JsonValue], str]
) -> CheckedRule:
    answer = engine.evaluate_many(path, [_NO_INPUT])[0]
    if isinstance(answer, EngineFault):
        return CheckedRule(name, _why(answer), 0)
    return CheckedRule(name, judge(answer.value), answer.micros)


def _why(fault: EngineFault) -> str:
    if fault.code == "policy_timeout":
        return f"took longer than the server allows ({fault.message})"
    if fault.message.startswith("undefined:"):
        return "does not hold: something in it is false or undefined"
    return fault.message


def _is_true(value: JsonValue) -> str:
    return "" if value is True else f"is {_shown(value)} and not true"


def _denies(value: JsonValue) -> str:
    if isinstance(value, dict) and value.get("result") == "deny":
        return ""
    return f"is {_shown(value)}: make what passes depend on keys that are there"


def _shown(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"


def _has_test(rule: Rule, paths: Sequence[str]) -> bool:
    return any(path.startswith((f"{rule.path}_test/", f"{rule.path}/")) for path in paths)


def _wanted(path: str, run: str) -> bool:
    return fnmatchcase(_dotted(path), run)


def _dotted(path: str) -> str:
    return "data." + path.replace("/", ".")
