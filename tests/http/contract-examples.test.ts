/** The examples of the OpenAPI document are held to its schemas. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openContract, pointerTo, type Contract } from './contract.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- a document of many shapes
type Any = any;

let contract: Contract;

before(async () => {
  contract = await openContract();
});

after(() => contract.close());

test('the examples of the document fit its schemas', () => {
  const { document, expectValid } = contract;
  let seen = 0;
  const visit = (node: Any, names: string[]): void => {
    if (typeof node !== 'object' || node === null) return;
    if (typeof node.schema === 'object' && typeof node.examples === 'object') {
      for (const [name, example] of Object.entries<Any>(node.examples)) {
        const { value } = typeof example.$ref === 'string' ? document.components.examples[name] : example;
        expectValid(pointerTo(...names, 'schema'), value);
        seen += 1;
      }
    }
    if (typeof node.schema === 'object' && 'example' in node) {
      expectValid(pointerTo(...names, 'schema'), node.example);
      seen += 1;
    }
    for (const [name, inner] of Object.entries(node)) visit(inner, [...names, name]);
  };
  visit(document.paths, ['paths']);
  assert.ok(seen > 200, `${seen} examples`);
  for (const [name, schema] of Object.entries<Any>(document.components.schemas)) {
    for (const example of schema.examples ?? [])
      expectValid(pointerTo('components', 'schemas', name), example);
  }
});
