"""A PostgreSQL database that is put back as it was, which takes a twentieth of the time of making another one.

`keep` is run once in the template: it copies its rows into a schema of their own. `put_back` deletes every row, brings
those back and winds the sequences back. A database whose shape a test has changed is not put back: it is dropped.
"""

import psycopg

SHAPE = """
SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
  SELECT 'column ' || attrelid::regclass || attname || format_type(atttypid, atttypmod) || attnotnull AS line
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0
  UNION ALL SELECT 'constraint ' || conrelid::regclass || conname || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT 'index ' || pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT 'trigger ' || tgrelid::regclass || tgname || tgenabled::text || tgfoid::regproc
    FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'function ' || proname || prosrc
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND probin IS NULL
) AS lines
"""
KEEP = f"""
CREATE SCHEMA kept;
DO $$
DECLARE name text; found boolean;
BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', name) INTO found;
    IF found THEN EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', name, name); END IF;
  END LOOP;
END $$;
CREATE TABLE kept._sequences AS SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public';
CREATE FUNCTION kept._shape() RETURNS text LANGUAGE sql AS $$ {SHAPE} $$;
CREATE TABLE kept._shape_then AS SELECT kept._shape() AS digest;
CREATE FUNCTION kept._put_back() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE name text; last bigint;
BEGIN
  IF kept._shape() IS DISTINCT FROM (SELECT digest FROM kept._shape_then) THEN RETURN false; END IF;
  SET LOCAL session_replication_role = replica;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DELETE FROM public.%I', name);
  END LOOP;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'kept' AND tablename NOT LIKE '\\_%' LOOP
    EXECUTE format('INSERT INTO public.%I OVERRIDING SYSTEM VALUE TABLE kept.%I', name, name);
  END LOOP;
  FOR name, last IN SELECT sequencename, last_value FROM kept._sequences LOOP
    PERFORM setval(format('public.%I', name)::regclass, coalesce(last, 1), last IS NOT NULL);
  END LOOP;
  RETURN true;
END $$;
"""


def keep(url: str) -> None:
    """Remember the rows that a database has now; copies made from it can be put back."""
    with _connect(url) as connection:
        connection.execute(KEEP)


def put_back(url: str) -> bool:
    """Whether the database is again as it was when it was kept. Whoever is still connected is sent away."""
    try:
        with _connect(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            kept = connection.execute("SELECT to_regproc('kept._put_back')").fetchone()
            if kept is None or kept[0] is None:
                return False
            done = connection.execute("SELECT kept._put_back()").fetchone()
            return done is not None and bool(done[0])
    except psycopg.Error:
        return False


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True)
