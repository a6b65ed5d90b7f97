"""`./run up`: which processes make up the system, started and announced in order."""

import asyncio
import os
import sys
import urllib.error
import urllib.request
from argparse import Namespace
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from project import settings
from project.devstack.broker import Broker, embedded_broker
from project.devstack.guard import Guard
from project.devstack.output import Output
from project.devstack.outside import check_broker, check_database
from project.devstack.ports import address, check_free, free_port
from project.devstack.processes import Process
from project.devstack.supervisor import StartFailed, Supervisor
from project.env import kept_secret
from project.running import remove_note, write_note

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CELERY = [sys.executable, "-m", "celery", "-A", "project"]
ROOT_IS_FINE = (
    "ignore:You're running the worker with superuser"  # on one's own machine, and in containers
)
# A running task gets this long after Ctrl-C; a second Ctrl-C ends the waiting.
WORKER_GRACE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to start, and where."""

    host: str
    port: int
    flower_port: int
    demo: bool
    parts: frozenset[str]
    beats: int
    workers: int
    concurrency: int
    crash_limit: int

    @property
    def url(self) -> str:
        """Return the web address."""
        return f"http://{address(self.host, self.port)}"

    @property
    def flower_url(self) -> str:
        """Return Flower's address."""
        return f"http://{address(self.host, self.flower_port)}"


def plan_from(options: Namespace) -> Plan:
    """Return what the command line asks for; port 0 means any free one. Raises PortTaken."""
    port = options.port or free_port(options.host, neighbours=1)
    if "web" in options.only:
        check_free(options.host, port, option="--port")
    if "flower" in options.only:
        check_free(options.host, port + 1, option="--port (Flower uses the next one)")
    return Plan(
        host=options.host,
        port=port,
        flower_port=port + 1,
        demo=options.demo,
        parts=frozenset(options.only),
        beats=options.beats,
        workers=options.workers,
        concurrency=options.concurrency,
        crash_limit=options.crash_limit,
    )


async def up(plan: Plan, *, lock: int) -> int:
    """Run the system until it is stopped; return the exit code. `lock` stays held while anything
    runs.
    """
    output = Output()
    guard = Guard(keep_open=lock)
    note: dict[str, Any] = {
        "supervisor": os.getpid(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "ready": False,
        "pids": {},
    }

    def on_change(pids: dict[str, int]) -> None:
        note["pids"] = pids
        write_note(settings.DATA_DIR, note)

    supervisor = Supervisor(
        say=output.say, guard=guard, on_change=on_change, crash_limit=plan.crash_limit
    )
    supervisor.listen_to_signals()
    try:
        await start_everything(plan, supervisor=supervisor, note=note)
        if not supervisor.stopping.is_set():
            note["ready"] = True
            write_note(settings.DATA_DIR, note)
            output.write(f"ready {plan.url}")
    except StartFailed as error:
        output.say("up", str(error))
        supervisor.stop(exit_code=error.code)
    code = await supervisor.until_stopped()
    guard.close()
    remove_note(settings.DATA_DIR)
    return code


async def start_everything(plan: Plan, *, supervisor: Supervisor, note: dict[str, Any]) -> None:
    """Start the broker, prepare the database, start the rest; raises StartFailed."""
    broker = None if outside_broker() else embedded_broker(settings.DATA_DIR / "valkey")
    login = (
        settings.FLOWER_BASIC_AUTH or f"admin:{kept_secret(settings.DATA_DIR / 'flower_password')}"
    )
    note["broker_url"] = broker.url if broker else outside_broker()
    if broker:
        note["redis_url"] = broker.url
    if given := outside_database()[1]:
        note["database_url"] = given
    if "web" in plan.parts:
        note["web"] = plan.url
    if "flower" in plan.parts:
        note["flower"] = {"url": plan.flower_url, "login": login}
    variables = child_variables(plan, broker_url=str(note["broker_url"]))
    if broker:
        await supervisor.start([broker_process(broker)])
    if not supervisor.stopping.is_set():
        prepare = [
            sys.executable,
            "-m",
            "project.devstack.prepare",
            *(["--demo"] if plan.demo else []),
        ]
        await supervisor.run_once(Process(name="prepare", command=prepare, environment=variables))
    processes = [*web(plan), *beats(plan), *workers(plan), *flower(plan, login=login)]
    await supervisor.start(
        [replace(each, environment={**variables, **each.environment}) for each in processes]
    )
    if "flower" in plan.parts and not supervisor.stopping.is_set():
        where = settings.DATA_DIR / "up.json"
        supervisor.say(
            "up", f"Flower is at {plan.flower_url}; its user and password are in {where}"
        )


def check_outside() -> None:
    """Raise NoAnswer unless the database and the broker that variables name let us in."""
    name, url = outside_database()
    if url:
        check_database(name, url, settings.DATABASES["default"])
    if broker := outside_broker():
        name = "BROKER_URL" if settings.env.text("BROKER_URL") else "REDIS_URL"
        check_broker(name, broker, settings.CELERY_BROKER_TRANSPORT_OPTIONS)


def outside_database() -> tuple[str, str]:
    """Return the variable that names the database, and its URL; "" when ours is wanted."""
    name = "DATABASE_URL" if settings.env.text("DATABASE_URL") else "SCHEDULER_JOBSTORE_URL"
    return name, settings.env.text(name)


def outside_broker() -> str:
    """Return BROKER_URL or REDIS_URL, or "" when the embedded broker is wanted."""
    return settings.env.text("BROKER_URL") or settings.env.text("REDIS_URL")


def child_variables(plan: Plan, *, broker_url: str) -> dict[str, str]:
    """Return the environment variables that every process gets."""
    variables = {
        "BROKER_URL": broker_url,
        "DATA_DIR": str(settings.DATA_DIR),
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "project.settings"),
    }
    if "flower" in plan.parts and not settings.env.text("FLOWER_URL"):
        variables["FLOWER_URL"] = plan.flower_url
    if plan.host not in LOOPBACK and not settings.IS_PRODUCTION:
        # Whoever opens it to the network cannot know by which names it will be called.
        variables["ALLOWED_HOSTS"] = settings.env.text("ALLOWED_HOSTS", default="*")
    return variables


