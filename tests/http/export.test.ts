/** The export as a download: what is unpacked from it replays. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { fillLedger } from '../../bench/fill/fill-ledger.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { runCoffer } from '../support/coffer-process.ts';
import { startService, type Service } from '../support/service.ts';
import { until } from '../support/until.ts';
import { listen } from './raw-connection.ts';

const EVENTS = 140_000;

let database: TestDatabase;
let service: Service;
let port: number;
/** Where exports are written before they are sent, and others unpacked. */
let directory: string;

before(async () => {
  database = await createTestDatabase();
  await fillLedger({ url: database.url, events: EVENTS, fillOnly: true, log: () => undefined });
  directory = await mkdtemp(join(tmpdir(), 'coffer-download-'));
  process.env['TMPDIR'] = directory;
  service = await startService(database, { worker: false, config: { maxLagMs: 0 } });
  port = await listen(service);
});

after(async () => {
  await service.close();
  await database.drop();
  await rm(directory, { recursive: true });
});

async function open(path: string): Promise<IncomingMessage> {
  const request = get({ port, host: '127.0.0.1', path, agent: false });
  request.on('error', () => undefined);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('what is downloaded is the folder of an export, and replays', async () => {
  const response = await open('/audit/export?to=70000');
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers['content-type'], 'application/x-tar');
  assert.match(
    String(response.headers['content-disposition']),
    /^attachment; filename="coffer-export-main-1-70000\.tar"$/,
  );
  assert.ok(BigInt(String(response.headers['coffer-position'])) >= BigInt(EVENTS));
  const tar = join(directory, 'export.tar');
  await writeFile(tar, await bytesOf(response));
  const unpacked = await mkdtemp(join(directory, 'unpacked-'));
  await promisify(execFile)('tar', ['-xf', tar, '-C', unpacked]);
  const names = await readdir(unpacked);
  for (const name of ['manifest.json', 'events-1.ndjson.zst', 'events-65537.ndjson.zst', 'schemas'])
    assert.ok(names.includes(name), name);
  const replayed = await runCoffer(['audit', 'replay', unpacked], {});
  assert.equal(replayed.code, 0, replayed.output);
});

test('there is one at a time, and one whose client has gone leaves nothing behind', async () => {
  const stalled = await open('/audit/export');
  assert.equal(stalled.statusCode, 200);
  const refused = await service.get('/audit/export');
  assert.equal(refused.status, 503);
  assert.equal(refused.body.code, 'overloaded');
  stalled.destroy();
  await until('nothing is left of it', async () => {
    const names = await readdir(directory);
    return names.every((name) => !name.startsWith('coffer-export-'));
  });
  const next = await open('/audit/export?to=10');
  assert.equal(next.statusCode, 200);
  assert.ok((await bytesOf(next)).includes('manifest.json'));
});

test('positions that are not in the log are refused', async () => {
  for (const query of ['from=0', 'from=2&to=1', 'to=999999', 'from=x', 'limit=1'])
    assert.equal((await service.get(`/audit/export?${query}`)).status, 400, query);
  const unsealed = await service.get('/audit/export?from=2');
  assert.equal(unsealed.body.code, 'not_sealed_yet');
});
