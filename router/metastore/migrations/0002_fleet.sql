-- What runs the fleet: leases of routers and of the rebalancer, requests for shards, the journal of
-- fleet DDL, two-phase decisions, measurements.

CREATE TABLE pgreeve.routers (
  name text PRIMARY KEY,
  incarnation bigint NOT NULL,
  address text NOT NULL,
  http_address text NOT NULL,
  acked_timeline bigint NOT NULL DEFAULT 0,
  acked_epoch bigint NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL DEFAULT now(),
  lease_until timestamptz NOT NULL
);

-- One row: who leads the rebalancers. The token grows with every change of leader.
CREATE TABLE pgreeve.leader (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  holder text NOT NULL,
  address text NOT NULL,
  token bigint NOT NULL,
  lease_until timestamptz NOT NULL
);

CREATE TABLE pgreeve.shard_requests (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tier text NOT NULL REFERENCES pgreeve.tiers,
  region text NOT NULL REFERENCES pgreeve.regions,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'taken', 'done', 'failed')),
  taken_by bigint,  -- the leader's token
  shard int REFERENCES pgreeve.shards ON DELETE SET NULL,
  error text NOT NULL DEFAULT '',
  requested_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX one_open_request ON pgreeve.shard_requests (tier, region)
  WHERE state IN ('waiting', 'taken');

-- Every statement that changed the schema of all shards: what a new shard replays.
CREATE TABLE pgreeve.schema_ddl (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sql text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
  actor text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE pgreeve.two_phase (
  gid text PRIMARY KEY,
  commit boolean NOT NULL,
  decided_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE pgreeve.tenant_sizes (
  tenant text COLLATE "C" PRIMARY KEY REFERENCES pgreeve.tenants ON DELETE CASCADE,
  bytes bigint NOT NULL,
  rows bigint NOT NULL,
  measured_at timestamptz NOT NULL DEFAULT now()
);

-- Sums of all routers in buckets of ten minutes.
CREATE TABLE pgreeve.tenant_load (
  tenant text COLLATE "C" NOT NULL,
  bucket timestamptz NOT NULL,
  queries bigint NOT NULL,
  server_time_us bigint NOT NULL,
  rows bigint NOT NULL,
  bytes bigint NOT NULL,
  PRIMARY KEY (tenant, bucket)
);
CREATE INDEX tenant_load_by_bucket ON pgreeve.tenant_load (bucket);
