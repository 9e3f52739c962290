/** A line is looked through as if it were compared with the line that it should be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryLine, isEntryLine } from '../../src/audit/fold/entry-lines.ts';

const AT = '2026-01-01T00:00:00.120Z';
const entry = {
  leg: 1,
  walletId: '01941f29-7c07-70e5-b07c-f9f019867eb4',
  assetId: '01941f29-7c07-7098-b59c-faab3df14f60',
  seq: 12n,
  amount: -345n,
  balanceAfter: 0n,
  heldAfter: 67n,
};

test('a line is that of its entry, and no other is: not a longer, a shorter or a changed one', () => {
  const line = entryLine(entry, AT);
  assert.equal(line.split('\t').length, 8);
  assert.equal(isEntryLine(line, entry, AT), true);
  assert.equal(isEntryLine('', entry, AT), false);
  for (let at = 0; at <= line.length; at += 1) {
    const [before, after] = [line.slice(0, at), line.slice(at)];
    const others = [before, `${before}0${after}`, `${before}\t${after}`, `${before}x${after.slice(1)}`];
    for (const other of others.filter((each) => each !== line))
      assert.equal(isEntryLine(other, entry, AT), false, JSON.stringify(other));
  }
});
