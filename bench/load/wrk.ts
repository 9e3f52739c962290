import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from '../child-process.ts';
import type { Generator, Load, LoadResult } from './generator.ts';
import { RESULT_MARK, renderWrkScript } from './wrk-script.ts';

type WrkOutput = {
  responses: number;
  durationUs: number;
  p50Us: number;
  p99Us: number;
  maxUs: number;
  badStatus: number;
  socketErrors: number;
  timeouts: number;
};

/** The version of the wrk on PATH, or undefined when there is none. */
export async function findWrk(): Promise<string | undefined> {
  // `wrk -v` prints its version and its usage, and exits 1.
  const probe = await runToEnd('wrk', ['-v']).catch(() => undefined);
  return probe?.output.match(/^wrk (\S+)/m)?.[1];
}

export function createWrk(version: string): Generator {
  return { name: `wrk ${version}`, run: runWrk };
}

async function runWrk(load: Load): Promise<LoadResult> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-bench-wrk-'));
  try {
    const script = join(directory, 'load.lua');
    await writeFile(script, renderWrkScript(new URL(load.baseUrl).host, load.plan));
    const { code, output } = await runToEnd('wrk', [
      // One thread is enough, the ceiling shows it, and it leaves the other cores to the systems.
      '--threads=1',
      `--connections=${load.connections}`,
      `--duration=${load.seconds}s`,
      '--timeout=10s',
      `--script=${script}`,
      load.baseUrl,
    ]);
    const line = output.split('\n').find((text) => text.startsWith(RESULT_MARK));
    if (code !== 0 || line === undefined) throw new Error(`wrk failed with code ${code}: ${output}`);
    return toResult(JSON.parse(line.slice(RESULT_MARK.length)) as WrkOutput);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function toResult(output: WrkOutput): LoadResult {
  const acknowledged = output.responses - output.badStatus;
  const seconds = output.durationUs / 1e6;
  return {
    acknowledged,
    failed: output.badStatus + output.socketErrors + output.timeouts,
    seconds,
    throughput: acknowledged / seconds,
    p50Ms: output.p50Us / 1000,
    p99Ms: output.p99Us / 1000,
    maxMs: output.maxUs / 1000,
  };
}
