"""The dashboard for Grafana: its queries are PromQL, about figures that there are."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from schedules import broker
from schedules.metrics.page import exposition
from schedules.models import Instance
from schedules.states import InstanceKind
from tests.project.programs import ROOT

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
QUERIES = [
    (panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]
]


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_a_query_is_promql(title: str, query: str) -> None:
    filled_in = query.replace("$__rate_interval", "5m").replace("$instance", "web:8000")

    assert "$" not in filled_in
    promql_parser.parse(filled_in)


def test_what_is_no_promql_is_noticed() -> None:
    with pytest.raises(ValueError, match=r".+"):
        promql_parser.parse("sum(rate(downbeat_runs_total[5m]) by (state)")


@pytest.mark.django_db
def test_every_figure_of_a_query_is_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "depths", lambda *_, **__: {"celery": 0})
    Instance.objects.create(
        kind=InstanceKind.BEAT, name="b", host="h", pid=1, started_at=NOW, heartbeat_at=NOW
    )
    families = list(text_string_to_metric_families(exposition(now=NOW).decode()))
    there = {sample.name for family in families for sample in family.samples}
    # Before the first run there is no line yet; the families are there all the same.
    there |= {f"{f.name}_total" for f in families if f.type == "counter"}
    there |= {
        f"{f.name}_{end}" for f in families for end in ("sum", "count") if f.type == "summary"
    }

    asked = {name for _, query in QUERIES for name in re.findall(r"downbeat_\w+", query)}

    assert asked - there == set()


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
