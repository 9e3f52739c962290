/** A user, what they own, and what can be done with it. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Problem } from '../../api/client.ts';
import { useLive, type Live } from '../../api/live.ts';
import { noteNames } from '../../api/names.ts';
import type { Asset, Page, User, Wallet } from '../../api/types.ts';
import { ProblemNote } from '../../components/outcome.tsx';
import { Empty } from '../../components/panel.tsx';
import type { Route } from '../../lib/route.ts';
import { HistoryPanel } from './history-panel.tsx';
import { HoldsPanel } from './holds-panel.tsx';
import { MoneyPanel } from './money-panel.tsx';
import { CreateUser } from './create-user.tsx';
import { UserHeading } from './user-heading.tsx';
import { UserList } from './user-list.tsx';
import { WalletCards } from './wallet-cards.tsx';

export function WalletsPage({ route }: { readonly route: Route }): JSX.Element {
  const [wanted, slug] = route.parts;
  const users = useLive<Page<User>>('/users?limit=500', { sees: true });
  const assets = useLive<Page<Asset>>('/assets?limit=500', { sees: true });
  useEffect(() => noteNames(users.data?.data ?? []), [users.data]);
  const userId = wanted ?? users.data?.data[0]?.id ?? null;
  const user = useLive<User>(userId === null ? null : `/users/${encodeURIComponent(userId)}`, { sees: true });
  const known = user.data ?? users.data?.data.find(({ id }) => id === userId) ?? null;
  return (
    <div class="grid items-start gap-5 lg:grid-cols-[16rem_minmax(0,1fr)] lg:grid-rows-[auto_1fr]">
      <UserList page={users.data} chosen={known} />
      <div class="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5 lg:row-span-2">
        {userId === null ? (
          <NobodyYet users={users} />
        ) : (
          <OneUser
            key={userId}
            user={known}
            problem={user.problem}
            userId={userId}
            slug={slug}
            assets={assets.data?.data ?? []}
            users={users.data?.data ?? []}
          />
        )}
      </div>
      <CreateUser />
    </div>
  );
}

function NobodyYet({ users }: { readonly users: Live<Page<User>> }): JSX.Element {
  if (users.data === null && users.problem !== null) return <ProblemNote problem={users.problem} />;
  return <Empty>{users.data === null ? 'Loading…' : 'There are no users yet. Create the first one.'}</Empty>;
}

type OneUserProps = {
  /** Null until it is known, or where `problem` says why it is not. */
  readonly user: User | null;
  readonly problem: Problem | null;
  readonly userId: string;
  readonly slug: string | undefined;
  readonly assets: readonly Asset[];
  readonly users: readonly User[];
};

function OneUser({ user, problem, userId, slug, assets, users }: OneUserProps): JSX.Element {
  const wallets = useLive<Page<Wallet>>(`/users/${encodeURIComponent(userId)}/wallets`, { sees: true });
  if (user === null) return problem === null ? <Empty>Loading…</Empty> : <ProblemNote problem={problem} />;
  const owned = wallets.data?.data ?? [];
  const asset =
    assets.find((one) => one.slug === slug) ??
    assets.find((one) => one.slug === owned[0]?.asset.slug) ??
    assets[0] ??
    null;
  const wallet = owned.find((one) => one.asset.slug === asset?.slug) ?? null;
  return (
    <>
      <UserHeading user={user} />
      <WalletCards userId={userId} wallets={wallets} assets={assets} chosen={asset?.slug ?? null} />
      <div class="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-[24rem_minmax(0,1fr)]">
        <div class="grid grid-cols-[minmax(0,1fr)] gap-5">
          {asset !== null && (
            <MoneyPanel
              user={user}
              asset={asset}
              assets={assets}
              users={users}
              available={wallet?.available ?? '0'}
            />
          )}
          <HoldsPanel userId={userId} assets={assets} />
        </div>
        {asset !== null && <HistoryPanel wallet={wallet} asset={asset} />}
      </div>
    </>
  );
}
