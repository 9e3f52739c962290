/** The OpenAPI document as a running service gives it, and answers held to what it says of them. */
import assert from 'node:assert/strict';
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createTestDatabase } from '../support/database.ts';
import { startService, type Reply } from '../support/service.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a document of many shapes
type Any = any;

export type Contract = Awaited<ReturnType<typeof openContract>>;

/** With a database and a service of its own. */
export async function openContract() {
  const database = await createTestDatabase();
  const service = await startService(database);
  const document = (await service.get('/openapi.json')).body;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ ...closed(structuredClone(document)), $id: 'document' });
  const toured = new Set<string>();

  function expectValid(pointer: string, body: unknown): void {
    const validate = ajv.getSchema(`document#${pointer}`);
    assert.ok(validate, `there is no schema at ${pointer}`);
    assert.ok(
      validate(body),
      `${pointer}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body, null, 1)}`,
    );
  }

  function expectContract(method: 'get' | 'post', template: string, reply: Reply, status: number): void {
    assert.equal(reply.status, status, reply.text);
    const response = document.paths[template][method].responses[status];
    assert.ok(response, `${method} ${template} has no ${status}`);
    const type = String(reply.headers['content-type']).split(';')[0] ?? '';
    assert.ok(response.content[type], `${method} ${template} ${status} has no ${type}`);
    const schema = ['paths', template, method, 'responses', status.toString(), 'content', type, 'schema'];
    expectValid(pointerTo(...schema), reply.body ?? reply.text);
    const required = ['X-Request-Id', 'Coffer-Position', 'Retry-After'];
    for (const header of required) {
      const declared = Object.hasOwn(response.headers, header);
      // Faults have a position where the ledger was looked at for them.
      if (declared && !(header === 'Coffer-Position' && [400, 503].includes(status)))
        assert.ok(reply.headers[header.toLowerCase()], `${template} ${status}: ${header}`);
      if (!declared)
        assert.equal(reply.headers[header.toLowerCase()], undefined, `${template} ${status}: ${header}`);
    }
    toured.add(`${method} ${template}`);
  }

  /** Each operation that `concerned` says yes to has been seen. */
  function expectTourOf(concerned: (path: string) => boolean): void {
    const all = Object.entries<Any>(document.paths).flatMap(([path, methods]) =>
      concerned(path) ? Object.keys(methods).map((method) => `${method} ${path}`) : [],
    );
    assert.ok(all.length > 0);
    assert.deepEqual([...toured].filter((one) => concerned(one.split(' ')[1] ?? '')).sort(), all.sort());
  }

  async function close(): Promise<void> {
    await service.close();
    await database.drop();
  }

  return { service, document, expectValid, expectContract, expectTourOf, close };
}

/** Answers may get new fields in time, but today's tests know all of today's. A problem's depend on its code. */
function closed(value: Any): Any {
  if (typeof value !== 'object' || value === null) return value;
  for (const [name, inner] of Object.entries<Any>(value)) if (name !== 'Problem') closed(inner);
  if (value.type === 'object' && typeof value.properties === 'object') value.additionalProperties ??= false;
  return value;
}

export function pointerTo(...names: string[]): string {
  return names
    .map((name) => `/${encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))}`)
    .join('');
}
