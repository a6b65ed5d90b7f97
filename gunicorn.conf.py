"""Gunicorn reads this by itself; options on its command line come first."""

wsgi_app = "project.wsgi"
# In the master, so that a broken setting stops the start once instead of in every new worker, for
# ever.
preload_app = True
worker_class = "gthread"
workers = 1
threads = 8
graceful_timeout = 10  # seconds
control_socket_disable = True


def post_worker_init(worker):
    """Let the web look out for a dead Beat, which cannot say so itself, and send its traces."""
    from project import tracing
    from schedules.alerts.watch import Watcher

    tracing.start()
    Watcher().start()
