import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uuidv7 } from '../src/uuid.ts';

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('has the time first, to the millisecond: the example of RFC 9562, appendix A.6', () => {
  const ms = Date.parse('2022-02-22T14:22:22.000-05:00');
  assert.match(uuidv7(ms), V7);
  assert.equal(uuidv7(ms).slice(0, 14), '017f22e2-79b0-');
  assert.equal(uuidv7(0).slice(0, 15), '00000000-0000-7');
  assert.equal(uuidv7(2 ** 48 - 1).slice(0, 15), 'ffffffff-ffff-7');
  assert.match(uuidv7(2 ** 48), V7);
  const before = Date.now();
  const id = uuidv7();
  const time = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  assert.ok(time >= before && time <= Date.now());
});

test('ids of different times do not mix', () => {
  const made = [5, 6, 5, 7].map((ms) => uuidv7(ms).slice(0, 13));
  assert.deepEqual(made, ['00000000-0005', '00000000-0006', '00000000-0005', '00000000-0007']);
});

test('each is another, and each digit that is random has all its values', () => {
  const ids = Array.from({ length: 20_000 }, () => uuidv7());
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id) => V7.test(id)));
  const random = [15, 16, 17, 20, 21, 22, ...Array.from({ length: 12 }, (_none, index) => 24 + index)];
  for (const at of random) {
    const counts = new Map<string, number>();
    for (const id of ids) counts.set(id.charAt(at), (counts.get(id.charAt(at)) ?? 0) + 1);
    assert.equal(counts.size, 16, `digit ${at}`);
    // 1,250 are expected of each; nine standard deviations are 308.
    for (const count of counts.values()) assert.ok(Math.abs(count - 1_250) < 308, `digit ${at}: ${count}`);
  }
  assert.equal(new Set(ids.map((id) => id.charAt(19))).size, 4);
});

test('digits of one id do not follow from each other', () => {
  // Of two random digits all pairs occur: 256 of 20,000.
  const ids = Array.from({ length: 20_000 }, () => uuidv7());
  for (const [left, right] of [
    [15, 16],
    [19, 20],
    [20, 21],
    [15, 35],
  ] as const) {
    const pairs = new Set(ids.map((id) => id.charAt(left) + id.charAt(right)));
    assert.equal(pairs.size, left === 19 ? 64 : 256);
  }
});
