/** The frame around every page: where one is, where one can go, and whether the service is there. */
import type { JSX, TargetedMouseEvent } from 'preact';
import { connection } from './api/connection.ts';
import { hasKey } from './api/key.ts';
import { openDocument } from './api/open-document.ts';
import { AwayBanner } from './components/away-banner.tsx';
import { Freshness } from './components/freshness.tsx';
import { KeyForm } from './components/key-form.tsx';
import { PAGES, hrefOf, useRoute, type PageName, type Route } from './lib/route.ts';
import { useStore } from './lib/store.ts';
import { ActivityPage } from './pages/activity/activity-page.tsx';
import { AssetsPage } from './pages/assets/assets-page.tsx';
import { AuditPage } from './pages/audit/audit-page.tsx';
import { OperationsPage } from './pages/operations/operations-page.tsx';
import { TransactionDialog } from './pages/transaction/transaction-dialog.tsx';
import { WalletsPage } from './pages/wallets/wallets-page.tsx';

const TITLES: Record<PageName, string> = {
  wallets: 'Wallets',
  activity: 'Activity',
  assets: 'Assets',
  operations: 'Operations',
  audit: 'Audit',
};

export function App(): JSX.Element {
  const route = useRoute();
  const { wantsKey } = useStore(connection);
  document.title = `${TITLES[route.page]} · Coffer`;
  return (
    <div class="mx-auto flex min-h-dvh max-w-7xl flex-col px-4 sm:px-6">
      <Header current={route.page} />
      <AwayBanner />
      <main class="flex-1 pb-10" key={route.page}>
        <div class="mb-5 flex flex-wrap items-baseline justify-between gap-x-4">
          <h1 class="text-2xl font-semibold tracking-tight">{TITLES[route.page]}</h1>
          {!wantsKey && <Freshness />}
        </div>
        {wantsKey ? <KeyForm /> : <CurrentPage route={route} />}
      </main>
      {!wantsKey && <TransactionDialog route={route} />}
      <Footer />
    </div>
  );
}

function CurrentPage({ route }: { readonly route: Route }): JSX.Element {
  switch (route.page) {
    case 'wallets':
      return <WalletsPage route={route} />;
    case 'activity':
      return <ActivityPage />;
    case 'assets':
      return <AssetsPage route={route} />;
    case 'operations':
      return <OperationsPage />;
    case 'audit':
      return <AuditPage route={route} />;
  }
}

function Header({ current }: { readonly current: PageName }): JSX.Element {
  return (
    <header class="flex flex-wrap items-center gap-x-8 gap-y-1 pt-4 pb-6">
      <a href="#/wallets" class="flex items-center gap-2.5 text-lg font-semibold tracking-tight no-underline">
        <img src="/pages/favicon.svg" alt="" width="28" height="28" />
        Coffer
      </a>
      <nav aria-label="Pages" class="max-sm:-mx-2 max-sm:grow">
        <ul class="flex flex-wrap sm:gap-1">
          {PAGES.map((page) => (
            <li key={page}>
              <a
                href={hrefOf({ page })}
                aria-current={page === current ? 'page' : undefined}
                class="block rounded-lg px-2 py-2 text-sm font-medium text-muted max-[26rem]:px-1.5 max-[26rem]:text-[0.8125rem] transition-colors hover:bg-tint hover:text-ink aria-[current=page]:bg-tint aria-[current=page]:text-ink sm:px-3"
              >
                {TITLES[page]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}

/** A link carries no key: where there is one, the page fetches what the link leads to. */
function follow(event: TargetedMouseEvent<HTMLAnchorElement>): void {
  if (!hasKey()) return;
  event.preventDefault();
  void openDocument(event.currentTarget.pathname);
}

function Footer(): JSX.Element {
  const links = [
    ['/docs', 'API documentation'],
    ['/openapi.json', 'OpenAPI'],
    ['/metrics', 'Metrics'],
  ] as const;
  return (
    <footer class="border-t border-line py-4 text-sm text-muted">
      <ul class="flex flex-wrap gap-x-5 gap-y-1">
        {links.map(([href, text]) => (
          <li key={href}>
            <a class="hover:text-ink hover:underline" href={href} onClick={follow}>
              {text}
            </a>
          </li>
        ))}
      </ul>
    </footer>
  );
}
