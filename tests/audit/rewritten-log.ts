/** A log that a superuser rewrites: copies of it, and where in it what is rewritten stands. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { CheckName, Finding } from '../../src/audit/fold/finding.ts';
import type { Verdict } from '../../src/audit/fold/verdict.ts';
import { openFilledLedger, type Copy, type FilledLedger } from './filled-ledger.ts';

export const EVENTS = 1_500;
/** What comes after is not sealed. */
export const SEALED = 1_300;

export type Place = { readonly position: bigint; readonly [name: string]: unknown };

export type Rewritable = {
  readonly ledger: () => FilledLedger;
  withCopy<Result>(work: (copy: Copy) => Promise<Result>): Promise<Result>;
};

/** Opened before the tests of the file, and closed behind them. */
export function rewritableLedger(): Rewritable {
  let ledger: FilledLedger;
  before(async () => {
    ledger = await openFilledLedger({ events: EVENTS, sealedAt: [300, 700, SEALED] });
  });
  after(() => ledger.close());
  return {
    ledger: () => ledger,
    async withCopy(work) {
      const copy = await ledger.copy();
      try {
        await copy.superuser.query(`
alter table events drop constraint events_position_check;
alter table wallets drop constraint wallets_floor`);
        return await work(copy);
      } finally {
        await copy.drop();
      }
    },
  };
}

export async function placeOf({ superuser }: Copy, query: string): Promise<Place> {
  const { rows } = await superuser.query<{ position: string }>(query);
  assert.ok(rows[0], query);
  return { ...rows[0], position: BigInt(rows[0].position) };
}

export function findingsAt(verdict: Verdict, check: CheckName, position: bigint | null): Finding[] {
  return verdict.findings.filter(
    (finding) => finding.check === check && finding.position === (position?.toString() ?? null),
  );
}

/** What is added to the digits at a path of an event's data. */
export const posting = (path: string, by: number): string =>
  `to_jsonb(((data::jsonb #>> '${path}')::numeric + ${by})::text)`;
