"""Which faults a run does: decided by its seed, and each kind as often as any other."""

from collections import Counter

import pytest

from chaos.faults import (
    CALM_SECONDS,
    CLOCK,
    FAULTS_PER_BURST,
    LASTING,
    SERVER,
    Kind,
    kinds,
    length,
    plan,
)


def test_the_same_seed_gives_the_same_faults_and_another_seed_others() -> None:
    assert plan(7, minutes=10, among=list(Kind)) == plan(7, minutes=10, among=list(Kind))
    assert plan(7, minutes=10, among=list(Kind)) != plan(8, minutes=10, among=list(Kind))


def test_half_an_hour_has_more_than_two_hundred_faults() -> None:
    for seed in range(20):
        bursts = plan(seed, minutes=30, among=list(Kind))
        planned = sum(length(burst) + CALM_SECONDS for burst in bursts)

        assert sum(map(len, bursts)) >= 200
        assert planned < 32 * 60


def test_each_kind_comes_before_any_comes_again() -> None:
    faults = [fault for burst in plan(3, minutes=30, among=list(Kind)) for fault in burst]
    counted = Counter(fault.kind for fault in faults)

    assert counted.keys() == set(Kind)
    assert max(counted.values()) - min(counted.values()) <= 1


def test_every_fault_lasts_as_long_as_its_kind_may() -> None:
    for burst in plan(5, minutes=20, among=list(Kind)):
        assert len(burst) == FAULTS_PER_BURST
        for fault in burst:
            least, most = LASTING.get(fault.kind, (0, 0))
            assert least <= fault.lasting <= most


def test_bursts_can_be_made_of_given_faults_alone() -> None:
    only = [Kind.FLUSH, Kind.FLUSH, Kind.KILL_WORKER]

    for burst in plan(1, minutes=2, among=list(Kind), only=only):
        assert Counter(fault.kind for fault in burst) == Counter(only)


@pytest.mark.parametrize("database_server", [True, False])
@pytest.mark.parametrize("clock", [True, False])
def test_a_system_suffers_only_what_it_has(*, database_server: bool, clock: bool) -> None:
    possible = set(kinds(database_server=database_server, clock=clock))

    assert bool(possible & SERVER) is database_server
    assert bool(possible & CLOCK) is clock
