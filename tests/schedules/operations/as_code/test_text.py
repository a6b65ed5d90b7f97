"""A file is read with the line of everything that is wrong in it, and never grows while it is."""

import pytest

from schedules.operations.as_code.entry import read_file
from schedules.operations.as_code.text import DEEPEST, InvalidFile, read_text, write_text

HEAD = "version: 1\njobs:\n"


def test_words_mean_what_they_say() -> None:
    text = 'a: 07:30\nb: "1"\nc: 2026-03-01\nd: [1, -2.5, true, null, ~]\ne: |\n  two\n  lines\n'

    assert read_text(text).value["c"] == "2026-03-01"
    assert read_text(text).value["d"] == [1, -2.5, True, None, None]
    assert read_text(text).value["e"] == "two\nlines\n"


@pytest.mark.parametrize(
    "value",
    ["yes", "1e3", "0x1F", "12:30", "2026-03-01", "null", "~", "*", "", " a ", "é\x85", "- x", "#"],
)
def test_every_text_is_read_as_it_was_written(value: str) -> None:
    assert read_text(write_text({value: [value]})).value == {value: [value]}


BILLION = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1\njobs: [\n", "line 3: did not find expected node content"),
        (BILLION, "line 2: *a: values written out; no aliases."),
        ("version: !!python/name:os.system x\n", "no tags"),
        ("[" * (DEEPEST + 2) + "]" * (DEEPEST + 2), f"at most {DEEPEST} levels"),
        ("[" * 100_000, f"at most {DEEPEST} levels"),
        ("a: 1\na: 2\n", "line 2: a: each key once."),
        ("? [a]\n: 1\n", "line 1: a value as a key: a word as a key."),
        ("a: 1\n---\nb: 2\n", "line 3: a second document: one document."),
        ("a: \x00", "line 1: a character: text that YAML allows."),
        ("", "line 1: nothing: a mapping of words and values."),
        ("- a\n", "line 1: a list: a mapping of words and values."),
        (HEAD + "  a: [1]\n", "line 3: jobs.a is 'a list': a mapping of words and values."),
        ("version: 2\njobs: {}\n", "line 1: version is 2: input should be 1."),
        ("version: 1\n", "line 1: jobs is None: needed; it is missing."),
        (HEAD + "  a: {}\n", "line 3: jobs.a.task is None: needed; it is missing."),
        (
            HEAD + "  a:\n    task: x\n    tusk: y\n",
            "line 3: jobs.a is 'tusk': not one of",
        ),
        (
            HEAD + "  a:\n    task: x\n    priority: high\n",
            "line 5: jobs.a.priority is 'high': input should be a valid integer.",
        ),
        (
            HEAD + "  a:\n    task: x\n    after:\n      - job: b\n        when: never\n",
            "line 7: jobs.a.after.0.when is 'never'",
        ),
        (HEAD + '  a:\n    task: x\n    nameEn: "\\0"\n', "text without U+0000"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_line(text: str, words: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        read_file(text)

    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
