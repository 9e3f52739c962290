/** An inclusion proof, fetched and verified in this browser. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { read, type Problem } from '../api/client.ts';
import type { InclusionProof } from '../api/types.ts';
import { verifyProof, type Verdict } from '../proof/verify.ts';
import { Badge } from './badge.tsx';
import { Button } from './button.tsx';
import { ProblemNote } from './outcome.tsx';

type State =
  | { readonly kind: 'idle' | 'checking' }
  | { readonly kind: 'checked'; readonly verdict: Verdict }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** `position`: of the event to prove. */
export function ProofCheck({ position }: { readonly position: string }): JSX.Element {
  const [state, setState] = useState<State>({ kind: 'idle' });

  async function check(): Promise<void> {
    setState({ kind: 'checking' });
    const reply = await read<InclusionProof>(`/audit/proofs/inclusion?position=${position}`);
    if (reply.kind !== 'answered') setState({ kind: 'failed', problem: reply.problem });
    else setState({ kind: 'checked', verdict: await verifyProof(reply.body) });
  }

  return (
    <div class="grid justify-items-start gap-3">
      <Button look="plain" size="small" disabled={state.kind === 'checking'} onClick={() => void check()}>
        Verify the proof
      </Button>
      <div aria-live="polite" class="w-full">
        {state.kind === 'failed' && <ProblemNote problem={state.problem} />}
        {state.kind === 'checked' && <VerdictList verdict={state.verdict} />}
      </div>
    </div>
  );
}

/** What was looked at, in its order, to the first thing that does not hold. */
export function VerdictList({ verdict }: { readonly verdict: Verdict }): JSX.Element {
  return (
    <div class="grid gap-2 rounded-lg border border-line p-4 text-sm">
      <p>
        {verdict.holds ? (
          <Badge look="good">Verified in this browser</Badge>
        ) : (
          <Badge look="bad">The proof does not hold</Badge>
        )}
      </p>
      <ol class="grid gap-1.5">
        {verdict.steps.map(({ what, holds, detail }) => (
          <li key={what}>
            <p class="font-medium">
              <span aria-hidden="true" class={holds ? 'text-good' : 'text-bad'}>
                {holds ? '✓' : '✕'}{' '}
              </span>
              {what}
              <span class="sr-only">{holds ? ': holds' : ': does not hold'}</span>
            </p>
            <p class="font-mono text-xs wrap-anywhere text-muted">{detail}</p>
          </li>
        ))}
      </ol>
    </div>
  );
}
