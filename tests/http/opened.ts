/** What tests over HTTP begin with: a service on a database of its own, and its owner's view of the tables. */
import { after, before, beforeEach } from 'node:test';
import type pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { assertLedgerIsSound } from '../support/ledger-facts.ts';
import { startService, type Service } from '../support/service.ts';
import { newHolder, topUp, walletOf, type Holder } from './payments.ts';

export type Opened = {
  readonly database: TestDatabase;
  readonly service: Service;
  readonly owner: pg.Client;
};

/**
 * Opened before the first test of the file, and closed behind its last one, when the ledger must be sound. `prepare` is what is done
 * once before: a second hook of the file would not wait for the first.
 */
export function openedService(prepare: (service: Service) => Promise<void> = async () => undefined): Opened {
  let opened: Opened | null = null;
  before(async () => {
    const database = await createTestDatabase();
    opened = { database, service: await startService(database), owner: await database.connect() };
    await prepare(opened.service);
  });
  after(async () => {
    const { database, service, owner } = now();
    await assertLedgerIsSound(owner);
    await owner.end();
    await service.close();
    await database.drop();
  });
  const now = (): Opened => {
    if (opened === null) throw new Error('no test has begun yet');
    return opened;
  };
  return {
    get database() {
      return now().database;
    },
    get service() {
      return now().service;
    },
    get owner() {
      return now().owner;
    },
  };
}

export type OpenedHolder = Opened & { readonly holder: Holder; readonly walletId: string };

/** The same, and before each test a new user with so much of a new asset. */
export function openedHolder(amount: string): OpenedHolder {
  const opened = openedService();
  let fresh: { holder: Holder; walletId: string } | null = null;
  beforeEach(async () => {
    const holder = await newHolder(opened.service);
    fresh = { holder, walletId: walletOf(await topUp(opened.service, holder, amount)) };
  });
  const now = () => {
    if (fresh === null) throw new Error('no test has begun yet');
    return fresh;
  };
  return Object.defineProperties({} as OpenedHolder, {
    ...Object.getOwnPropertyDescriptors(opened),
    holder: { get: () => now().holder },
    walletId: { get: () => now().walletId },
  });
}
