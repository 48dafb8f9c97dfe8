// node-postgres through the router. Prints "ok name" or "FAIL name: why" for each test.
// TABLE, and libpq's variables for the routed (PG*) and the direct (DIRECT_PG*) address.
import assert from 'node:assert/strict';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import pg from 'pg';
import Cursor from 'pg-cursor';
import copyStreams from 'pg-copy-streams';

const table = process.env.TABLE;

function settings(prefix) {
  const e = (name) => process.env[prefix + name];
  return {
    host: e('PGHOST'), port: Number(e('PGPORT')), user: e('PGUSER'), password: e('PGPASSWORD'),
    database: e('PGDATABASE'), options: e('PGOPTIONS'),
  };
}

async function withClient(prefix, work) {
  const client = new pg.Client(settings(prefix));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

// Over both addresses; the results must be equal.
async function both(work) {
  const results = [];
  for (const prefix of ['', 'DIRECT_']) {
    results.push(await withClient(prefix, async (client) => {
      await client.query(`DELETE FROM ${table}`);
      return work(client);
    }));
  }
  assert.deepEqual(results[0], results[1]);
  return results[0];
}

const insert = `INSERT INTO ${table} (id, name, price) VALUES ($1, $2, $3)`;

const tests = {
  async connect() {
    await withClient('', async (client) => {
      const { rows } = await client.query('SELECT 1 + 1 AS two');
      assert.deepEqual(rows, [{ two: 2 }]);
    });
  },
  async crud() {
    await both(async (client) => {
      await client.query(insert, [1, 'ann', 1.5]);
      await client.query(insert, [2, 'bob', null]);
      const changed = await client.query(
        `UPDATE ${table} SET name = $1 WHERE id = $2 RETURNING id, name`, ['eve', 2]);
      const gone = await client.query(`DELETE FROM ${table} WHERE id = $1`, [1]);
      const left = await client.query(`SELECT id, name, price FROM ${table}`);
      return [changed.rows, gone.rowCount, left.rows, left.fields.map((f) => [f.name, f.dataTypeID])];
    });
  },
  async types() {
    await both(async (client) => {
      await client.query(
        `INSERT INTO ${table} (id, name, price, tags, doc, made, raw) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [1, "it's ünïcode", '12.34', ['a', null, 'b,c'], { a: [1, { b: null }] },
          new Date('2020-02-29T12:00:00Z'), Buffer.from([0, 1, 254, 255])]);
      return (await client.query(`SELECT name, price, tags, doc, made, raw FROM ${table}`)).rows;
    });
  },
  async transactions() {
    await both(async (client) => {
      await client.query('BEGIN');
      await client.query(insert, [1, 'a', 1]);
      await client.query('ROLLBACK');
      await client.query('BEGIN');
      await client.query(insert, [2, 'b', 2]);
      await client.query('SAVEPOINT s');
      await assert.rejects(client.query(insert, [2, 'b', 2]), { code: '23505' });
      await client.query('ROLLBACK TO SAVEPOINT s');
      await client.query('COMMIT');
      return (await client.query(`SELECT id FROM ${table}`)).rows;
    });
  },
  async namedStatements() {
    await both(async (client) => {
      const seen = [];
      for (let i = 0; i < 20; i++) {
        await client.query({ name: 'put', text: insert, values: [i, `n${i}`, i] });
        const { rows } = await client.query(
          { name: 'get', text: `SELECT name FROM ${table} WHERE id = $1`, values: [i] });
        seen.push(rows);
      }
      return seen;
    });
  },
  async namedStatementsOfManyClients() {
    const clients = [];
    for (let i = 0; i < 30; i++) {
      const client = new pg.Client(settings(''));
      await client.connect();
      clients.push(client);
    }
    try {
      for (let turn = 0; turn < 5; turn++) {
        const values = await Promise.all(clients.map((client, i) => client.query(
          { name: 's', text: `SELECT $1::int * ${i + 1} AS v`, values: [turn] })));
        values.forEach(({ rows }, i) => assert.equal(rows[0].v, turn * (i + 1)));
      }
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  },
  async queuedQueries() {
    await both(async (client) => {
      const promises = [];
      for (let i = 0; i < 50; i++) promises.push(client.query('SELECT $1::int AS n', [i]));
      return (await Promise.all(promises)).map((r) => r.rows[0].n);
    });
  },
  async pool() {
    const pool = new pg.Pool({ ...settings(''), max: 5 });
    try {
      const found = await Promise.all(Array.from({ length: 60 }, (_, i) => pool.query(
        'SELECT $1::int AS n', [i])));
      assert.deepEqual(found.map((r) => r.rows[0].n), Array.from({ length: 60 }, (_, i) => i));
    } finally {
      await pool.end();
    }
  },
  async cursors() {
    await both(async (client) => {
      await client.query(`INSERT INTO ${table} (id) SELECT generate_series(1, 25)`);
      const cursor = client.query(new Cursor(`SELECT id FROM ${table} WHERE id > $1 ORDER BY id`, [5]));
      const first = await cursor.read(7);
      const second = await cursor.read(7);
      await cursor.close();
      const after = await client.query(`SELECT count(*)::int AS n FROM ${table}`);
      return [first, second, after.rows];
    });
  },
  async copy() {
    await both(async (client) => {
      const stream = client.query(copyStreams.from(`COPY ${table} (id, name) FROM STDIN`));
      await pipeline(Readable.from(Array.from({ length: 300 }, (_, i) => `${i}\tn${i}\n`)), stream);
      const out = client.query(copyStreams.to(
        `COPY (SELECT id, name FROM ${table} ORDER BY id) TO STDOUT`));
      let text = '';
      for await (const chunk of out) text += chunk;
      return [text, (await client.query('SELECT 1 AS one')).rows];
    });
  },
  async severalStatements() {
    await both(async (client) => {
      const results = await client.query('SELECT 1 AS a; SELECT 2 AS b, 3 AS c');
      return results.map((r) => r.rows);
    });
  },
  async errors() {
    await both(async (client) => {
      const found = [];
      for (const [sql, values] of [['SELEC'], ['SELECT * FROM nowhere'], ['SELECT $1::int', ['x']],
        ['SELECT 1 / $1::int', [0]], ['SELECT 1 a b']]) {
        try {
          await client.query(sql, values);
          found.push('no error');
        } catch (error) {
          found.push([error.code, error.message, error.position, error.severity]);
        }
        found.push((await client.query('SELECT 1 AS one')).rows);
      }
      return found;
    });
  },
  async notices() {
    await both(async (client) => {
      const heard = [];
      client.on('notice', (notice) => heard.push(notice.message));
      await client.query("SET LOCAL work_mem = '5MB'");
      await client.query('ROLLBACK');
      return heard;
    });
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${String(error.message).replaceAll('\n', ' | ')}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
