"""Django's command line."""

import django.core.management
import pytest

import manage


def test_ctrl_c_while_it_begins_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(argv: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(django.core.management, "execute_from_command_line", interrupted)

    with pytest.raises(SystemExit) as end:
        manage.main()

    assert end.value.code == 130
    assert capsys.readouterr().err == "Interrupted.\n"
