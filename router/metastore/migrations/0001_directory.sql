-- The directory: where tenants live, who may log in, what is declared. One version of it is one epoch.
-- Every verb locks the row of meta first, so epochs commit in order.

CREATE TABLE pgreeve.meta (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  fleet uuid NOT NULL DEFAULT gen_random_uuid(),
  tenant_type text NOT NULL CHECK (tenant_type IN ('uuid', 'bigint', 'text')),
  epoch bigint NOT NULL DEFAULT 1,
  schema_epoch bigint NOT NULL DEFAULT 1,    -- epoch of the last change of tables
  change_log_from bigint NOT NULL DEFAULT 1  -- the change log reaches back to changes after this epoch
);

CREATE TABLE pgreeve.change_log (
  epoch bigint NOT NULL,
  kind text NOT NULL,
  key text NOT NULL,
  PRIMARY KEY (epoch, kind, key)
);

CREATE TABLE pgreeve.settings (
  name text PRIMARY KEY,
  value text NOT NULL
);

CREATE TABLE pgreeve.regions (
  name text PRIMARY KEY CHECK (name <> '')
);

-- Bounds are bytes; size_bytes_max = 0: none. A dedicated tier has one tenant per shard.
CREATE TABLE pgreeve.tiers (
  name text PRIMARY KEY CHECK (name <> ''),
  dedicated boolean NOT NULL DEFAULT false,
  tenants_per_shard_max int NOT NULL CHECK (tenants_per_shard_max > 0),
  size_bytes_min bigint NOT NULL DEFAULT 0 CHECK (size_bytes_min >= 0),
  size_bytes_max bigint NOT NULL DEFAULT 0 CHECK (size_bytes_max >= 0),
  soak interval NOT NULL DEFAULT '15 minutes',
  cutover_budget interval NOT NULL DEFAULT '500 milliseconds',
  CHECK (NOT dedicated OR tenants_per_shard_max = 1),
  CHECK (size_bytes_max = 0 OR size_bytes_min < size_bytes_max)
);

CREATE TABLE pgreeve.nodes (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name <> ''),
  host text NOT NULL CHECK (host <> ''),
  port int NOT NULL CHECK (port BETWEEN 1 AND 65535),
  region text NOT NULL REFERENCES pgreeve.regions,
  admin_dsn text NOT NULL,  -- secret: superuser
  shards_max int NOT NULL DEFAULT 100 CHECK (shards_max >= 0)
);

-- tenants is a counter, raised in the transaction that places a tenant.
CREATE TABLE pgreeve.shards (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (name <> ''),
  node int NOT NULL REFERENCES pgreeve.nodes,
  database text NOT NULL CHECK (database <> ''),
  tier text NOT NULL REFERENCES pgreeve.tiers,
  region text NOT NULL REFERENCES pgreeve.regions,
  state text NOT NULL CHECK (state IN ('open', 'draining', 'creating', 'retired')),
  tenants int NOT NULL DEFAULT 0,
  capacity int NOT NULL,
  backends_max int NOT NULL DEFAULT 50 CHECK (backends_max > 0),
  shard_epoch bigint NOT NULL,
  token_kid int NOT NULL DEFAULT 1,
  token_key bytea NOT NULL CHECK (length(token_key) = 32),  -- secret
  UNIQUE (node, database),
  CONSTRAINT shard_has_room CHECK (tenants BETWEEN 0 AND capacity)
);
CREATE INDEX shards_by_tier ON pgreeve.shards (tier, region);

