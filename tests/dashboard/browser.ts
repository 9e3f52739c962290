/** The dashboard as people see it: a real browser on a real service. Where no browser is found, that is said loudly. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import type { Config } from '../../src/config.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startService, type Service } from '../support/service.ts';

const LIMIT_MS = 60_000;
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];
const found = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

/** For the options of a suite: false, or why it is left out. */
export const withoutBrowser =
  found === undefined ? 'NO BROWSER WAS FOUND: install chromium, or name one in CHROMIUM' : false;
if (withoutBrowser !== false) console.error(`\n*** The dashboard is not tested. ${withoutBrowser} ***\n`);

export const SCREENSHOTS = new URL('../../coverage/screenshots/', import.meta.url).pathname;

/** Refusals are answers, which browsers report as failures to load all the same. */
const REFUSED = /the server responded with a status of (?:401|409|422)/;

export type Opened = {
  readonly page: Page;
  /** What the browser complained of so far, without what the test expects. */
  complaints(): readonly string[];
  close(): Promise<void>;
};

export type Stage = {
  readonly database: TestDatabase;
  readonly service: Service;
  readonly url: string;
  open(hash?: string, options?: BrowserContextOptions): Promise<Opened>;
  /** Ends the service; `start` starts another at the same address. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
};

let launched: Promise<Browser> | null = null;

/** One for all tests of a file: each page gets a fresh profile in it. */
function theBrowser(): Promise<Browser> {
  assert.ok(found);
  launched ??= chromium.launch({ executablePath: found, args: FLAGS, timeout: 60_000 });
  return launched;
}

export async function closeBrowser(): Promise<void> {
  await (await launched)?.close();
}

/** A service on a database of its own, listening, for a browser to look at. */
export async function setStage(config: Partial<Config> = {}): Promise<Stage> {
  const database = await createTestDatabase();
  let service = await startService(database, { config });
  await service.http.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.http.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  const browser = await theBrowser();
  let running = true;
  return {
    database,
    url,
    get service() {
      return service;
    },
    open: (hash = '', options = {}) => open(browser, `${url}${hash}`, options),
    async stop() {
      running = false;
      await service.close();
    },
    async start() {
      service = await startService(database, { config });
      await service.http.listen({ host: '127.0.0.1', port });
      running = true;
    },
    async close() {
      if (running) await service.close();
      await database.drop();
    },
  };
}

async function open(browser: Browser, address: string, options: BrowserContextOptions): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, ...options });
  context.setDefaultTimeout(LIMIT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
  page.on('console', (message) => {
    const { url } = message.location();
    const text = `${message.text()} ${url}`;
    if (['error', 'warning'].includes(message.type()) && !REFUSED.test(text)) complaints.push(text);
  });
  const own = new URL(address).origin;
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== own) complaints.push(`asked elsewhere: ${request.url()}`);
  });
  await page.goto(address);
  return { page, complaints: () => complaints, close: () => context.close() };
}

/** Into a folder that is not kept in the repository. */
export async function takeScreenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true });
}

/** A button by its whole name. */
export function button(page: Page, name: string) {
  return page.getByRole('button', { name, exact: true });
}

/** Resolves once the text is there to be seen. */
export async function seen(page: Page, text: string | RegExp): Promise<void> {
  await page.getByText(text).first().waitFor();
}
