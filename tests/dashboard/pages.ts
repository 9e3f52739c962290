/** How every page looks to the browser, to those who cannot see it, and to the clock. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { newHolder, spend, topUp } from '../http/payments.ts';
import { looksRight, seriousIssues, WIDTHS } from './accessibility.ts';
import { button, seen, takeScreenshot, type Opened, type Stage } from './browser.ts';

const PAGES = ['wallets', 'activity', 'assets', 'operations', 'audit'] as const;
/** As 360 px with larger letters. */
const NARROWEST = 320;
const MIN_TARGET_PX = 24;
const MAX_FIRST_PAINT_MS = 1_000;
const RELOADS = 8;

export function everyPage(current: () => Stage): void {
  describe('Every page', () => {
    let stage: Stage;

    before(() => {
      stage = current();
    });

    /** What every page has once it is there. */
    async function openPage(name: string, options: Parameters<Stage['open']>[1] = {}): Promise<Opened> {
      const opened = await stage.open(`#/${name}`, options);
      await opened.page.getByRole('heading', { level: 1 }).waitFor();
      await seen(opened.page, /Updated/);
      await opened.page.locator('main').locator('section, p.border-dashed').first().waitFor();
      return opened;
    }

    for (const name of PAGES) {
      test(`${name} is accessible, fits from 360 px and raises no complaint, light and dark`, async () => {
        const opened = await openPage(name);
        await looksRight(opened, name);
        assert.deepEqual(opened.complaints(), []);
        await opened.close();
      });
    }

    test('shows the links to all pages at any width, with no bar to scroll them, large enough to be touched', async () => {
      const { page, close } = await openPage('wallets');
      const nav = page.getByRole('navigation', { name: 'Pages' });
      for (const width of [NARROWEST, ...WIDTHS]) {
        await page.setViewportSize({ width, height: 900 });
        const hidden = await nav.evaluate((element) => element.scrollWidth - element.clientWidth);
        assert.ok(hidden <= 0, `${hidden} px of the links are hidden at ${width}`);
        const boxes = await nav
          .getByRole('link')
          .evaluateAll((links) => links.map((link) => link.getBoundingClientRect().toJSON()));
        assert.equal(boxes.length, PAGES.length);
        for (const { right, height } of boxes) {
          assert.ok(height >= MIN_TARGET_PX, `${height} px high at ${width}`);
          assert.ok(right <= width, `ends at ${right} px of ${width}`);
        }
      }
      await close();
    });

    test('is reached by its link', async () => {
      const { page, close } = await openPage('wallets');
      for (const name of ['Activity', 'Assets', 'Operations', 'Audit', 'Wallets']) {
        await page.getByRole('link', { name, exact: true }).click();
        await page.getByRole('heading', { level: 1, name }).waitFor();
        assert.match(page.url(), new RegExp(`#/${name.toLowerCase()}$`));
      }
      await close();
    });

    test('an opened transaction is accessible too', async () => {
      const opened = await openPage('wallets');
      await opened.page
        .getByRole('region', { name: 'History', exact: true })
        .getByRole('link')
        .first()
        .click();
      await opened.page.getByRole('dialog').getByText('treasury').waitFor();
      assert.deepEqual(await seriousIssues(opened), []);
      await takeScreenshot(opened.page, 'transaction');
      await opened.close();
    });

    test('something is painted within a second', async () => {
      const { page, close } = await openPage('wallets');
      // The quickest of some: other tests run beside this one.
      let quickest = Infinity;
      for (let reload = 1; reload <= RELOADS && quickest >= MAX_FIRST_PAINT_MS; reload += 1) {
        await page.reload();
        await seen(page, /Updated/);
        const painted = await page.evaluate(
          "performance.getEntriesByName('first-contentful-paint')[0].startTime",
        );
        quickest = Math.min(quickest, Number(painted));
      }
      assert.ok(quickest > 0 && quickest < MAX_FIRST_PAINT_MS, `${quickest} ms`);
      await close();
    });

    test('shows what happens while it happens, and can be paused', async () => {
      const { page, complaints, close } = await openPage('activity');
      const holder = await newHolder(stage.service);
      await topUp(stage.service, holder, '777');
      await seen(page, '777');
      await spend(stage.service, holder, '888');
      await seen(page, /888.*insufficient funds/);
      await button(page, 'Pause').click();
      await topUp(stage.service, holder, '999');
      await button(page, 'Resume').click();
      await seen(page, /999/);
      assert.deepEqual(complaints(), []);
      await close();
    });

    test('creates an asset, freezes it and lets it move again', async () => {
      const { page, complaints, close } = await openPage('assets');
      await seen(page, 'The books sum to zero');
      await page.getByLabel('Slug').fill('silver');
      await page.getByLabel('Name (optional)').fill('Silver');
      await page.getByLabel('Supply cap (optional)').fill('500.25');
      await button(page, 'Create asset').click();
      await page.getByRole('heading', { level: 2, name: 'Silver' }).waitFor();
      await seen(page, '500.25');
      await button(page, 'Freeze').click();
      await button(page, 'Unfreeze').waitFor();
      const { data } = (await stage.service.get('/assets')).body;
      const silver = data.find(({ slug }: { slug: string }) => slug === 'silver');
      assert.deepEqual([silver.status, silver.supplyCap, silver.scale], ['FROZEN', '50025', 2]);
      await button(page, 'Unfreeze').click();
      await button(page, 'Freeze').waitFor();
      assert.deepEqual(complaints(), []);
      await close();
    });
  });
}
