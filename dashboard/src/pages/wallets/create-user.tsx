import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useAttempt } from '../../api/attempt.ts';
import type { User } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/field.tsx';
import { Outcome } from '../../components/outcome.tsx';
import { hrefOf } from '../../lib/route.ts';

export function CreateUser(): JSX.Element {
  const [email, setEmail] = useState('');
  const attempt = useAttempt<User>(({ id }) => {
    setEmail('');
    location.hash = hrefOf({ page: 'wallets', parts: [id] });
  });
  return (
    <form
      class="grid gap-3 rounded-xl border border-line bg-surface p-4"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void attempt.send('/users', { email: email.trim() });
      }}
    >
      <TextField label="New user's e-mail" type="email" value={email} onInput={setEmail} maxLength={254} />
      <Button look="plain" disabled={attempt.state.kind === 'sending'}>
        Create user
      </Button>
      <Outcome state={attempt.state} done={(user) => <p class="wrap-anywhere">Created {user.email}.</p>} />
    </form>
  );
}