-- id is the text that Postgres prints for the tenant id, whatever its type.
CREATE TABLE pgreeve.tenants (
  id text COLLATE "C" PRIMARY KEY CHECK (id <> ''),
  tier text NOT NULL REFERENCES pgreeve.tiers,
  shard int NOT NULL REFERENCES pgreeve.shards,
  region text NOT NULL REFERENCES pgreeve.regions,
  access text NOT NULL DEFAULT 'open' CHECK (access IN ('open', 'read_only', 'suspended')),
  cutover text NOT NULL DEFAULT 'none' CHECK (cutover IN ('none', 'holding', 'opening')),
  epoch bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tenants_by_shard ON pgreeve.tenants (shard);

CREATE TABLE pgreeve.logins (
  name text PRIMARY KEY CHECK (name <> ''),
  scope text NOT NULL CHECK (scope IN ('tenant', 'app', 'operator')),
  verifier text NOT NULL CHECK (verifier LIKE 'SCRAM-SHA-256$%:%$%:%'),
  tenant text COLLATE "C" REFERENCES pgreeve.tenants,
  isolated boolean NOT NULL DEFAULT true,
  provision boolean NOT NULL DEFAULT false,
  provision_tier text NOT NULL DEFAULT '',
  provision_region text NOT NULL DEFAULT '',
  connections_max int NOT NULL DEFAULT 0 CHECK (connections_max >= 0),
  superadmin boolean NOT NULL DEFAULT false,
  CHECK ((scope = 'tenant') = (tenant IS NOT NULL)),
  CHECK (scope = 'app' OR NOT provision),
  CHECK (scope = 'operator' OR NOT superadmin)
);

-- columns: [{"name": …, "type": …, "not_null": …}] in attnum order.
CREATE TABLE pgreeve.tables (
  schema text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('sharded', 'reference')),
  tenant_column text NOT NULL DEFAULT '',
  columns jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (schema, name),
  CHECK ((kind = 'sharded') = (tenant_column <> ''))
);

-- Which Postgres role a backend logs in as, the same on every shard. Secrets.
CREATE TABLE pgreeve.backend_roles (
  class text PRIMARY KEY CHECK (class IN ('tenant', 'operator', 'owner')),
  username text NOT NULL,
  password text NOT NULL
);

-- The database where cross-shard results are combined.
CREATE TABLE pgreeve.combiner (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  node int NOT NULL REFERENCES pgreeve.nodes,
  database text NOT NULL,
  backends_max int NOT NULL DEFAULT 20
);

-- ---------------------------------------------------------------- audit

CREATE TABLE pgreeve.audit (
  id bigint PRIMARY KEY,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  verb text NOT NULL,
  object text NOT NULL,
  details jsonb NOT NULL,
  hash bytea NOT NULL  -- over the previous hash and this row
);

CREATE TABLE pgreeve.audit_head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  id bigint NOT NULL,
  hash bytea NOT NULL
);
INSERT INTO pgreeve.audit_head VALUES (true, 0, sha256('pgreeve'));

CREATE FUNCTION pgreeve.audit_hash(previous bytea, a pgreeve.audit) RETURNS bytea
LANGUAGE sql STABLE AS $f$
  SELECT sha256(previous || convert_to(jsonb_build_array(
    a.id, (extract(epoch FROM a.at) * 1000000)::bigint, a.actor, a.verb, a.object, a.details)::text, 'UTF8'))
$f$;

-- Appends under the lock of the head, so ids have no gaps and hashes no branches.
CREATE FUNCTION pgreeve.audit_append(actor text, verb text, object text, details jsonb) RETURNS void
LANGUAGE plpgsql AS $f$
DECLARE
  head pgreeve.audit_head;
  entry pgreeve.audit;
BEGIN
  SELECT * INTO head FROM pgreeve.audit_head FOR UPDATE;
  entry := (head.id + 1, clock_timestamp(), actor, verb, object, details, '');
  entry.hash := pgreeve.audit_hash(head.hash, entry);
  INSERT INTO pgreeve.audit VALUES (entry.*);
  UPDATE pgreeve.audit_head SET id = entry.id, hash = entry.hash;
END $f$;

-- The first row that does not follow from the one before it, or that is missing at the end.
CREATE FUNCTION pgreeve.audit_verify() RETURNS bigint
LANGUAGE sql STABLE AS $f$
  SELECT min(id) FROM (
    SELECT a.id FROM (
      SELECT a, a.id, a.hash, lag(a.hash, 1, sha256('pgreeve')) OVER (ORDER BY a.id) AS previous,
             lag(a.id, 1, 0::bigint) OVER (ORDER BY a.id) AS previous_id
        FROM pgreeve.audit a) a
     WHERE a.hash <> pgreeve.audit_hash(a.previous, a.a) OR a.id <> a.previous_id + 1
    UNION ALL
    SELECT h.id FROM pgreeve.audit_head h
     WHERE h.id > 0 AND NOT EXISTS (SELECT FROM pgreeve.audit a WHERE a.id = h.id AND a.hash = h.hash)) broken
$f$;
