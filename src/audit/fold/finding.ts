/** Something that is not as it has to be: where, what was expected, what was found. */
export type Finding = {
  readonly check: CheckName;
  /** Of the event concerned, as digits; null where it concerns none. */
  readonly position: string | null;
  readonly walletId: string | null;
  readonly expected: string;
  readonly found: string;
};

/** What is checked, in the order of a report. */
export const CHECKS = {
  positions: 'positions have no gap',
  times: 'recorded_at never goes back, and nothing is decided after it is recorded',
  schema: 'every event is of a known type and version and fits its schema',
  zero_sum: 'each event sums to zero in each asset',
  balances: 'balances in the events are what the fold of the events gives',
  plain_sum: 'the plain sum of postings gives the same balances',
  floors: 'no wallet is taken below its limit',
  limits: 'no more is spent than the limits of the time allow',
  holds: 'holds pay out no more than they hold, once, and in time',
  lots: 'lots give no more than they have, and what is left of them ends in time',
  exchanges: 'exchanges give what their rate comes to, rounded down, and move just that',
  schedules: 'what is scheduled is done once, at its time or later, or not at all',
  reversals: 'no reversal takes back more than there was',
  entries: 'ledger entries are the legs of the events, with balance and number',
  keys: 'each idempotency key is counted once and points to its event',
  wallets: 'wallet heads are what the log says',
  hold_heads: 'holds are what the log says',
  lot_heads: 'lots are what the log says',
  schedule_heads: 'schedules are what the log says',
  personal: 'personal values are those whose digests the events hold, and are there unless they were erased',
  erased: 'users who were erased have no money, and nothing comes after',
  read_models: 'read models at their checkpoints are what the log says',
  sealing: 'the log goes on from what was signed of it last',
  sealed: 'the tree of the events is the one that was sealed',
  files: 'files of the export are whole and unchanged',
  checkpoints: 'checkpoints are signed, and their roots are those of the log',
} as const;

export type CheckName = keyof typeof CHECKS;

export type FindingList = {
  readonly add: (finding: Finding) => void;
  readonly items: readonly Finding[];
  /** How many there were, those beyond the bound too. */
  readonly count: () => number;
};

/**
 * Keeps the first `limit` findings of each check, and counts all: a log that is wrong throughout must not fill the memory, nor one
 * check push aside what another has found.
 */
export function createFindingList(limit: number): FindingList {
  const items: Finding[] = [];
  const counts = new Map<CheckName, number>();
  let count = 0;
  return {
    items,
    count: () => count,
    add(finding) {
      count += 1;
      const ofCheck = (counts.get(finding.check) ?? 0) + 1;
      counts.set(finding.check, ofCheck);
      if (ofCheck <= limit) items.push(finding);
    },
  };
}

export const ALL_CHECKS = (Object.keys(CHECKS) as CheckName[]).filter((check) => check !== 'files');

/** Of what came since a checkpoint: what was spent before it is not known. */
export const SINCE_CHECKS = ALL_CHECKS.filter((check) => check !== 'limits');

/** What the events alone can tell. */
export const EXPORT_CHECKS: readonly CheckName[] = [
  ...([
    'files',
    'positions',
    'times',
    'schema',
    'balances',
    'plain_sum',
    'floors',
    'holds',
    'lots',
    'exchanges',
    'schedules',
    'erased',
    'checkpoints',
  ] as const),
];

const UNSIGNED: Finding = {
  ...{ check: 'checkpoints', position: null, walletId: null },
  expected: 'a checkpoint of these events that is signed with one of the keys to trust',
  found: 'none: nobody vouches for them',
};

/** Whoever names the keys to trust wants to see what they have signed. */
export function requireSigned(
  findings: FindingList,
  { trusted, latest }: { trusted: readonly string[]; latest: object | null },
): void {
  const isSaid = findings.items.some(({ check }) => check === 'checkpoints');
  if (trusted.length > 0 && latest === null && !isSaid) findings.add(UNSIGNED);
}
