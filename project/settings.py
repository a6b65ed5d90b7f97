"""Django's settings: values and one-line reasons. The variables they come from are read by
`project.env`.

The framework's own options have their defaults in `schedules.conf`.
"""

import os
from pathlib import Path
from typing import Any

from project import tracing
from project.env import Env, refuse
from project.running import read_note

env = Env(os.environ)

BASE_DIR = Path(__file__).resolve().parents[1]
ENVIRONMENT = env.choice("ENVIRONMENT", default="dev", accepted=("dev", "prod"))
IS_PRODUCTION = ENVIRONMENT == "prod"
LOG_LEVEL = env.choice(
    "LOG_LEVEL",
    default="INFO",
    accepted=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    upper=True,
)
LOG_FORMAT = env.choice(
    "LOG_FORMAT", default="json" if IS_PRODUCTION else "text", accepted=("text", "json")
)
tracing.check(os.environ)
env.folders("PYTHONTZPATH")  # Python itself reads it, and passes over what it cannot use
# With a database and a key from outside, nothing has to be kept on this machine.
DATA_DIR = env.directory(
    "DATA_DIR",
    default="var",
    base=BASE_DIR,
    needed=not (env.text("DATABASE_URL") and env.text("SECRET_KEY")),
)
RUNNING = read_note(DATA_DIR)  # of `./run up` in another terminal
SECRET_KEY = env.secret("SECRET_KEY", kept_in=DATA_DIR / "secret_key", required=IS_PRODUCTION)

# Never on: its pages show settings to whoever asks, and processes that run for months would
# collect queries.
DEBUG = False
ALLOWED_HOSTS = env.hosts(
    "ALLOWED_HOSTS", default=() if IS_PRODUCTION else ("localhost", "127.0.0.1", "[::1]")
)
if not ALLOWED_HOSTS:
    refuse(
        "ALLOWED_HOSTS",
        "",
        "name the hosts of this site when ENVIRONMENT is prod, for example jobs.example.com",
    )
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "project.admin_app.AdminApp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_celery_results",
    "schedules",
    "tasks.people",
    "tasks.meetings",
    "tasks.attendance",
    "tasks.games",
    "tasks.memberships",
    "tasks.maintenance",
    "tasks.reports",
    "project",
]
MIDDLEWARE = [
    "project.headers.SecurityHeaders",
    "project.hosts.KnownHost",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "project.mending.MendBrokenRows",
]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
ASGI_APPLICATION = "project.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# SCHEDULER_JOBSTORE_URL is what one of the replaced systems called its database.
_alias = env.text("SCHEDULER_JOBSTORE_URL")
if _alias and IS_PRODUCTION and not env.text("DATABASE_URL"):
    refuse("SCHEDULER_JOBSTORE_URL", "***", "it is read in dev only; set DATABASE_URL instead")
