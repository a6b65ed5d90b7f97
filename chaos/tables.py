"""What a chaos run adds to the database: tables for effects and calls, and triggers that keep a
history of runs and leases, which a lying log cannot reach.
"""

_TABLES = """
CREATE TABLE chaos_effect (id {serial}, run text NOT NULL, attempt integer NOT NULL,
    job text NOT NULL, subject text NOT NULL, at {instant} NOT NULL DEFAULT {now});
CREATE TABLE chaos_call (call text PRIMARY KEY, kind text NOT NULL,
    at {instant} NOT NULL DEFAULT {now})
"""

_HISTORY = """
CREATE TABLE chaos_history (id {serial}, run_id bigint NOT NULL, job_id bigint, old text NOT NULL,
    new text NOT NULL, attempt integer NOT NULL, at {instant} NOT NULL DEFAULT {now});
CREATE TABLE chaos_lease (id {serial}, instance_id {uuid} NOT NULL, status text NOT NULL,
    heartbeat_at {instant} NOT NULL, at {instant} NOT NULL DEFAULT {now})
"""

_POSTGRES_TRIGGERS = """
CREATE FUNCTION chaos_note_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos_history (run_id, job_id, old, new, attempt)
    VALUES (NEW.id, NEW.job_id, CASE TG_OP WHEN 'INSERT' THEN '' ELSE OLD.state END,
            NEW.state, NEW.attempt);
    RETURN NULL;
END $$;;
CREATE TRIGGER chaos_new_run AFTER INSERT ON schedules_run
    FOR EACH ROW EXECUTE FUNCTION chaos_note_run();;
CREATE TRIGGER chaos_changed_run AFTER UPDATE ON schedules_run FOR EACH ROW
    WHEN (OLD.state <> NEW.state OR OLD.attempt <> NEW.attempt)
    EXECUTE FUNCTION chaos_note_run();;
CREATE FUNCTION chaos_note_lease() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos_lease (instance_id, status, heartbeat_at)
    VALUES (NEW.id, NEW.status, NEW.heartbeat_at);
    RETURN NULL;
END $$;;
CREATE TRIGGER chaos_changed_lease AFTER INSERT OR UPDATE ON schedules_instance
    FOR EACH ROW EXECUTE FUNCTION chaos_note_lease()
"""

_SQLITE_TRIGGERS = """
CREATE TRIGGER chaos_new_run AFTER INSERT ON schedules_run BEGIN
    INSERT INTO chaos_history (run_id, job_id, old, new, attempt)
    VALUES (NEW.id, NEW.job_id, '', NEW.state, NEW.attempt);
END;;
CREATE TRIGGER chaos_changed_run AFTER UPDATE ON schedules_run
    WHEN OLD.state <> NEW.state OR OLD.attempt <> NEW.attempt BEGIN
    INSERT INTO chaos_history (run_id, job_id, old, new, attempt)
    VALUES (NEW.id, NEW.job_id, OLD.state, NEW.state, NEW.attempt);
END;;
CREATE TRIGGER chaos_new_lease AFTER INSERT ON schedules_instance BEGIN
    INSERT INTO chaos_lease (instance_id, status, heartbeat_at)
    VALUES (NEW.id, NEW.status, NEW.heartbeat_at);
END;;
CREATE TRIGGER chaos_changed_lease AFTER UPDATE ON schedules_instance BEGIN
    INSERT INTO chaos_lease (instance_id, status, heartbeat_at)
    VALUES (NEW.id, NEW.status, NEW.heartbeat_at);
END
"""

_POSTGRES = {
    "serial": "bigserial PRIMARY KEY",
    "instant": "timestamptz",
    "uuid": "uuid",
    "now": "clock_timestamp()",
}
_SQLITE = {
    "serial": "integer PRIMARY KEY AUTOINCREMENT",
    "instant": "text",
    "uuid": "text",
    "now": "(strftime('%Y-%m-%d %H:%M:%f', 'now'))",
}


def effect_tables(*, postgres: bool) -> list[str]:
    """Return the statements for what bodies and the client write."""
    return _TABLES.format(**(_POSTGRES if postgres else _SQLITE)).split(";")


def history(*, postgres: bool) -> list[str]:
    """Return the statements for what the triggers write, and the triggers."""
    tables = _HISTORY.format(**(_POSTGRES if postgres else _SQLITE)).split(";")
    triggers = _POSTGRES_TRIGGERS if postgres else _SQLITE_TRIGGERS
    return [*tables, *triggers.split(";;")]


def only_jobs(keys: list[str]) -> str:
    """Return the statement that switches all other jobs off."""
    named = ", ".join(f"'{key}'" for key in keys)
    return f"UPDATE django_celery_beat_periodictask SET enabled = false WHERE name NOT IN ({named})"
