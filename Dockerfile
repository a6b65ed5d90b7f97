# One image for every part; the command chooses. It writes nothing but /tmp.
FROM python:3.13.9-slim-bookworm AS packages

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock /
RUN python -m venv /venv && /venv/bin/pip install --require-hashes --only-binary=:all: -r /requirements.lock

FROM python:3.13.9-slim-bookworm

RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin downbeat
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py gunicorn.conf.py ./
COPY project project
COPY schedules schedules
COPY tasks tasks
RUN python -m compileall -q project schedules tasks

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ENVIRONMENT=prod \
    DATA_DIR=/tmp/downbeat
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of the web server; the compose file says it for each of the others.
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "-m", "project.probe", "web"]
CMD ["gunicorn"]
