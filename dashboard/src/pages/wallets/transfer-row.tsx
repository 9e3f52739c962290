import type { JSX } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { read } from '../../api/client.ts';
import type { Asset, Page, User } from '../../api/types.ts';
import { TextField } from '../../components/field.tsx';
import { ActionRow } from './action-row.tsx';
import type { SendMoney } from './money-panel.tsx';

const MOST_SUGGESTED = 100;

type TransferRowProps = {
  readonly user: User;
  readonly asset: Asset;
  readonly users: readonly User[];
  readonly sending: boolean;
  readonly send: SendMoney;
};

/** To whom, by e-mail: somebody who is not listed is asked for. */
export function TransferRow({ user, asset, users, sending, send }: TransferRowProps): JSX.Element {
  const [email, setEmail] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const suggestions = useId();

  async function transfer(): Promise<void> {
    const wanted = email.trim().toLowerCase();
    const found = wanted === '' ? null : await findUser(wanted, users);
    if (found === null || found.id === user.id) {
      setFault(faultOf(wanted, found));
      field.current?.focus();
      return;
    }
    send('/transactions/transfer', { fromUserId: user.id, toUserId: found.id, assetSlug: asset.slug });
  }

  return (
    <ActionRow name="Transfer" sending={sending} onAct={() => void transfer()}>
      <TextField
        label="To"
        type="email"
        placeholder="Their e-mail"
        value={email}
        list={suggestions}
        inputRef={field}
        fault={fault}
        onInput={(text) => {
          setEmail(text);
          setFault(null);
        }}
      />
      <datalist id={suggestions}>
        {users
          .filter(({ id }) => id !== user.id)
          .slice(0, MOST_SUGGESTED)
          .map(({ id, email: suggested }) => (
            <option key={id} value={suggested} />
          ))}
      </datalist>
    </ActionRow>
  );
}

async function findUser(email: string, users: readonly User[]): Promise<User | null> {
  const listed = users.find((one) => one.email === email);
  if (listed !== undefined) return listed;
  const reply = await read<Page<User>>(`/users?email=${encodeURIComponent(email)}`, { sees: true });
  return reply.kind === 'answered' ? (reply.body.data[0] ?? null) : null;
}

function faultOf(email: string, found: User | null): string {
  if (email === '') return 'Enter the e-mail of who gets it.';
  return found === null ? 'Nobody has this e-mail.' : 'That is the same user.';
}
