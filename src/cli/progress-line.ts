/** How long work is shown: a line that is rewritten on a terminal, plain lines elsewhere. */

/** Where lines cannot be rewritten, there is one a second at most. */
const LINE_INTERVAL_MS = 1_000;
const REWRITE_INTERVAL_MS = 100;

export type Channel = { readonly isTTY?: boolean; write(text: string): unknown };

export type ProgressLine = { show(line: string): void; end(): void };

export function createProgressLine(channel: Channel): ProgressLine {
  const interval = channel.isTTY === true ? REWRITE_INTERVAL_MS : LINE_INTERVAL_MS;
  let lastLine = '';
  let lastShown = Number.NEGATIVE_INFINITY;
  return {
    show(line) {
      if (line === lastLine || performance.now() - lastShown < interval) return;
      channel.write(channel.isTTY === true ? `\r${line.padEnd(lastLine.length)}` : `${line}\n`);
      lastLine = line;
      lastShown = performance.now();
    },
    end() {
      if (channel.isTTY === true && lastLine !== '') channel.write('\n');
    },
  };
}

const BAR = 24;

/** A bar, percent, events a second and the time left, of work on a log. */
export function createEventsProgress(channel: Channel): {
  show(progress: { done: bigint; total: bigint }): void;
  end(): void;
} {
  const line = createProgressLine(channel);
  const startedAt = performance.now();
  return {
    show({ done, total }) {
      const seconds = (performance.now() - startedAt) / 1_000;
      const share = total === 0n ? 1 : Number((done * 1_000n) / total) / 1_000;
      const filled = Math.round(share * BAR);
      const bar = `[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}]`;
      const perSecond = Math.round(Number(done) / Math.max(seconds, 0.001));
      const left = share === 0 ? '' : `, ${Math.ceil((seconds * (1 - share)) / share)} s left`;
      line.show(
        `${bar} ${Math.floor(share * 100)} %, ${done} of ${total} events, ${perSecond} events/s${left}`,
      );
    },
    end: () => line.end(),
  };
}
