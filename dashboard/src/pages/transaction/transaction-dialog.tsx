/** One transaction, over whichever page it was opened from. */
import type { JSX } from 'preact';
import { useLive } from '../../api/live.ts';
import type { Asset, Page, Transaction } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { ProofCheck } from '../../components/proof-check.tsx';
import { ProblemNote } from '../../components/outcome.tsx';
import { Empty } from '../../components/panel.tsx';
import { withTransaction, type Route } from '../../lib/route.ts';
import { typeName } from '../../lib/transaction-types.ts';
import { Entries } from './entries.tsx';
import { EventsSection } from './events-section.tsx';
import { Facts } from './facts.tsx';
import { ReversalSection } from './reversal-section.tsx';

export function TransactionDialog({ route }: { readonly route: Route }): JSX.Element | null {
  const id = route.params['transaction'];
  if (id === undefined) return null;
  const close = () => {
    location.hash = withTransaction(route, null);
  };
  return <Opened key={id} id={id} onClose={close} />;
}

function Opened({ id, onClose }: { readonly id: string; readonly onClose: () => void }): JSX.Element {
  const transaction = useLive<Transaction>(`/transactions/${encodeURIComponent(id)}`, { sees: true });
  const assets = useLive<Page<Asset>>('/assets?limit=500', { sees: true });
  const { data } = transaction;
  const title = data === null ? 'Transaction' : typeName(data.type);
  return (
    <Dialog title={title} onClose={onClose}>
      {data === null || assets.data === null ? (
        <Loading problem={transaction.problem} />
      ) : (
        <Parts transaction={data} assets={assets.data.data} />
      )}
    </Dialog>
  );
}

function Loading({ problem }: Pick<ReturnType<typeof useLive>, 'problem'>): JSX.Element {
  return problem === null ? <Empty>Loading…</Empty> : <ProblemNote problem={problem} />;
}

function Parts(props: { readonly transaction: Transaction; readonly assets: readonly Asset[] }): JSX.Element {
  const { transaction, assets } = props;
  return (
    <>
      {transaction.status === 'rejected' && (
        <p class="flex flex-wrap items-center gap-2 text-sm">
          <Badge look="bad">Declined</Badge>
          {transaction.rejection?.detail}
        </p>
      )}
      <Facts transaction={transaction} assets={assets} />
      {transaction.entries.length > 0 && <Entries transaction={transaction} assets={assets} />}
      {transaction.status === 'posted' && <ReversalSection transaction={transaction} assets={assets} />}
      <EventsSection position={transaction.position} />
      <section aria-label="Proof">
        <h3 class="mb-2 text-sm font-semibold">Proof</h3>
        <ProofCheck position={transaction.position} />
      </section>
    </>
  );
}
