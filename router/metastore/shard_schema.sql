-- Schema pgreeve of a shard: who may serve here, and which rows a pooled backend may see.
--
-- Run as a superuser, in one transaction, once per shard database; running it again is safe.
-- {{tenant_type}} stands for the fleet's type of tenant ids: uuid, bigint or text.
-- Key, shard number and role passwords are written by the installer afterwards.
--
-- SQLSTATEs of this file never reach a client; the router translates them:
--   PR001 no tenant bound              PR006 tenant not open here yet
--   PR002 bad token                    PR007 attach: router's epoch too old
--   PR003 token expired, other backend PR008 attach: this backend has attached before
--   PR004 tenant moved, or token older PR009 attach: another timeline (a promotion)
--   PR005 tenant held                  PR010 guard: the shard is at another epoch

-- ---------------------------------------------------------------- roles (of the whole cluster)

DO $roles$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['pgreeve_owner', 'pgreeve_app', 'pgreeve_operator', 'pgreeve_ddl'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
      IF role_name <> 'pgreeve_owner' THEN
        EXECUTE format('ALTER ROLE %I LOGIN', role_name);
      END IF;
      IF role_name = 'pgreeve_operator' THEN
        -- Reads and writes past row security; owns nothing, so no view of its can leak.
        ALTER ROLE pgreeve_operator BYPASSRLS;
        GRANT pg_read_all_data, pg_write_all_data, pg_monitor TO pgreeve_operator;
      END IF;
      IF role_name = 'pgreeve_owner' THEN
        GRANT pg_read_all_stats TO pgreeve_owner;  -- attach() reads backend_start
      END IF;
    END IF;
  END LOOP;
END $roles$;

-- ---------------------------------------------------------------- tables

CREATE SCHEMA IF NOT EXISTS pgreeve AUTHORIZATION pgreeve_owner;
-- Event triggers run as whoever runs DDL, so names in here are readable to all; rows are not.
GRANT USAGE ON SCHEMA pgreeve TO PUBLIC;
SET LOCAL ROLE pgreeve_owner;

-- The keys that sign tenant tokens, as HMAC pads. Two rows while a key is rotated.
CREATE TABLE IF NOT EXISTS pgreeve.key (
  kid int PRIMARY KEY,
  ipad bytea NOT NULL CHECK (length(ipad) = 64),
  opad bytea NOT NULL CHECK (length(opad) = 64)
);

CREATE TABLE IF NOT EXISTS pgreeve.shard_state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  shard int NOT NULL,
  shard_epoch bigint NOT NULL,   -- catalog epoch of the last change of what this shard owns or hides
  min_epoch bigint NOT NULL,     -- routers that know less may not attach
  timeline text NOT NULL         -- first 8 digits of a WAL file name
);

-- A row for each tenant that moves, has moved, or is suspended or erased. No row: open by the
-- catalog. tenant_hex is what a token carries.
CREATE TABLE IF NOT EXISTS pgreeve.tenant_route (
  tenant text COLLATE "C" PRIMARY KEY,
  tenant_hex text COLLATE "C" NOT NULL UNIQUE
    CHECK (tenant_hex = encode(convert_to(tenant, 'UTF8'), 'hex')),
  epoch bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'held', 'moved', 'absent', 'erased')),
  hidden boolean NOT NULL DEFAULT false,
  move bigint
);

-- Every transaction of a mover locks its row FOR SHARE and fails on a newer token.
CREATE TABLE IF NOT EXISTS pgreeve.move_lease (
  move bigint PRIMARY KEY,
  token bigint NOT NULL
);

-- Who is connected, as far as attach() was told. Gone after a crash, like the backends.
CREATE UNLOGGED TABLE IF NOT EXISTS pgreeve.backends (
  pid int PRIMARY KEY,
  backend_start timestamptz NOT NULL,
  router text NOT NULL,
  incarnation bigint NOT NULL,
  epoch bigint NOT NULL
);

-- One row inside each prepared transaction: proof that it was committed.
CREATE TABLE IF NOT EXISTS pgreeve.tx (
  gid text PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now()
);

