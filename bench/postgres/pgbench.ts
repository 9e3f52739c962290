// pgbench's TPC-B-like transaction (three updates, a select, an insert, one commit): what PostgreSQL does on
// this machine with a client in C and no HTTP in between. A yardstick that nobody here has tuned.

import { runToEnd } from '../child-process.ts';

const SCALE = 10;

export type PgbenchResult = { clients: number; throughput: number; averageMs: number; failed: number };

export type Pgbench = { version: string; run(clients: number, seconds: number): Promise<PgbenchResult> };

/** Undefined when pgbench is not on PATH. */
export async function findPgbench(): Promise<string | undefined> {
  const probe = await runToEnd('pgbench', ['--version']).catch(() => undefined);
  return probe?.code === 0 ? probe.output.trim().replace(/^pgbench \(PostgreSQL\) /, '') : undefined;
}

export async function createPgbench(version: string, databaseUrl: string): Promise<Pgbench> {
  await pgbench(['--initialize', '--quiet', `--scale=${SCALE}`, databaseUrl]);
  return {
    version,
    async run(clients, seconds) {
      const output = await pgbench([
        '--protocol=prepared',
        `--client=${clients}`,
        `--jobs=${Math.min(clients, 2)}`,
        `--time=${seconds}`,
        '--no-vacuum',
        databaseUrl,
      ]);
      return {
        clients,
        throughput: numberAfter(output, /^tps = /m),
        averageMs: numberAfter(output, /^latency average = /m),
        failed: numberAfter(output, /^number of failed transactions: /m),
      };
    },
  };
}

async function pgbench(args: string[]): Promise<string> {
  const { code, output } = await runToEnd('pgbench', args);
  if (code !== 0) throw new Error(`pgbench failed with code ${code}: ${output}`);
  return output;
}

function numberAfter(output: string, label: RegExp): number {
  const match = label.exec(output);
  const value = match ? Number.parseFloat(output.slice(match.index + match[0].length)) : Number.NaN;
  if (Number.isNaN(value)) throw new Error(`pgbench printed no ${label.source}: ${output}`);
  return value;
}
