/**
 * What stands beside the log, rewritten by a superuser. All is spoiled in one copy of a ledger, in places of its own each; every place has
 * to be found, with what was looked at, and nothing else blamed.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { CheckName, Finding } from '../../src/audit/fold/finding.ts';
import type { Verdict } from '../../src/audit/fold/verdict.ts';
import { openFilledLedger, verifyAll, type Copy, type FilledLedger } from './filled-ledger.ts';

export const EVENTS = 1_500;

/** What a query for a place to spoil has found. */
export type Place = Readonly<Record<string, string>>;

export type Spoiling = {
  readonly what: string;
  /** Finds a place, as a row of texts. */
  readonly where: string;
  readonly spoil: (place: Place) => string;
  readonly check: CheckName;
  /** Of the finding; the place's own without. */
  readonly position?: string | null;
  readonly walletId?: string | null;
  /** In what was expected of the finding. */
  readonly names?: (place: Place) => string;
};

/** Opened before the tests of the file, and closed behind them. */
export function spoilableLedger(): () => FilledLedger {
  let ledger: FilledLedger;
  before(async () => {
    ledger = await openFilledLedger({ events: EVENTS, sealedAt: [300, 700, 1_300] });
  });
  after(() => ledger.close());
  return () => ledger;
}

/** Rows of a table, in the order of a column: one changed, one deleted, one added, one there twice. */
export function rowsOf(of: {
  table: string;
  check: CheckName;
  key: string;
  change: string;
  /** What is different in the row that is added. */
  added: string;
  where?: string;
  /** Rows to leave out. */
  from?: number;
}): Spoiling[] {
  const { table, check, key: column, change, added, where = 'true', from = 0 } = of;
  const position = EVENTS.toString();
  const row = (nth: number): string =>
    `select ${column}::text as key, ctid::text from ${table} where ${where} order by ${column} offset ${from + nth} limit 1`;
  const insertLike = ({ ctid }: Place, overrides: string): string => `
create temporary table one as select * from ${table} where ctid = '${ctid}';
update one set ${overrides};
insert into ${table} select * from one;
drop table one`;
  const ofRow = { check, position, names: (place: Place): string => String(place['key']) };
  return [
    {
      ...{ ...ofRow, what: `${table}: a changed row`, where: row(0) },
      spoil: ({ ctid }) => `update ${table} set ${change} where ctid = '${ctid}'`,
    },
    {
      ...{ ...ofRow, what: `${table}: a deleted row`, where: row(1) },
      spoil: ({ ctid }) => `delete from ${table} where ctid = '${ctid}'`,
    },
    {
      ...{ ...ofRow, what: `${table}: an added row`, where: row(2), names: () => 'no row' },
      spoil: (place) => insertLike(place, added),
    },
    {
      ...{ ...ofRow, what: `${table}: a row that is there twice`, where: row(3) },
      spoil: (place) => insertLike(place, 'ledger_id = 1'),
    },
  ];
}

/** `besides`: checks that may find something too. */
export function spoilAll(
  ledger: () => FilledLedger,
  spoilings: readonly Spoiling[],
  besides: readonly CheckName[] = [],
): void {
  const places = new Map<Spoiling, Place>();
  let copy: Copy;
  let verdict: Verdict;

  before(async () => {
    copy = await ledger().copy();
    await dropConstraints(copy);
    for (const spoiling of spoilings) {
      const { rows } = await copy.superuser.query<Place>(spoiling.where);
      assert.ok(rows[0], `a place for ${spoiling.what}`);
      places.set(spoiling, rows[0]);
    }
    for (const [{ spoil }, place] of places) await copy.superuser.query(spoil(place));
    verdict = await verifyAll(copy.url);
  });
  after(() => copy.drop());

  function isOf(spoiling: Spoiling, finding: Finding): boolean {
    const place = places.get(spoiling) ?? {};
    const position = spoiling.position === undefined ? (place['position'] ?? null) : spoiling.position;
    const walletId = spoiling.walletId === undefined ? (place['walletId'] ?? null) : spoiling.walletId;
    return (
      finding.check === spoiling.check &&
      finding.position === position &&
      (walletId === null || finding.walletId === walletId) &&
      (spoiling.names === undefined || finding.expected.includes(spoiling.names(place)))
    );
  }

  for (const spoiling of spoilings)
    test(`${spoiling.what}: found`, () => {
      const found = verdict.findings.filter((finding) => isOf(spoiling, finding));
      assert.notEqual(found.length, 0, JSON.stringify([places.get(spoiling), verdict.findings], null, 1));
    });

  test('nothing else is blamed', () => {
    const others = verdict.findings.filter(
      (finding) => !besides.includes(finding.check) && !spoilings.some((spoiling) => isOf(spoiling, finding)),
    );
    assert.deepEqual(others, []);
  });
}

/** The owner of a table can do so: then nothing is in the way. */
async function dropConstraints({ superuser }: Copy): Promise<void> {
  await superuser.query(`
do $$
declare
  of record;
begin
  for of in
    select conrelid::regclass as name, conname
      from pg_constraint
     where connamespace in ('public'::regnamespace, 'read'::regnamespace)
       and contype in ('p', 'u', 'c')
       and conrelid::regclass::text !~ '^(audit_|ledgers)'
  loop
    execute format('alter table %s drop constraint %I cascade', of.name, of.conname);
  end loop;
end
$$`);
}
