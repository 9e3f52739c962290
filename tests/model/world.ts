/** The names of the reference beside the ids of the service, and requests in the service's words. */
import assert from 'node:assert/strict';
import { createAsset, registerUser, unique, type Service } from '../support/service.ts';
import type { ReadSide } from '../projections/read-side.ts';
import { moveClock } from '../support/moved-clock.ts';
import { CAPS, USERS } from './commands.ts';
import { newLedger } from './reference-ledger.ts';
import type { Replay } from './replay.ts';
import { isSystem, walletName } from './reference-words.ts';
import type { Item, Reference, Request } from './reference-requests.ts';
import type { Command, Limits, Posting } from './reference-terms.ts';

export type World = {
  readonly side: ReadSide;
  readonly service: Service;
  readonly replay: Replay;
  readonly reference: Reference;
  readonly userIds: ReadonlyMap<string, string>;
  readonly slugs: ReadonlyMap<string, string>;
  /** By walletName, as answers have told them. */
  readonly walletIds: Map<string, string>;
  /** By the numbers of the reference. */
  readonly holdIds: string[];
  readonly transactionIds: string[];
  readonly scheduleIds: string[];
  /** The first answer under each key. */
  readonly answers: Map<string, { readonly status: number; readonly text: string }>;
};

export const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';
const EXPIRES_IN_SECONDS = 86_400;

/** Users and assets of its own, so that histories in one database do not meet. */
export async function newWorld(side: ReadSide, replay: Replay): Promise<World> {
  const { service } = side;
  const userIds = new Map([['nobody', UNKNOWN_ID]]);
  for (const user of USERS) userIds.set(user, (await registerUser(service)).id);
  const slugs = new Map([['tin', unique('tin')]]);
  for (const [asset, cap] of Object.entries(CAPS))
    slugs.set(asset, await createAsset(service, cap === null ? {} : { supplyCap: cap.toString() }));
  // Ahead of the clock on the wall, so that it stands still between the steps.
  const now = Date.parse(await moveClock(side.pool, 3_600));
  return {
    ...{ side, service, replay, userIds, slugs },
    reference: { ledger: newLedger(USERS, CAPS, now), remembered: new Map() },
    ...{ walletIds: new Map(), holdIds: [], transactionIds: [], scheduleIds: [], answers: new Map() },
  };
}

/** Learns the id of a wallet, or holds it to what was learned. */
export function assertWalletIs(world: World, wallet: { owner: string; asset: string }, id: string): void {
  const name = walletName(wallet.owner, wallet.asset);
  if (!world.walletIds.has(name)) {
    assert.ok(![...world.walletIds.values()].includes(id), `${name} has the wallet of another`);
    world.walletIds.set(name, id);
  }
  assert.equal(id, world.walletIds.get(name), name);
}

type Fields = Readonly<Record<string, unknown>>;

/** The path of a command's own route and its body there; `named` is what a batch adds to that. */
export function inHttp(world: World, command: Command): { path: string; body: Fields; named: Fields } {
  const { userIds, slugs } = world;
  switch (command.kind) {
    case 'topup':
    case 'bonus':
    case 'spend':
    case 'hold':
    case 'transfer':
    case 'exchange':
    case 'postings': {
      const path = { hold: '/holds', postings: '/transactions' }[command.kind as string];
      const body = bodyOf(world, command);
      return { path: path ?? `/transactions/${command.kind}`, body, named: {} };
    }
    case 'capture': {
      const holdId = world.holdIds[command.hold] ?? UNKNOWN_ID;
      const body = {
        ...given('amount', command.amount?.toString()),
        ...given('final', command.final),
        ...given('to', command.to === null ? null : partyOf(world, command.to)),
      };
      return { path: `/holds/${holdId}/capture`, body, named: { holdId } };
    }
    case 'release': {
      const holdId = world.holdIds[command.hold] ?? UNKNOWN_ID;
      return { path: `/holds/${holdId}/release`, body: {}, named: { holdId } };
    }
    case 'reversal': {
      const transactionId = world.transactionIds[command.transaction] ?? UNKNOWN_ID;
      const body = {
        ...given('amount', command.amount?.toString()),
        ...given('force', command.force ? true : null),
      };
      return { path: `/transactions/${transactionId}/reverse`, body, named: { transactionId } };
    }
    case 'user.status': {
      const body = { status: command.barred ? 'BANNED' : 'ACTIVE' };
      return { path: `/users/${userIds.get(command.user)}/status`, body, named: {} };
    }
    case 'user.erase':
      return { path: `/users/${userIds.get(command.user)}/erase`, body: {}, named: {} };
    case 'asset.status':
      return { path: `/assets/${slugs.get(command.asset)}/status`, body: frozen(command), named: {} };
    case 'wallet.status':
      return { path: `/wallets/${idOf(world, command)}/status`, body: frozen(command), named: {} };
    case 'wallet.overdraft': {
      const body = { limit: command.overdraft.toString() };
      return { path: `/wallets/${idOf(world, command)}/overdraft`, body, named: {} };
    }
    case 'wallet.limits':
      return { path: `/wallets/${idOf(world, command)}/limits`, body: spelledLimits(command), named: {} };
    case 'asset.limits':
      return { path: `/assets/${slugs.get(command.asset)}/limits`, body: spelledLimits(command), named: {} };
  }
}

