// What a long log costs the commands that come after it: the same top-ups on a log that has just begun and on one of millions of events, by
// turns, with keys that start with the time and with such that land anywhere in their index. Only on request: the log takes a while to make.

import { topups } from '../load/plan.ts';
import { withClient } from '../postgres/client.ts';
import type { System } from '../systems/system.ts';
import { alternate, systemContender, type Contender } from './alternate.ts';
import type { Bench, Fact, Figures, Row, Scenario } from './scenario.ts';

const CONNECTIONS = 256;

const KEYS = ['timed', 'random'] as const;
type Keys = (typeof KEYS)[number];

/** Rows are named for the log and the keys. */
export const rowName = (log: 'empty' | 'long', keys: Keys): string => `${log} log, ${keys} keys`;

export const growth: Scenario = {
  name: 'growth',
  title: `top-ups of one asset on a long log, ${CONNECTIONS} connections`,
  onRequest: true,
  async run(bench) {
    const { system: long, events, bytesPerEvent } = await bench.longLog();
    const empty = await bench.emptyLog();
    const bytes = new Map<string, number[]>();
    const contenders = KEYS.flatMap((keys) => [
      weighed(bench, { system: empty, name: rowName('empty', keys), keys, bytes }),
      weighed(bench, { system: long, name: rowName('long', keys), keys, bytes }),
    ]);
    const rows = await alternate(bench, contenders);
    return {
      rows,
      facts: [
        { name: 'events', label: 'events of the long log', value: events, unit: 'events' },
        {
          name: 'bytes',
          label: 'the long log takes on disk, all in all',
          value: bytesPerEvent,
          unit: 'B/event',
        },
        ...rows.flatMap((row) => costFacts(row, bytes.get(row.system) ?? [])),
      ],
    };
  },
};

type Weighed = { system: System; name: string; keys: Keys; bytes: Map<string, number[]> };

/** Notes what each measurement made the database grow by, too: tables, indexes, heads and read models. */
function weighed(bench: Bench, { system, name, keys, bytes }: Weighed): Contender {
  const plan = { ...topups(system.users, system.assetSlug), keys };
  const contender = systemContender(bench, system, { plan, connections: CONNECTIONS });
  return {
    name,
    async measure(round): Promise<Figures> {
      const before = await sizeOf(system);
      const acknowledged = system.tally.acknowledged;
      const figures = await contender.measure(round);
      const commands = system.tally.acknowledged - acknowledged;
      bytes.set(name, [...(bytes.get(name) ?? []), ((await sizeOf(system)) - before) / commands]);
      return figures;
    },
  };
}

async function sizeOf({ databaseUrl }: System): Promise<number> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ size: string }>(
      'select pg_database_size(current_database()) as size',
    );
    return Number(rows[0]?.size);
  });
}

function costFacts({ system, walBytesPerCommand }: Row, bytes: readonly number[]): Fact[] {
  const mean = bytes.reduce((sum, value) => sum + value, 0) / bytes.length;
  return [
    { name: `${system}, bytes`, label: `${system}: grown by`, value: mean, unit: 'B/transaction' },
    {
      name: `${system}, wal`,
      label: `${system}: WAL`,
      value: walBytesPerCommand ?? Number.NaN,
      unit: 'B/transaction',
    },
  ];
}