_default_database = RUNNING.get("database_url") or f"sqlite:///{DATA_DIR / 'downbeat.sqlite3'}"
_database = env.database(
    "SCHEDULER_JOBSTORE_URL" if _alias and not env.text("DATABASE_URL") else "DATABASE_URL",
    default=_default_database,
)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        # A transaction that begins by reading cannot wait for the write lock later: it fails at
        # once.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # seconds; a busy_timeout pragma would override it
        # Every run leaves about 40 changed pages in the log; copied back after each 1000, as by
        # default, they were written and waited for again with every 25th run. What Beat
        # changes at once for some hundred runs does not fit into 2 MB of memory, the default.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=8000;"
            "PRAGMA cache_size=-8000;"
        ),
    }
    # A file, so that tests meet the locks that production meets; memory databases have others.
    _database["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    _database |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
    # The statements that every run passes through are planned once for each connection, unless
    # ?prepare_threshold=none says that a pooler gives each transaction another one: a cursor that
    # stays open at the server would be looked for at the wrong one, too.
    _options = {"prepare_threshold": 1, **_database.get("OPTIONS", {})}
    if _options["prepare_threshold"] == "none":
        _options["prepare_threshold"] = None
        _database["DISABLE_SERVER_SIDE_CURSORS"] = True
    _database["OPTIONS"] = _options
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Recognised and never used or shown: the connection string of a Supabase project goes into
# DATABASE_URL.
SUPABASE_URL = env.text("SUPABASE_URL")
SUPABASE_SERVICE_ROLE_KEY = env.text("SUPABASE_SERVICE_ROLE_KEY")

USE_TZ = True
TIME_ZONE = env.zone("TIME_ZONE", default="UTC")
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ar", "العربية"), ("id", "Bahasa Indonesia")]
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # served from the packages: there is no collecting step to forget
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
ADMIN_PASSWORD = env.text("ADMIN_PASSWORD")
AUTHENTICATION_BACKENDS = ["project.backends.AccountBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
FLOWER_BASIC_AUTH = env.login("FLOWER_BASIC_AUTH")

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked from inside, without TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_PRODUCTION else None
SECURE_HSTS_SECONDS = 31_536_000 if IS_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_PRODUCTION
X_FRAME_OPTIONS = "DENY"

vars().update(env.email("EMAIL_URL", default="console:"))
# Without one, a mail server that hangs would hang the worker that speaks to it.
EMAIL_TIMEOUT = vars().get("EMAIL_TIMEOUT") or 30  # seconds

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "project.logs.LineFormatter"},
        "json": {"()": "project.logs.JsonLineFormatter"},
    },
    "filters": {"run": {"()": "project.logs.RunContext"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["run"],
        }
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Its success line repeats what a job returned, which may be personal data.
        "celery.app.trace": {"level": "WARNING"},
        # A line for each message; the line for each run's end says more (schedules.finish).
        "celery.worker.strategy": {"level": "WARNING"},
        # Warns of every worker that does not answer within a second, as none does while it starts.
        "flower.inspector": {"level": "ERROR"},
        "django": {"handlers": [], "level": "NOTSET"},
        "django.server": {"handlers": [], "level": "NOTSET", "propagate": True},
    },
}

# What the business jobs read.
ENABLE_MEETING_STATUS_UPDATES = env.flag("ENABLE_MEETING_STATUS_UPDATES", default=True)
SCHEDULER_RECOVERY_DELAY_SECONDS = env.number(
    "SCHEDULER_RECOVERY_DELAY_SECONDS", default=1.0, least=0, most=3600, unit="seconds"
)
SESSION_LOOKAHEAD_DAYS = env.whole(
    "SESSION_LOOKAHEAD_DAYS", default=7, least=1, most=366, unit="days"
)
HR_RECIPIENTS = env.recipients("HR_RECIPIENTS", languages=[code for code, _ in LANGUAGES])
MANAGEMENT_COMMANDS = env.commands("MANAGEMENT_COMMANDS")
MANAGEMENT_COMMAND_TIME_LIMIT_SECONDS = env.whole(
    "MANAGEMENT_COMMAND_TIME_LIMIT_SECONDS", default=300, least=1, most=3000, unit="seconds"
)
# The directory of employees; without a target it is the local table.
WORKFORCE_GRPC_TARGET = env.target("WORKFORCE_GRPC_TARGET")
WORKFORCE_GRPC_CA = env.file("WORKFORCE_GRPC_CA")  # PEM; with it the connection is TLS
WORKFORCE_GRPC_TLS = env.flag("WORKFORCE_GRPC_TLS", default=bool(WORKFORCE_GRPC_CA))
WORKFORCE_GRPC_TOKEN = env.text("WORKFORCE_GRPC_TOKEN")
WORKFORCE_GRPC_DEADLINE_SECONDS = env.number(
    "WORKFORCE_GRPC_DEADLINE_SECONDS", default=10, least=0.1, most=300, unit="seconds"
)
_elsewhere = WORKFORCE_GRPC_TARGET.rpartition(":")[0] not in ("localhost", "127.0.0.1", "[::1]")
if WORKFORCE_GRPC_TARGET and WORKFORCE_GRPC_TOKEN and _elsewhere and not WORKFORCE_GRPC_TLS:
    refuse("WORKFORCE_GRPC_TLS", "false", "write true: a token crosses a network only encrypted")

SCHEDULES: dict[str, Any] = {
    # The options of `schedules.conf`; every one has a default there.
    "alert_hosts": env.callable_hosts("ALERT_WEBHOOK_HOSTS"),
    "metrics_token": env.text("METRICS_TOKEN"),
    "site_url": env.address("SITE_URL"),
    "flower_url": env.address("FLOWER_URL"),
}

