"""The Arabic catalogue: it has every word of the dashboard, and its compiled form is up to date."""

import re
import struct
from pathlib import Path

import pytest

import schedules

PACKAGE = Path(schedules.__file__).parent
FOLDER = PACKAGE / "locale" / "ar" / "LC_MESSAGES"
TEMPLATES = sorted((PACKAGE / "templates" / "schedules").rglob("*.html"))
MODULES = sorted((PACKAGE / "dashboard").rglob("*.py"))

_SIMPLE = re.compile(r"""\{%\s*translate\s+(?:"([^"]+)"|'([^']+)')""")
_IN_TAG = re.compile(r"""=_\("([^"]+)"\)""")
_BLOCK = re.compile(r"\{%\s*blocktranslate[^%]*%\}(.*?)\{%\s*(?:plural|endblocktranslate)", re.S)
_CALL = re.compile(r"""\b_\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)""")


def compiled() -> set[str]:
    """The msgids of the compiled catalogue, without contexts and plurals."""
    data = (FOLDER / "django.mo").read_bytes()
    _magic, _revision, number, start = struct.unpack("<4I", data[:16])
    found = set()
    for place in range(number):
        size, offset = struct.unpack("<2I", data[start + 8 * place : start + 8 * place + 8])
        text = data[offset : offset + size].decode()
        found.add(text.split("\x04")[-1].split("\0")[0])
    return found


def in_template(text: str) -> set[str]:
    found = {first or second for first, second in _SIMPLE.findall(text)}
    found |= set(_IN_TAG.findall(text))
    for block in _BLOCK.findall(text):
        found.add(re.sub(r"\{\{\s*(\w+)\s*\}\}", r"%(\1)s", block.replace("%", "%%")))
    return found


def in_module(text: str) -> set[str]:
    calls = _CALL.findall(text)
    return {"".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call)).replace('\\"', '"') for call in calls}


@pytest.mark.parametrize("path", [*TEMPLATES, *MODULES], ids=lambda path: path.name)
def test_every_word_is_translated(path: Path) -> None:
    text = path.read_text()
    used = in_template(text) if path.suffix == ".html" else in_module(text)

    assert used - compiled() == set()


def test_no_translation_is_empty() -> None:
    text = (FOLDER / "django.po").read_text()

    assert re.findall(r'\nmsgstr(?:\[\d\])? ""\n(?!")', text[text.index("msgid ", 20) + 10 :]) == []


def test_the_compiled_catalogue_is_that_of_the_text() -> None:
    text = (FOLDER / "django.po").read_text()
    written = {
        "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', block)).replace('\\"', '"')
        for block in re.findall(r'^msgid ((?:"(?:[^"\\]|\\.)*"\n)+)', text, re.M)
    }

    assert written == compiled()
