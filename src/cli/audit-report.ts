/** What a verification came to, for people and for programs. */
import { CHECKS, type CheckName } from '../audit/fold/finding.ts';
import type { Verdict } from '../audit/fold/verdict.ts';

/** Of each check. */
const FINDINGS_SHOWN = 10;

/** Exit codes of verify and replay. */
export const CLEAN = 0;
export const FINDINGS = 1;
export const COULD_NOT_RUN = 2;

export function exitCodeOf(verdict: Verdict): number {
  return verdict.findingCount === 0 ? CLEAN : FINDINGS;
}

/** Positions and counts as strings of digits, as everywhere. */
export function verdictAsJson(verdict: Verdict): string {
  const digits = (_name: string, value: unknown): unknown =>
    typeof value === 'bigint' ? value.toString() : value;
  const { to, checkpoint } = verdict;
  const unsealed = to - (checkpoint?.size ?? 0n);
  const verified = verdict.findingCount === 0;
  return JSON.stringify({ verified, ...verdict, unsealed: unsealed > 0n ? unsealed : 0n }, digits, 2);
}

/** `checks`: those that were made. */
export function verdictAsText(verdict: Verdict, checks: readonly CheckName[]): string {
  const { from, to, seconds, counted, wallets, findings, findingCount } = verdict;
  const perSecond = Math.round(counted.events / Math.max(seconds, 0.001));
  const byCheck = Map.groupBy(findings, ({ check }) => check);
  const lines = [...new Set([...checks, ...byCheck.keys()])].map((check) => {
    const found = byCheck.get(check)?.length ?? 0;
    return `  ${found === 0 ? 'ok  ' : 'FAIL'}  ${CHECKS[check]}${found === 0 ? '' : `: ${countOf(found, 'finding')}`}`;
  });
  const shown = [...byCheck.values()].flatMap((found) => found.slice(0, FINDINGS_SHOWN));
  const shownLines = shown.flatMap(({ check, position, walletId, expected, found }) => {
    const where = [
      position === null ? '' : ` at position ${position}`,
      walletId === null ? '' : `, wallet ${walletId}`,
    ];
    return [`${check}${where.join('')}`, `    expected  ${expected}`, `    found     ${found}`];
  });
  const rest = findingCount - shown.length;
  return [
    `Positions ${from} to ${to}: ${counted.events} events, ${wallets} wallets, in ${seconds.toFixed(1)} s (${perSecond} events/s)`,
    ...lines,
    sealedLine(verdict),
    ...(shown.length > 0 ? ['', ...shownLines] : []),
    ...(rest > 0 ? [`... and ${rest} more`] : []),
    '',
    findingCount === 0 ? `Verified up to ${to}.` : `NOT verified: ${countOf(findingCount, 'finding')}.`,
  ].join('\n');
}

function sealedLine({ checkpoint, checkpoints, to }: Verdict): string {
  if (checkpoint === null) return `  Sealed: nothing; all events are unsealed.`;
  const unsealed = to - checkpoint.size;
  const after = unsealed > 0n ? `, and ${unsealed} unsealed after it` : '';
  return `  Sealed: ${countOf(checkpoints, 'checkpoint')}, the last one of ${checkpoint.origin} with ${checkpoint.size} events${after}.`;
}

/** `1 finding`, `2 findings`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
