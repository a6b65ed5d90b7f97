"""`schedules.public`: what is imported only when somebody asks is there all the same."""

import pytest

from schedules import public


@pytest.mark.parametrize("name", public.__all__)
def test_every_name_can_be_had(name: str) -> None:
    assert getattr(public, name) is not None


def test_another_name_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'recoverr'"):
        getattr(public, "recoverr")  # noqa: B009 - mypy knows that there is none
