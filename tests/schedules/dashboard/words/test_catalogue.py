"""The catalogues: each has every word of the dashboard, and its compiled form is up to date.

To add a word: write its entry into `schedules/locale/*/LC_MESSAGES/django.po`, in each language,
and run `msgfmt --check -o django.mo django.po` in each of these folders.
"""

import ast
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation import gettext, override

import schedules

PACKAGE = Path(schedules.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates" / "schedules").rglob("*.html"))
MODULES = [*sorted((PACKAGE / "dashboard").rglob("*.py")), *(PACKAGE / "templatetags").glob("*.py")]

LANGUAGES = ["ar", "id"]
HOW = "write these into {po}, then run `msgfmt --check -o django.mo django.po` in its folder"

SAID_BY_THE_ADMIN = {"Delete", "Save", "Search", "Show all"}
"""Words that the admin's catalogue, which comes first, has in other forms that will do."""

_SIMPLE = re.compile(r"""\{%\s*translate\s+(?:"([^"]+)"|'([^']+)')""")
_IN_TAG = re.compile(r"""=_\("([^"]+)"\)""")
_BLOCK = re.compile(r"\{%\s*blocktranslate[^%]*%\}(.*?)\{%\s*(?:plural|endblocktranslate)", re.S)
_NAMES = re.compile(r"_|n?p?gettext(_lazy|_noop)?|np?gettext(_lazy)?")
_PLACES = re.compile(r"%\((\w+)\)")


def folder_of(language: str) -> Path:
    return PACKAGE / "locale" / language / "LC_MESSAGES"


def compiled(language: str) -> dict[str, list[str]]:
    """The compiled catalogue: msgid, with its context, without its plural, to its translations."""
    data = (folder_of(language) / "django.mo").read_bytes()
    _magic, _revision, number, ids, texts = struct.unpack("<5I", data[:20])

    def text(start: int, place: int) -> str:
        size, offset = struct.unpack("<2I", data[start + 8 * place : start + 8 * place + 8])
        return data[offset : offset + size].decode()

    return {
        text(ids, place).split("\0")[0]: text(texts, place).split("\0") for place in range(number)
    }


def _bare(word: str) -> str:
    return word.rpartition("\x04")[2]


def in_template(text: str) -> set[str]:
    found = {first or second for first, second in _SIMPLE.findall(text)}
    found |= set(_IN_TAG.findall(text))
    for block in _BLOCK.findall(text):
        found.add(re.sub(r"\{\{\s*(\w+)\s*\}\}", r"%(\1)s", block.replace("%", "%%")))
    return found


def in_module(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            if _NAMES.fullmatch(name) and node.args:
                word = node.args[1 if "pgettext" in name else 0]
                if isinstance(word, ast.Constant) and isinstance(word.value, str):
                    yield word.value


@pytest.fixture(scope="module")
def used() -> set[str]:
    found = {word for path in MODULES for word in in_module(path.read_text())}
    for path in TEMPLATES:
        found |= in_template(path.read_text())
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_translated(language: str, used: set[str]) -> None:
    found = compiled(language)

    missing = used - {_bare(word) for word, texts in found.items() if all(texts)}
    assert not missing, HOW.format(po=folder_of(language) / "django.po") + f": {sorted(missing)}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_places_of_its_word(language: str) -> None:
    wrong = {
        word
        for word, texts in compiled(language).items()
        for text in texts
        if not set(_PLACES.findall(text)) <= set(_PLACES.findall(word)) | {"number", "pause"}
    }

    assert wrong == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_other_catalogue_speaks_for_ours(language: str) -> None:
    with override(language):
        others = {
            word
            for word, texts in compiled(language).items()
            if word and "\x04" not in word and gettext(word) not in (*texts, word)
        }

    assert others <= SAID_BY_THE_ADMIN, "give them a context"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_the_text(language: str) -> None:
    text = (folder_of(language) / "django.po").read_text()
    written = {
        "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', block)).replace('\\"', '"')
        for block in re.findall(r'^msgid ((?:"(?:[^"\\]|\\.)*"\n)+)', text, re.M)
    }

    assert written == {_bare(word) for word in compiled(language)}