# Celery. `project.celery` hands these to the app, and nothing else of this module.
BROKER_URL = env.broker("BROKER_URL", or_amqp=True)
_redis_url = env.broker("REDIS_URL")
if BROKER_URL and _redis_url and _redis_url != BROKER_URL:
    refuse("REDIS_URL", "set", "leave it out: BROKER_URL names another broker")
BROKER_URL = BROKER_URL or _redis_url or RUNNING.get("broker_url", "")
CELERY_BROKER_URL = BROKER_URL or "memory://none"
CELERY_BROKER_TRANSPORT = None if BROKER_URL else "project.no_broker:Transport"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever; by default a worker dies after 100 tries
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # The transport notes for each message that somebody holds it, to deliver it again two hours
    # later. The outbox does so within seconds, and the notes cost a worker a third of its time.
    "ack_emulation": False,
    # The transport waits for ever by default, and a broker that hangs would hang whoever speaks to
    # it.
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
    # A refused connection is told at once; by default the transport first sleeps for 2 and for 4
    # seconds.
    "max_retries": 0,
    "queue_order_strategy": "priority",
    "priority_steps": [0, 3, 6, 9],
}
_sentinel_master = env.text("SENTINEL_MASTER", default="mymaster")
if BROKER_URL.startswith("sentinel"):
    CELERY_BROKER_TRANSPORT_OPTIONS["master_name"] = _sentinel_master
if BROKER_URL.startswith("amqp"):
    # Where the server is short of memory it stops reading, and who writes would wait for ever.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"connect_timeout": 5, "write_timeout": 10, "max_retries": 0}
    # An idle connection of a web process beats no heart; the kernel notices one that is dead.
    CELERY_BROKER_HEARTBEAT = 0
    CELERY_TASK_QUEUE_MAX_PRIORITY = 9
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# The row says whether a run is done, and the outbox sends again what a dead worker had taken: a
# message that is acknowledged late would promise nothing more, and halves what a worker can do.
CELERY_TASK_ACKS_LATE = False
# For each process of a worker, the most messages that none has begun with: of so many
# `schedules.intake` takes what can begin. RabbitMQ sends them all, so there it is the least.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1 if BROKER_URL.startswith("amqp") else 4
CELERY_TASK_REJECT_ON_WORKER_LOST = (
    False  # the ledger decides; the broker would loop a task that kills workers
)
CELERY_TASK_ACKS_ON_FAILURE = CELERY_TASK_ACKS_ON_TIMEOUT = True
CELERY_TASK_TRACK_STARTED = (
    False  # that write would turn a finished run back to started; the claim records it
)
CELERY_TASK_SOFT_TIME_LIMIT = 3300  # seconds; a job's own limit comes first
CELERY_TASK_TIME_LIMIT = 3600
CELERY_TASK_PUBLISH_RETRY = False  # rows come before messages: what was not sent is sent by Beat
CELERY_RESULT_BACKEND = "schedules.results:DatabaseBackend"
CELERY_RESULT_EXTENDED = True  # without it the result table drops tracebacks
CELERY_RESULT_EXPIRES = (
    None  # the log is kept by our own retention; Celery would delete it after a day
)
CELERY_RESULT_BACKEND_ALWAYS_RETRY = True
CELERY_RESULT_BACKEND_MAX_RETRIES = 5
CELERY_BEAT_SCHEDULER = "schedules.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1  # second
CELERY_BEAT_ENABLE_REMOTE_CONTROL = True  # `celery inspect ping` says that Beat ticks
CELERY_WORKER_SEND_TASK_EVENTS = False  # Flower switches them on while it runs; they are not free
CELERY_WORKER_PROC_ALIVE_TIMEOUT = (
    30  # seconds; 4 by default, too few to import everything on a busy machine
)
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20  # seconds for the running task after SIGQUIT
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = (
    False  # it owns its run and may finish it
)
# A new child costs a fork and its imports, during which the others carry the load.
CELERY_WORKER_MAX_TASKS_PER_CHILD = 10_000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 300_000  # KiB
CELERY_WORKER_ETA_TASK_LIMIT = 1000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Tasks on one connection: as many as a child lives for, since CONN_MAX_AGE bounds its age. By
# default each task opens and closes two.
CELERY_DB_REUSE_MAX = CELERY_WORKER_MAX_TASKS_PER_CHILD
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