def broker_process(broker: Broker) -> Process:
    """Return the embedded broker; it is started first and ends last."""
    return Process(name="broker", command=broker.command, is_ready=broker.is_ready)


def web(plan: Plan) -> list[Process]:
    """Return the web server."""
    if "web" not in plan.parts:
        return []
    bind = f"[{plan.host}]:{plan.port}" if ":" in plan.host else f"{plan.host}:{plan.port}"
    command = [sys.executable, "-m", "gunicorn", "--bind", bind]
    return [Process(name="web", command=command, is_ready=answers(f"{plan.url}/login/"))]


def beats(plan: Plan) -> list[Process]:
    """Return the Beats; several share the work."""
    if "beat" not in plan.parts:
        return []
    command = [sys.executable, "-m", "project.beat", "--loglevel", settings.LOG_LEVEL]
    return [
        Process(
            name=name, command=[*command, "--hostname", f"{name}@%h"], ready_line="beat: Starting"
        )
        for name in numbered("beat", plan.beats)
    ]


def workers(plan: Plan) -> list[Process]:
    """Return the workers."""
    if "worker" not in plan.parts:
        return []
    options = [
        "--without-gossip",
        "--without-mingle",
        "-c",
        str(plan.concurrency),
        "-l",
        settings.LOG_LEVEL,
    ]
    return [
        Process(
            name=name,
            command=[*CELERY, "worker", "--hostname", f"{name}@%h", *options],
            environment={"PYTHONWARNINGS": ROOT_IS_FINE},
            ready_line=" ready.",
            grace=WORKER_GRACE,
        )
        for name in numbered("worker", plan.workers)
    ]


def flower(plan: Plan, *, login: str) -> list[Process]:
    """Return Flower, which asks for `login`."""
    if "flower" not in plan.parts:
        return []
    command = [*CELERY, "flower", f"--address={plan.host}", f"--port={plan.flower_port}"]
    # As a variable: everybody sees a command line.
    variables = {"FLOWER_BASIC_AUTH": login}
    return [
        Process(
            name="flower", command=command, environment=variables, is_ready=answers(plan.flower_url)
        )
    ]


def numbered(name: str, count: int) -> list[str]:
    """Return `name`, `name2`, `name3` ... up to `count` of them."""
    return [name, *(f"{name}{number}" for number in range(2, count + 1))]


def answers(url: str) -> Callable[[], Awaitable[bool]]:
    """Return a question that is True once `url` answers, with whatever status."""

    async def ask() -> bool:
        return await asyncio.to_thread(is_answered, url)

    return ask


def is_answered(url: str) -> bool:
    """True if there is an HTTP answer within two seconds."""
    try:
        urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 - our own http address
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
