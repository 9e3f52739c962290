/** What axe-core makes of a page, and whether it fits. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { takeScreenshot, type Opened } from './browser.ts';
import { until } from '../support/until.ts';

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

export const WIDTHS = [360, 768, 1440];

type Violation = { id: string; impact: string; nodes: { html: string; failureSummary: string }[] };

/** What axe-core finds serious, as texts. */
export async function seriousIssues({ page }: Opened): Promise<string[]> {
  if (!(await page.evaluate<boolean>("'axe' in globalThis"))) {
    // By the debugger's protocol, as the page's policy lets no script of others in.
    const session = await page.context().newCDPSession(page);
    await session.send('Runtime.evaluate', { expression: AXE });
  }
  // Colours that are still on their way to others have the contrast of neither; they set out with the next frame.
  await page.evaluate(
    'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))',
  );
  await page.evaluate(
    'Promise.all(document.getAnimations().filter((of) => of.effect.getComputedTiming().endTime < Infinity).map((of) => of.finished.catch(() => of)))',
  );
  const violations = await page.evaluate<Violation[]>(
    "axe.run({ resultTypes: ['violations'] }).then((results) => results.violations)",
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' ; ')}`,
    );
}

/** Nothing of it stands out at the side at any width, and axe-core finds nothing serious, light and dark. */
export async function looksRight(opened: Opened, name: string): Promise<void> {
  const { page } = opened;
  for (const colorScheme of ['light', 'dark'] as const) {
    // With motion, buttons would be on their way from the colours of one scheme to those of the other.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      // A chart takes its new width a frame later.
      await until(`${name} is not too wide at ${width}`, async () => {
        return Number(await page.evaluate('document.documentElement.scrollWidth - innerWidth')) <= 0;
      });
      assert.deepEqual(await seriousIssues(opened), []);
      await takeScreenshot(page, `${name}-${width}-${colorScheme}`);
    }
  }
}
