/** What axe-core makes of a page. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Opened } from './browser.ts';

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

type Violation = { id: string; impact: string; nodes: { html: string }[] };

/** What axe-core finds serious, as texts. */
export async function seriousIssues({ page }: Opened): Promise<string[]> {
  // By the debugger's protocol, as the page's policy lets no script of others in.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: AXE });
  // Colours that are still on their way to others have the contrast of neither.
  await page.evaluate(
    'Promise.all(document.getAnimations().filter((of) => of.effect.getComputedTiming().endTime < Infinity).map((of) => of.finished.catch(() => of)))',
  );
  const violations = await page.evaluate<Violation[]>('axe.run().then((results) => results.violations)');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ; ')}`);
}