-- How far a new shard has replayed the fleet's DDL journal.
CREATE TABLE IF NOT EXISTS pgreeve.replayed (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  seq bigint NOT NULL
);

-- Sharded tables (roots of partition trees) under row security.
CREATE TABLE IF NOT EXISTS pgreeve.protected_tables (
  relation regclass PRIMARY KEY,
  tenant_attnum smallint NOT NULL
);
GRANT SELECT ON pgreeve.protected_tables TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON pgreeve.protected_tables TO pgreeve_ddl;
GRANT SELECT ON pgreeve.shard_state TO pgreeve_ddl;

-- ---------------------------------------------------------------- the tenant of this backend

-- Verifies pgreeve.token = kid:hex(tenant):epoch:expiry:pid:hex(hmac_sha256(key, all before the last
-- ':')) and the tenant's route row, read in the same SELECT as the key.
-- No EXCEPTION block: a subtransaction breaks every parallel plan. Used as (SELECT …) in policies,
-- it runs once per statement and table.
CREATE OR REPLACE FUNCTION pgreeve.current_tenant() RETURNS {{tenant_type}}
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  token text := current_setting('pgreeve.token', true);
  signed text;
  field text[];  -- 1 kid, 2 hex(tenant), 3 epoch, 4 expiry, 5 pid
  found_row record;
BEGIN
  IF token IS NULL OR token = '' THEN
    RAISE EXCEPTION 'pgreeve: no tenant bound' USING ERRCODE = 'PR001';
  END IF;
  signed := left(token, -65);
  field := string_to_array(signed, ':');
  SELECT k.ipad, k.opad, r.state, r.epoch INTO found_row
    FROM pgreeve.key k LEFT JOIN pgreeve.tenant_route r ON r.tenant_hex = field[2]
   WHERE k.kid::text = field[1];
  -- Compared as text: no malformed input can raise anything else than PR002.
  IF NOT FOUND OR right(token, 65) IS DISTINCT FROM ':' || encode(
       sha256(found_row.opad || sha256(found_row.ipad || convert_to(signed, 'UTF8'))), 'hex') THEN
    RAISE EXCEPTION 'pgreeve: bad tenant token' USING ERRCODE = 'PR002';
  END IF;
  IF field[4]::bigint < extract(epoch FROM transaction_timestamp())
     OR field[5]::int <> pg_backend_pid() THEN
    RAISE EXCEPTION 'pgreeve: stale tenant token' USING ERRCODE = 'PR003';
  END IF;
  IF found_row.state IS NOT NULL
     AND (found_row.state <> 'open' OR found_row.epoch > field[3]::bigint) THEN
    RAISE EXCEPTION 'pgreeve: tenant is % here', found_row.state
      USING ERRCODE = CASE found_row.state WHEN 'held' THEN 'PR005' WHEN 'absent' THEN 'PR006' ELSE 'PR004' END;
  END IF;
  RETURN convert_from(decode(field[2], 'hex'), 'UTF8')::{{tenant_type}};
END $f$;

-- ---------------------------------------------------------------- who may serve

