"""An accepted glob compiles in OPA, means what it looks like, and matches in bounded time."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from pdp.domain.globs import check_glob, check_globs
from pdp.domain.limits import InvalidInput

ACCEPTED = [
    "send_email",
    "*",
    "**",
    "mail.*",
    "?at",
    "[abc]at",
    "[!abc]at",
    "[a-z]*",
    "[!a-z]",
    "[-_.]x",
    "[a\\-z]",
    "[\\]]",
    "[\\^a]",
    "[é-ü]",
    "{cat,bat,[fr]at}",
    "{a,}",
    "{a,{b,c*}}d",
    "file:/srv/*/reports/**",
    "file:/home/*/docs/*/*.md",
    "**/*.{md,txt}",
    "a,b",
    "\\*\\?\\[\\]\\{\\}\\\\",
    "日本*",
]
REFUSED = [
    ("", "is empty"),
    ("a\nb", "has U"),
    ("x" * 1025, "longer than 1,024 bytes"),
    ("[", r"has \[ without \]"),
    ("[abc", r"has \[ without \]"),
    ("[]", "class of no characters"),
    ("[!]", "class of no characters"),
    ("[]a]", "class of no characters"),
    ("[a", r"has \[ without \]"),
    ("[\\]", r"has \[ without \]"),
    ("[^a]", "does not negate"),
    ("[!^a]", "does not negate"),
    ("[z-a]", "ends before it begins"),
    ("[a-z0-9]", "not one range"),
    ("[ab-z]", "not one range"),
    ("[a-]", "not one range"),
    ("[--z]", "not one range"),
    ("[\\-a]", "first in a class"),
    ("[[:alpha:]]", r"has \[ in a class"),
    ("a]", r"has \] without an opening"),
    ("a}", "has } without an opening"),
    ("{a]}", r"has \] without an opening"),
    ("{a", "has { without }"),
    ("{a,{b}", "has { without }"),
    ("{" * 5 + "a" + "}" * 5, "nests braces more than 4 deep"),
    ("a\\", "ends in a backslash"),
    ("[a\\", "ends in a backslash"),
    ("{a\\", "ends in a backslash"),
]
# (glob, delimiters, text, whether it matches)
MEANINGS = [
    ("mail.*", "", "mail.send", True),
    ("mail.*", "", "mail.drafts.send", True),
    ("file:/srv/*", "/", "file:/srv/a", True),
    ("file:/srv/*", "/", "file:/srv/a/b", False),
    ("file:/srv/**", "/", "file:/srv/a/b", True),
    ("file:/srv/?", "/", "file:/srv//", False),
    ("[!ab]c", "", "ac", False),
    ("[!ab]c", "", "xc", True),
    ("[a-c]", "", "b", True),
    ("[!a-c]", "", "b", False),
    ("[-a]", "", "-", True),
    ("[a\\-z]", "", "-", True),
    ("[a\\-z]", "", "m", False),
    ("[\\]]", "", "]", True),
    ("[\\^a]", "", "^", True),
    ("[\\^a]", "", "b", False),
    ("{a,b{c,d}}", "", "bd", True),
    ("{a,b{c,d}}", "", "ad", False),
    ("{a,}b", "", "b", True),
    ("\\*", "", "*", True),
    ("\\*", "", "a", False),
    ("a,b", "", "a,b", True),
    ("[é-ü]", "", "ö", True),
]


@pytest.fixture(scope="module")
def opa(root: Path) -> Path:
    binary = root / "pdp" / "_bin" / "pdp-opa"
    if not binary.is_file():
        pytest.skip("missing counterpart: pdp/_bin/pdp-opa is not built")
    return binary


def matches(opa: Path, questions: list[tuple[str, str, str]], tmp_path: Path) -> dict[str, bool]:
    """What OPA answers to each (glob, delimiters, text), by index; nothing for what it refuses."""
    document = [
        {"glob": glob, "delimiters": list(delimiters) or None, "text": text}
        for glob, delimiters, text in questions
    ]
    asked = tmp_path / "questions.json"
    asked.write_text(json.dumps(document))
    query = (
        "{format_int(i, 10): m | some i, q in input; m := glob.match(q.glob, q.delimiters, q.text)}"
    )
    done = subprocess.run(
        [opa, "eval", "--format", "raw", "--input", asked, query],
        check=True,
        capture_output=True,
        timeout=15,
    )
    answers: dict[str, bool] = json.loads(done.stdout)
    return answers


def accepts(pattern: str) -> bool:
    try:
        check_glob(pattern, "intent.tools[0]")
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize("pattern", ACCEPTED)
def test_a_glob_of_the_documented_syntax_is_accepted(pattern: str) -> None:
    check_globs([pattern], "intent.tools", delimiters="")
    check_globs([pattern], "intent.resources", delimiters="/")


@pytest.mark.parametrize(("pattern", "problem"), REFUSED)
def test_another_glob_is_refused_with_its_place_and_reason(pattern: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as caught:
        check_globs(["*", pattern], "intent.tools", delimiters="")
    assert caught.value.field == "intent.tools[1]"


def test_opa_compiles_every_glob_that_is_accepted(opa: Path, tmp_path: Path) -> None:
    chance = random.Random(20_250_101)
    generated = [
        "".join(chance.choices("aab*?[]{},!-^\\/zé", k=chance.randint(1, 9))) for _ in range(4000)
    ]
    patterns = [pattern for pattern in [*ACCEPTED, *generated] if accepts(pattern)]
    assert len(patterns) > 500
    answers = matches(opa, [(pattern, "/", "a") for pattern in patterns], tmp_path)
    assert [one for i, one in enumerate(patterns) if str(i) not in answers] == []


def test_what_opa_does_not_compile_is_refused(opa: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    patterns = [
        "".join(chance.choices("ab*[]{},!-\\z", k=chance.randint(1, 7))) for _ in range(2000)
    ]
    answers = matches(opa, [(pattern, "/", "a") for pattern in patterns], tmp_path)
    broken = [one for i, one in enumerate(patterns) if str(i) not in answers]
    assert len(broken) > 200
    assert [pattern for pattern in broken if accepts(pattern)] == []


def test_accepted_globs_mean_what_they_look_like(opa: Path, tmp_path: Path) -> None:
    answers = matches(opa, [one[:3] for one in MEANINGS], tmp_path)
    found = {one: answers[str(index)] for index, one in enumerate(MEANINGS)}
    assert [one for one, matched in found.items() if matched is not one[3]] == []
    assert [one for one in MEANINGS if not accepts(one[0])] == []


def test_the_worst_globs_that_are_accepted_match_in_a_fraction_of_a_second(
    opa: Path, tmp_path: Path
) -> None:
    worst = ["{aaa{?,?},?,,}" * 7 + "?", "a*a?b", "**?", "?*??", "{a,aa,*}{a,aa}?b", "*a*a*a*?"]
    texts = ["a" * 2304 + "b", "a/" * 1152, ("a" * 47 + "/") * 48]
    accepted = [pattern for pattern in worst if accepts(pattern)]
    assert len(accepted) >= 4
    questions = [(pattern, "/", text) for pattern in accepted for text in texts]
    # One refused glob alone (`*a*a*a*?`) would take minutes.
    assert len(matches(opa, questions, tmp_path)) == len(questions)


@pytest.mark.parametrize(
    "pattern",
    [
        "*a*a*a*b?",
        "/*x*/*x*/*x*/?",
        "**a*b*c?",
        "{a,aa}" * 21,
        "{*a,*b}{*a,*b}?",
        "{{*,a},b}" * 3 + "?",
    ],
)
def test_a_glob_that_can_be_tried_in_too_many_ways_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput, match="too many ways"):
        check_globs([pattern], "intent.resources", delimiters="/")


def test_several_stars_are_accepted_where_the_matcher_need_not_go_back_far() -> None:
    check_globs(["*read*file*text*"], "intent.tools", delimiters="")
    check_globs(["a:/*/*/*/*/*/x-*.txt", "**/logs/**/*.log"], "intent.resources", delimiters="/")


def test_a_list_has_a_limit_on_its_globs_its_bytes_and_its_tries() -> None:
    check_globs(["docs/*"] * 256, "intent.resources", delimiters="/")
    for patterns, problem in [
        (["docs/*"] * 257, "has 257 elements"),
        (["x" * 1024] * 65, "longer than 65,536 bytes in all"),
        (["**?"] * 256, "too many ways in all"),
    ]:
        with pytest.raises(InvalidInput, match=problem) as caught:
            check_globs(patterns, "intent.resources", delimiters="/")
        assert caught.value.field == "intent.resources"
