/** What the snapshot tells by itself: rows that belong to no position of the log, and read models ahead of it. */
import type { Pool } from 'pg';
import type { Chain } from '../fold/chain.ts';
import type { CheckName, FindingList } from '../fold/finding.ts';
import type { Snapshot } from './snapshot.ts';

export function checkSnapshot(
  { outside, projected, head, incarnations, clock, refusal }: Snapshot,
  chain: Chain,
  findings: FindingList,
): void {
  const nowhere = { position: null, walletId: null };
  const report = (check: CheckName, position: bigint | null, what: string): void => {
    if (position === null) return;
    const place = { position: position.toString(), walletId: null };
    findings.add({ check, ...place, expected: `${what} within 1 to ${head}`, found: `one at ${position}` });
  };
  report('positions', outside.event, 'events');
  report('entries', outside.entry, 'entries');
  report('read_models', outside.transaction, 'transactions, as far as they were projected,');
  for (const { sealed, origin } of incarnations)
    if (sealed > head)
      findings.add({
        check: 'sealed',
        ...nowhere,
        expected: `${sealed} events, which ${origin} has sealed`,
        found: `${head} events`,
      });
  if (clock !== null)
    findings.add({
      ...{ check: 'times', position: head.toString(), walletId: null },
      expected: `the ledger's clock at ${clock.expected}, when its last event was recorded`,
      found: clock.found,
    });
  if (refusal !== null) {
    const expected = 'a log that goes on from what was signed of it';
    findings.add({ check: 'sealing', ...nowhere, expected, found: refusal });
  }
  for (const [projection, position] of projected) {
    if (position <= head) continue;
    findings.add({
      check: 'read_models',
      ...nowhere,
      expected: `${projection} at ${head} or before`,
      found: position.toString(),
    });
  }
  if (chain.position() < head) throw new Error(`verified ${chain.position()} events of ${head}`);
}

/** Each key of the log was found where it belongs: as many as there are, so there are no others. */
export async function checkKeyCount(
  pool: Pool,
  ledgerId: number,
  expected: number,
  { from, to }: { from: bigint; to: bigint },
  findings: FindingList,
): Promise<void> {
  const { rows } = await pool.query<{ within: bigint; outside: bigint }>({
    text: `
select count(*) filter (where k.position > $2::bigint and k.position <= $3::bigint) as within,
       count(*) filter (where k.position < 1 or k.position > l.head_position) as outside
  from idempotency_keys k
  join ledgers l
    on l.id = k.ledger_id
 where k.ledger_id = $1::integer`,
    values: [ledgerId, from, to],
  });
  const { within, outside } = rows[0] ?? { within: 0n, outside: 0n };
  const place = { position: null, walletId: null };
  if (within !== BigInt(expected))
    findings.add({ check: 'keys', ...place, expected: `${expected} keys`, found: `${within} keys` });
  if (outside > 0n)
    findings.add({ check: 'keys', ...place, expected: 'keys of events', found: `${outside} keys of none` });
}
