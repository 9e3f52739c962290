/** Whether the log can be believed: what was signed of it, what was derived again, and proofs for those who ask. */
import type { JSX } from 'preact';
import { connection } from '../../api/connection.ts';
import { useLive } from '../../api/live.ts';
import type { Checkpoint, Drift, Page, PublicKey } from '../../api/types.ts';
import type { Route } from '../../lib/route.ts';
import { useStore } from '../../lib/store.ts';
import { CheckpointPanel } from './checkpoint-panel.tsx';
import { DriftPanel } from './drift-panel.tsx';
import { ExportPanel } from './export-panel.tsx';
import { ProofPanel } from './proof-panel.tsx';
import { VerificationPanel } from './verification-panel.tsx';

const KEYS_EVERY_MS = 30_000;

export function AuditPage({ route }: { readonly route: Route }): JSX.Element {
  // Of an empty log none was signed.
  const isEmpty = useStore(connection).position === '0';
  const checkpoint = useLive<Checkpoint>(isEmpty ? null : '/audit/checkpoint');
  const drift = useLive<{ readonly drift: Drift }>('/projections');
  const keys = useLive<Page<PublicKey>>('/audit/public-keys', { everyMs: KEYS_EVERY_MS });
  return (
    <div class="grid items-start gap-5 lg:grid-cols-2">
      <div class="grid min-w-0 gap-5">
        <CheckpointPanel checkpoint={checkpoint} keys={keys.data?.data ?? []} />
        <VerificationPanel />
        <DriftPanel drift={drift.data?.drift ?? null} problem={drift.problem} />
      </div>
      <div class="grid min-w-0 gap-5">
        <ProofPanel keys={keys.data?.data ?? null} asked={route.params['event'] ?? ''} />
        <ExportPanel />
      </div>
    </div>
  );
}