type OfWallet = { readonly owner: string; readonly asset: string; readonly known: boolean };

function idOf({ walletIds }: World, { owner, asset, known }: OfWallet): string | undefined {
  return known ? walletIds.get(walletName(owner, asset)) : UNKNOWN_ID;
}

function spelledLimits({ limits }: { limits: Limits }): Fields {
  return Object.assign(
    // To have none, one has to say so.
    { day: null },
    ...Object.entries(limits).map(([name, limit]) => given(name, limit?.toString())),
  ) as Fields;
}

type Plain = Extract<
  Command,
  { kind: 'topup' | 'bonus' | 'spend' | 'hold' | 'transfer' | 'exchange' | 'postings' }
>;

function bodyOf(world: World, command: Plain): Fields {
  if (command.kind === 'postings') {
    const postings = command.postings.map((posting) => {
      const { from, to } = posting;
      return { from: partyOf(world, from), to: partyOf(world, to), ...sumOf(world, posting) };
    });
    return { postings };
  }
  if (command.kind === 'transfer') {
    const { from, to } = command;
    const parties = { fromUserId: world.userIds.get(from), toUserId: world.userIds.get(to) };
    return { ...parties, ...sumOf(world, command) };
  }
  if (command.kind === 'exchange') {
    const { user, asset, toAsset, amount, at } = command;
    const assets = { fromAsset: world.slugs.get(asset), toAsset: world.slugs.get(toAsset) };
    const terms = 'toAmount' in at ? { toAmount: at.toAmount.toString() } : { rate: decimalOf(at) };
    return { userId: world.userIds.get(user), ...assets, amount: amount.toString(), ...terms };
  }
  const expires = command.kind === 'hold' && command.expires;
  return {
    ...{ userId: world.userIds.get(command.user), ...sumOf(world, command) },
    ...given('expiresInSeconds', expires ? EXPIRES_IN_SECONDS : null),
    ...given('expiresInDays', command.kind === 'bonus' ? command.days : null),
  };
}

/** Of a fraction whose denominator is a power of ten. */
function decimalOf({ per, of }: { per: bigint; of: bigint }): string {
  const rest = (per % of).toString().padStart(of.toString().length - 1, '0');
  return of === 1n ? per.toString() : `${per / of}.${rest}`;
}

function sumOf({ slugs }: World, { asset, amount }: Pick<Posting, 'asset' | 'amount'>): Fields {
  return { assetSlug: slugs.get(asset), amount: amount.toString() };
}

function partyOf({ userIds }: World, owner: string): Fields {
  return isSystem(owner) ? { system: owner.slice(1) } : { userId: userIds.get(owner) };
}

function frozen({ barred }: { barred: boolean }): Fields {
  return { status: barred ? 'FROZEN' : 'ACTIVE' };
}

function given(name: string, value: unknown): Fields {
  return value === null || value === undefined ? {} : { [name]: value };
}

/** A whole request. A dry run needs no keys. */
export function requestInHttp(
  world: World,
  { via, items }: Request,
  dryRun: boolean,
): { path: string; body: Fields; headers: Record<string, string> } {
  const query = dryRun ? '?dryRun=true' : '';
  if (via === 'route') {
    const [{ key, command }] = items as readonly [Item];
    const { path, body } = inHttp(world, command);
    const headers: Record<string, string> = dryRun ? {} : { 'idempotency-key': key };
    return { path: `${path}${query}`, body, headers };
  }
  const commands = items.map(({ key, command }) => {
    const { body, named } = inHttp(world, command);
    return { ...(dryRun ? {} : { idempotencyKey: key }), type: command.kind, ...named, ...body };
  });
  const body = { commands, ...(via === 'atomic' ? { atomic: true } : {}) };
  return { path: `/transactions/batch${query}`, body, headers: {} };
}
