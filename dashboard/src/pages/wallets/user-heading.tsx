import type { JSX } from 'preact';
import { useAttempt } from '../../api/attempt.ts';
import type { User } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Button } from '../../components/button.tsx';
import { Outcome } from '../../components/outcome.tsx';

/** Who it is, and whether they may move money. */
export function UserHeading({ user }: { readonly user: User }): JSX.Element {
  const { id, email, status } = user;
  const attempt = useAttempt<User>();
  const banned = status === 'BANNED';
  return (
    <div class="grid gap-3">
      <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h2 class="min-w-0 text-xl font-semibold tracking-tight wrap-anywhere">{email}</h2>
        {banned && <Badge look="bad">Banned</Badge>}
        <Button
          look={banned ? 'plain' : 'danger'}
          size="small"
          class="ml-auto"
          disabled={attempt.state.kind === 'sending'}
          onClick={() =>
            void attempt.send(`/users/${encodeURIComponent(id)}/status`, {
              status: banned ? 'ACTIVE' : 'BANNED',
            })
          }
        >
          {banned ? 'Activate user' : 'Ban user'}
        </Button>
      </div>
      <Outcome
        state={attempt.state}
        done={(answer) => (
          <p>
            {answer.status === 'BANNED'
              ? 'Nobody can move money of this user now.'
              : 'Money of this user can be moved again.'}
          </p>
        )}
      />
    </div>
  );
}