-- The first call of every backend that a router opens. The shared lock is taken before anything is
-- read and kept to commit: a sweep that holds it exclusively sees every attached backend, and who
-- comes later sees the sweep's min_epoch. That needs a snapshot per statement, hence read committed.
CREATE OR REPLACE FUNCTION pgreeve.attach(router text, incarnation bigint, epoch bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  state pgreeve.shard_state;
  started timestamptz;
BEGIN
  IF pg_is_in_recovery() THEN
    RETURN;  -- a standby cannot record; the promotion ends every backend that is not recorded
  END IF;
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'pgreeve: attach needs read committed' USING ERRCODE = '25001';
  END IF;
  PERFORM pg_advisory_xact_lock_shared(1886545010, 1);
  SELECT * INTO state FROM pgreeve.shard_state;
  IF NOT FOUND OR state.timeline <> left(pg_walfile_name(pg_current_wal_lsn()), 8) THEN
    RAISE EXCEPTION 'pgreeve: this server is on another timeline' USING ERRCODE = 'PR009';
  END IF;
  IF attach.epoch < state.min_epoch THEN
    RAISE EXCEPTION 'pgreeve: router epoch % is below %', attach.epoch, state.min_epoch
      USING ERRCODE = 'PR007';
  END IF;
  SELECT a.backend_start INTO started FROM pg_stat_get_activity(pg_backend_pid()) a;
  IF EXISTS (SELECT FROM pgreeve.backends b
              WHERE b.pid = pg_backend_pid() AND b.backend_start = started) THEN
    RAISE EXCEPTION 'pgreeve: this backend has attached before' USING ERRCODE = 'PR008';
  END IF;
  INSERT INTO pgreeve.backends AS b
  VALUES (pg_backend_pid(), started, attach.router, attach.incarnation, attach.epoch)
  ON CONFLICT (pid) DO UPDATE
    SET backend_start = excluded.backend_start, router = excluded.router,
        incarnation = excluded.incarnation, epoch = excluded.epoch;
  IF random() < 0.01 THEN
    -- Rows of backends that have gone cost nothing but room; now and then they are swept.
    DELETE FROM pgreeve.backends b
     WHERE NOT EXISTS (SELECT FROM pg_stat_get_activity(NULL) a WHERE a.pid = b.pid);
  END IF;
END $f$;

-- What a scatter compares with the version that it planned on.
CREATE OR REPLACE FUNCTION pgreeve.shard_epoch() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $f$ SELECT shard_epoch FROM pgreeve.shard_state $f$;

-- In front of scattered and operator writes. FOR SHARE, since a plain read would pass under
-- REPEATABLE READ although a fence has committed.
CREATE OR REPLACE FUNCTION pgreeve.guard(expected bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  seen bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(1886545010, 2);
  SELECT s.shard_epoch INTO seen FROM pgreeve.shard_state s FOR SHARE;
  IF seen IS DISTINCT FROM expected THEN
    RAISE EXCEPTION 'pgreeve: the shard is at epoch %, not %', seen, expected USING ERRCODE = 'PR010';
  END IF;
  PERFORM FROM pgreeve.tenant_route r WHERE r.state = 'held' FOR SHARE;
  IF FOUND THEN
    RAISE EXCEPTION 'pgreeve: a tenant of this shard is held' USING ERRCODE = 'PR005';
  END IF;
END $f$;

CREATE OR REPLACE FUNCTION pgreeve.tx(gid text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $f$ INSERT INTO pgreeve.tx (gid) VALUES (tx.gid) $f$;

REVOKE ALL ON FUNCTION pgreeve.current_tenant(), pgreeve.attach(text, bigint, bigint),
  pgreeve.shard_epoch(), pgreeve.guard(bigint), pgreeve.tx(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pgreeve.current_tenant(), pgreeve.attach(text, bigint, bigint),
  pgreeve.shard_epoch() TO pgreeve_app, pgreeve_operator, pgreeve_ddl;
-- Not for pgreeve_app: a tenant could take another transaction's gid, or hold the shard's lock.
GRANT EXECUTE ON FUNCTION pgreeve.guard(bigint), pgreeve.tx(text) TO pgreeve_operator, pgreeve_ddl;

-- ---------------------------------------------------------------- row security on tenant tables

-- The whole tree of a protected root: partitions and inheritance children of any depth.
CREATE OR REPLACE FUNCTION pgreeve.tree(root regclass) RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
  WITH RECURSIVE member AS (
    SELECT root::oid AS relation
    UNION SELECT i.inhrelid FROM pg_inherits i JOIN member m ON i.inhparent = m.relation)
  SELECT relation::regclass FROM member
$f$;

-- Does one table carry policy, ENABLE and FORCE, and no other policy that would let more rows pass?
CREATE OR REPLACE FUNCTION pgreeve.is_protected(relation regclass) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
  SELECT c.relrowsecurity AND c.relforcerowsecurity
         AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'pgreeve_tenant')
    FROM pg_class c WHERE c.oid = relation
$f$;

-- The policy comes first: the ALTER TABLE fires protect_partitions() again, which then finds
-- nothing left to do.
CREATE OR REPLACE FUNCTION pgreeve.protect_one(relation regclass, tenant_column name) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  EXECUTE format('DROP POLICY IF EXISTS pgreeve_tenant ON %s', relation);
  EXECUTE format('CREATE POLICY pgreeve_tenant ON %s USING (%2$I = (SELECT pgreeve.current_tenant()))'
                 ' WITH CHECK (%2$I = (SELECT pgreeve.current_tenant()))', relation, tenant_column);
  EXECUTE format('REVOKE ALL ON %s FROM pgreeve_app, PUBLIC', relation);
  IF NOT pgreeve.is_protected(relation) THEN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', relation);
  END IF;
END $f$;

-- Sequences behind the table's columns: usable, and counting in a block of this shard's own, so that
-- a tenant that moves meets no number twice.
CREATE OR REPLACE FUNCTION pgreeve.protect_sequences(root regclass) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  owned record;
  lowest bigint;
BEGIN
  SELECT (s.shard::bigint << 40) + 1 INTO lowest FROM pgreeve.shard_state s WHERE s.shard > 0;
  FOR owned IN
    SELECT d.objid::regclass AS sequence, s.seqtypid = 'bigint'::regtype AND s.seqincrement > 0 AS wide,
           s.seqmin
      FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
       AND d.refobjid = root AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') LOOP
    EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE %s TO pgreeve_app', owned.sequence);
    IF owned.wide AND lowest IS NOT NULL AND owned.seqmin <> lowest THEN
      EXECUTE format('ALTER SEQUENCE %s MINVALUE %s MAXVALUE %s START %2$s RESTART %2$s',
                     owned.sequence, lowest, lowest + (1::bigint << 40) - 2);
    END IF;
  END LOOP;
END $f$;

-- Run by the table's owner (pgreeve_ddl): the tenant's rows only, for every role without BYPASSRLS,
-- on the table and on each partition it has or will have. Safe to repeat.
CREATE OR REPLACE FUNCTION pgreeve.protect(schema_name text, table_name text, tenant_column text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  root regclass := to_regclass(format('%I.%I', schema_name, table_name));
  col pg_attribute;
  member regclass;
BEGIN
  IF root IS NULL THEN
    RAISE EXCEPTION 'relation "%.%" does not exist', schema_name, table_name USING ERRCODE = '42P01';
  END IF;
  IF (SELECT relkind NOT IN ('r', 'p') OR relispartition FROM pg_class WHERE oid = root) THEN
    RAISE EXCEPTION '"%.%" is no table of its own', schema_name, table_name
      USING ERRCODE = '42809', HINT = 'Protect the root of a partition tree.';
  END IF;
  SELECT * INTO col FROM pg_attribute
   WHERE attrelid = root AND attname = tenant_column AND attnum > 0 AND NOT attisdropped;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'column "%" of "%.%" does not exist', tenant_column, schema_name, table_name
      USING ERRCODE = '42703';
  END IF;
  IF NOT (col.atttypid = '{{tenant_type}}'::regtype
          OR '{{tenant_type}}' = 'bigint' AND col.atttypid IN ('int'::regtype, 'smallint'::regtype)
          OR '{{tenant_type}}' = 'text' AND col.atttypid = 'varchar'::regtype) THEN
    RAISE EXCEPTION 'column "%" has type %, tenant ids are {{tenant_type}}',
      tenant_column, format_type(col.atttypid, col.atttypmod) USING ERRCODE = '42804';
  END IF;
  IF NOT col.attnotnull THEN
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', root, tenant_column);
  END IF;
  IF NOT col.atthasdef AND col.attidentity = '' THEN
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT pgreeve.current_tenant()', root, tenant_column);
  END IF;
  INSERT INTO pgreeve.protected_tables VALUES (root, col.attnum)
  ON CONFLICT (relation) DO UPDATE SET tenant_attnum = excluded.tenant_attnum;
  FOR member IN SELECT t FROM pgreeve.tree(root) t LOOP
    PERFORM pgreeve.protect_one(member, tenant_column::name);
  END LOOP;
  -- Never TRUNCATE, REFERENCES or TRIGGER: row security does not reach them.
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO pgreeve_app', root);
  PERFORM pgreeve.protect_sequences(root);
END $f$;

CREATE OR REPLACE FUNCTION pgreeve.unprotect(schema_name text, table_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  root regclass := to_regclass(format('%I.%I', schema_name, table_name));
  member regclass;
  defaulted name;
BEGIN
  IF root IS NULL THEN
    RAISE EXCEPTION 'relation "%.%" does not exist', schema_name, table_name USING ERRCODE = '42P01';
  END IF;
  -- First: the event trigger would put back what the statements below take away.
  DELETE FROM pgreeve.protected_tables WHERE relation = root;
  FOR member IN SELECT t FROM pgreeve.tree(root) t LOOP
    EXECUTE format('REVOKE ALL ON %s FROM pgreeve_app', member);
    EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY', member);
    EXECUTE format('DROP POLICY IF EXISTS pgreeve_tenant ON %s', member);
  END LOOP;
  FOR defaulted IN
    SELECT a.attname FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = root AND pg_get_expr(d.adbin, d.adrelid) LIKE '%pgreeve.current_tenant()%' LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', root, defaulted);
  END LOOP;
END $f$;

-- A reference table: every tenant may read it, only operators and owners write it.
CREATE OR REPLACE FUNCTION pgreeve.share_reference(schema_name text, table_name text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  EXECUTE format('GRANT SELECT ON %I.%I TO pgreeve_app', schema_name, table_name);
END $f$;

-- Partitions that appear later, by CREATE TABLE … PARTITION OF, ATTACH or INHERIT, and protection
-- that somebody took off. Runs as whoever ran the DDL, who owns the table.
CREATE OR REPLACE FUNCTION pgreeve.protect_partitions() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  bare record;
BEGIN
  FOR bare IN
    WITH RECURSIVE above AS (
      SELECT c.objid AS relation FROM pg_event_trigger_ddl_commands() c
       WHERE c.classid = 'pg_class'::regclass
      UNION SELECT i.inhparent FROM pg_inherits i JOIN above a ON i.inhrelid = a.relation)
    SELECT t AS relation, a.attname
      FROM pgreeve.protected_tables p
      JOIN above ON above.relation = p.relation
      JOIN pg_attribute a ON a.attrelid = p.relation AND a.attnum = p.tenant_attnum,
      LATERAL pgreeve.tree(p.relation) t
     WHERE NOT pgreeve.is_protected(t) LOOP
    PERFORM pgreeve.protect_one(bare.relation, bare.attname);
    IF bare.relation IN (SELECT p.relation FROM pgreeve.protected_tables p) THEN
      EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO pgreeve_app', bare.relation);
    END IF;
  END LOOP;
END $f$;

CREATE OR REPLACE FUNCTION pgreeve.forget_dropped() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  DELETE FROM pgreeve.protected_tables p
   WHERE p.relation IN (SELECT d.objid FROM pg_event_trigger_dropped_objects() d
                         WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0);
END $f$;

REVOKE ALL ON FUNCTION pgreeve.protect_one(regclass, name), pgreeve.protect_sequences(regclass),
  pgreeve.protect(text, text, text), pgreeve.unprotect(text, text),
  pgreeve.share_reference(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pgreeve.protect_one(regclass, name), pgreeve.protect_sequences(regclass),
  pgreeve.protect(text, text, text), pgreeve.unprotect(text, text),
  pgreeve.share_reference(text, text) TO pgreeve_ddl;

-- ---------------------------------------------------------------- what is wrong here

-- What could let one tenant see another's rows, or a tenant change what keeps them apart. No rows:
-- nothing found.
CREATE OR REPLACE FUNCTION pgreeve.check() RETURNS TABLE (severity text, object text, finding text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
  WITH RECURSIVE
  bypassing AS (SELECT oid, rolname FROM pg_roles WHERE rolsuper OR rolbypassrls),
  member AS (
    SELECT p.relation AS root, t AS relation FROM pgreeve.protected_tables p, LATERAL pgreeve.tree(p.relation) t),
  -- Views that read a protected table, directly or through other views.
  reader AS (
    SELECT r.ev_class AS view, m.relation::oid AS relation
      FROM member m JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = m.relation
      JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND r.ev_class <> m.relation
    UNION
    SELECT r.ev_class, reader.relation
      FROM reader JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = reader.view
      JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND r.ev_class <> reader.view),
  granted AS (
    SELECT c.oid AS relation, c.relkind, x.privilege_type
      FROM pg_class c, LATERAL aclexplode(c.relacl) x
     WHERE x.grantee IN (0, 'pgreeve_app'::regrole)
       AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace,
                                  'pgreeve'::regnamespace))
  SELECT 'error', format('view %s', v.oid::regclass),
         format('reads tenant table %s as %s, which row security does not bind', reader.relation::regclass, b.rolname)
    FROM reader JOIN pg_class v ON v.oid = reader.view AND v.relkind = 'v' JOIN bypassing b ON b.oid = v.relowner
   WHERE NOT coalesce((SELECT option_value::boolean FROM pg_options_to_table(v.reloptions)
                        WHERE option_name = 'security_invoker'), false)
  UNION ALL
  SELECT DISTINCT 'error', format('materialized view %s', v.oid::regclass),
         format('holds rows of tenant table %s and is readable by tenants', reader.relation::regclass)
    FROM reader JOIN pg_class v ON v.oid = reader.view AND v.relkind = 'm'
    JOIN granted g ON g.relation = v.oid
  UNION ALL
  SELECT 'error', format('function %s', f.oid::regprocedure),
         format('is SECURITY DEFINER of %s, which row security does not bind', b.rolname)
    FROM pg_proc f JOIN bypassing b ON b.oid = f.proowner
   WHERE f.prosecdef AND f.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
     AND has_function_privilege('pgreeve_app', f.oid, 'EXECUTE')
  UNION ALL
  SELECT 'error', format('table %s', m.relation), 'has no row security of pgreeve'
    FROM member m WHERE NOT pgreeve.is_protected(m.relation)
  UNION ALL
  SELECT 'error', format('table %s', m.relation), format('policy "%s" lets more rows pass', p.polname)
    FROM member m JOIN pg_policy p ON p.polrelid = m.relation AND p.polpermissive AND p.polname <> 'pgreeve_tenant'
  UNION ALL
  SELECT 'error', format('table %s', m.relation),
         format('belongs to %s; tenant tables belong to a role of their own', c.relowner::regrole)
    FROM member m JOIN pg_class c ON c.oid = m.relation WHERE c.relowner = 'pgreeve_app'::regrole
  UNION ALL
  SELECT DISTINCT 'error', format('partition %s', m.relation), 'is granted to tenants; grant the root only'
    FROM member m JOIN granted g ON g.relation = m.relation WHERE m.root <> m.relation
  UNION ALL
  SELECT 'error', format('table %s', g.relation::regclass), format('%s is granted to tenants', g.privilege_type)
    FROM granted g WHERE g.relkind IN ('r', 'p', 'f') AND g.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
  UNION ALL
  SELECT DISTINCT 'error', format('table %s', g.relation::regclass), 'is writable by every tenant'
    FROM granted g
   WHERE g.relkind IN ('r', 'p', 'f') AND g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE')
     AND g.relation NOT IN (SELECT relation FROM member)
  UNION ALL
  SELECT 'error', 'role pgreeve_app', 'is superuser, bypasses row security, or may create roles or databases'
    FROM pg_roles WHERE rolname = 'pgreeve_app' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
  UNION ALL
  SELECT 'error', 'role pgreeve_app', format('is a member of %s', a.roleid::regrole)
    FROM pg_auth_members a WHERE a.member = 'pgreeve_app'::regrole
  UNION ALL
  SELECT 'warning', 'role pgreeve_app', format('has its own settings: %s', array_to_string(s.setconfig, ', '))
    FROM pg_db_role_setting s WHERE s.setrole = 'pgreeve_app'::regrole
  UNION ALL
  SELECT 'error', format('database %s', current_database()), 'lets tenants create schemas or temporary tables'
   WHERE has_database_privilege('pgreeve_app', current_database(), 'CREATE, TEMPORARY')
  UNION ALL
  SELECT 'error', format('schema %s', n.oid::regnamespace), 'lets tenants create objects'
    FROM pg_namespace n
   WHERE has_schema_privilege('pgreeve_app', n.oid, 'CREATE') AND n.nspname NOT LIKE 'pg\_temp%'
  UNION ALL
  SELECT 'error', format('language %s', l.lanname), 'lets tenants run code (DO)'
    FROM pg_language l
   WHERE l.lanpltrusted AND l.lanname <> 'sql' AND has_language_privilege('pgreeve_app', l.oid, 'USAGE')
  UNION ALL
  SELECT 'error', format('function %s', f.oid::regprocedure), 'reaches other sessions and is executable by tenants'
    FROM pg_proc f
   WHERE f.pronamespace = 'pg_catalog'::regnamespace
     AND f.proname IN ('pg_terminate_backend', 'pg_cancel_backend', 'pg_stat_get_activity',
                       'pg_stat_get_backend_activity', 'pg_advisory_lock', 'pg_advisory_xact_lock',
                       'lo_create', 'lo_open', 'pg_logical_emit_message')
     AND has_function_privilege('pgreeve_app', f.oid, 'EXECUTE')
$f$;
REVOKE ALL ON FUNCTION pgreeve.check() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pgreeve.check() TO pgreeve_operator, pgreeve_ddl;
RESET ROLE;

-- ---------------------------------------------------------------- event triggers

DROP EVENT TRIGGER IF EXISTS pgreeve_protect_partitions;
CREATE EVENT TRIGGER pgreeve_protect_partitions ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION pgreeve.protect_partitions();
DROP EVENT TRIGGER IF EXISTS pgreeve_forget_dropped;
CREATE EVENT TRIGGER pgreeve_forget_dropped ON sql_drop EXECUTE FUNCTION pgreeve.forget_dropped();

-- ---------------------------------------------------------------- what tenants share with each other

DO $rights$
DECLARE
  shared regprocedure;
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO pgreeve_app', current_database());
  EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO pgreeve_operator', current_database());
  EXECUTE format('GRANT CONNECT, TEMPORARY, CREATE ON DATABASE %I TO pgreeve_ddl', current_database());
  ALTER SCHEMA public OWNER TO pgreeve_ddl;
  REVOKE CREATE ON SCHEMA public FROM PUBLIC;

  -- No DO blocks and no functions of their own: dynamic SQL hides from the router.
  REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
  GRANT USAGE ON LANGUAGE plpgsql TO pgreeve_owner, pgreeve_operator, pgreeve_ddl;

  -- Functions that reach other sessions of the same role or objects that row security does not know:
  -- activity, signals, large objects, advisory locks, channels, logical messages; the prepared
  -- statements that other clients left on a pooled backend, literals included.
  -- pg_advisory_unlock_all stays: it is part of the reset between tenants.
  FOR shared IN
    SELECT oid::regprocedure FROM pg_proc
     WHERE pronamespace = 'pg_catalog'::regnamespace
       AND (proname IN ('pg_terminate_backend', 'pg_cancel_backend', 'pg_stat_get_activity',
                        'pg_stat_get_progress_info', 'pg_lock_status', 'pg_prepared_xact', 'pg_prepared_statement', 'pg_cursor', 'pg_notify',
                        'pg_logical_emit_message', 'pg_export_snapshot', 'loread', 'lowrite')
            OR proname LIKE 'pg\_stat\_get\_backend\_%' OR proname LIKE 'lo\_%'
            OR proname LIKE 'pg\_advisory\_%' AND proname <> 'pg_advisory_unlock_all'
            OR proname LIKE 'pg\_try\_advisory\_%') LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', shared);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pgreeve_owner, pgreeve_operator, pgreeve_ddl', shared);
  END LOOP;
END $rights$;
