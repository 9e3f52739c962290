/** Looks up the proof of an event, and checks here, in the browser, whatever stands in the field: also what was changed. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { read, type Problem } from '../../api/client.ts';
import type { InclusionProof, PublicKey, Transaction } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { TextArea, TextField } from '../../components/field.tsx';
import { ProblemNote } from '../../components/outcome.tsx';
import { Panel } from '../../components/panel.tsx';
import { VerdictList } from '../../components/proof-check.tsx';
import { useInView } from '../../lib/in-view.ts';
import { verifyProof, type Verdict } from '../../proof/verify.ts';

const POSITION = /^[1-9][0-9]{0,18}$/;
const TRANSACTION = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NOT_FOUND_IN_TEXT = 'Write the position of an event, such as 42, or the id of a transaction.';

type ProofPanelProps = {
  /** Null until they are known. */
  readonly keys: readonly PublicKey[] | null;
  /** A position or a transaction that the address names. */
  readonly asked: string;
};

export function ProofPanel({ keys, asked }: ProofPanelProps): JSX.Element {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const check = useCheck(keys ?? []);
  const ready = keys !== null;
  const verdict = useInView(check.verdict);

  async function lookUp(text: string): Promise<void> {
    if (busy) return;
    setProblem(null);
    check.write('');
    setBusy(true);
    const found = await proofOf(text);
    setBusy(false);
    if ('problem' in found) return setProblem(found.problem);
    const written = JSON.stringify(found.proof, null, 2);
    check.write(written);
    await check.verify(written);
  }

  return (
    <Panel title="Inclusion proof">
      <div class="grid gap-4">
        <LookUpForm
          asked={asked}
          busy={busy || !ready}
          ready={ready}
          onLookUp={(text) => void lookUp(text)}
        />
        {problem !== null && <ProblemNote problem={problem} />}
        <TextArea
          label="Proof"
          hint="Fetched, or pasted. Change anything in it, and see that it holds no more."
          rows={check.json === '' ? 4 : 12}
          value={check.json}
          fault={check.fault}
          onInput={check.write}
        />
        <TextField
          label="Public key to trust (optional)"
          hint="The vkey that you kept. Without one, those that this service gives are believed."
          maxLength={500}
          value={check.ownKey}
          onInput={check.trust}
        />
        <div>
          <Button
            look="plain"
            disabled={busy || check.json.trim() === '' || !ready}
            onClick={() => void check.verify(check.json)}
          >
            Verify this proof
          </Button>
        </div>
        <div ref={verdict} aria-live="polite" class="scroll-my-4">
          {check.verdict !== null && <VerdictList verdict={check.verdict} />}
        </div>
      </div>
    </Panel>
  );
}

/** What stands in the fields, and what was found of it: nothing any more, once one of them is changed. */
function useCheck(keys: readonly PublicKey[]) {
  const [json, setJson] = useState('');
  const [ownKey, setOwnKey] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  /** Counts changes, so that a verdict on what is there no more is not shown. */
  const changes = useRef(0);

  function forget(): void {
    changes.current += 1;
    setVerdict(null);
    setFault(null);
  }

  return {
    ...{ json, ownKey, fault, verdict },
    write(text: string): void {
      setJson(text);
      forget();
    },
    trust(vkey: string): void {
      setOwnKey(vkey);
      forget();
    },
    async verify(text: string): Promise<void> {
      forget();
      const asked = changes.current;
      const proof = parse(text);
      if (proof === undefined) return setFault('This is not JSON.');
      const trusted = ownKey.trim() === '' ? keys.map(({ vkey }) => vkey) : [ownKey.trim()];
      // Of what shape it is, is looked at there.
      const found = await verifyProof(proof as InclusionProof, trusted);
      if (asked === changes.current) setVerdict(found);
    },
  };
}

type LookUpFormProps = {
  readonly asked: string;
  readonly busy: boolean;
  readonly ready: boolean;
  readonly onLookUp: (text: string) => void;
};

function LookUpForm({ asked, busy, ready, onLookUp }: LookUpFormProps): JSX.Element {
  const [wanted, setWanted] = useState(asked);
  const [fault, setFault] = useState<string | null>(null);

  function lookUp(): void {
    const text = wanted.trim().toLowerCase();
    if (!POSITION.test(text) && !TRANSACTION.test(text)) setFault(NOT_FOUND_IN_TEXT);
    else onLookUp(text);
  }

  useEffect(() => {
    if (ready && asked !== '') lookUp();
  }, [ready]);

  return (
    <form
      class="grid gap-3"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        lookUp();
      }}
    >
      <TextField
        label="Position or transaction"
        hint="Of the event that is to be found in the sealed log"
        maxLength={40}
        value={wanted}
        fault={fault}
        onInput={(text) => {
          setWanted(text);
          setFault(null);
        }}
      />
      <div>
        <Button disabled={busy}>Look up and verify</Button>
      </div>
    </form>
  );
}

type Found = { readonly proof: InclusionProof } | { readonly problem: Problem };

/** `text`: a position, or the id of a transaction. */
async function proofOf(text: string): Promise<Found> {
  let position = text;
  if (TRANSACTION.test(text)) {
    const transaction = await read<Transaction>(`/transactions/${text}`, { sees: true });
    if (transaction.kind !== 'answered') return { problem: transaction.problem };
    ({ position } = transaction.body);
  }
  const proof = await read<InclusionProof>(`/audit/proofs/inclusion?position=${position}`);
  return proof.kind === 'answered' ? { proof: proof.body } : { problem: proof.problem };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
