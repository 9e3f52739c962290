import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useLive } from '../../api/live.ts';
import type { Page, User } from '../../api/types.ts';
import { TextField } from '../../components/field.tsx';
import { hrefOf } from '../../lib/route.ts';

const MOST_SHOWN = 50;

/** Everybody, to be searched and switched between. Who is not among the first is found by the whole e-mail. */
export function UserList(props: {
  readonly page: Page<User> | null;
  readonly chosen: User | null;
}): JSX.Element {
  const { chosen } = props;
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const listed = (props.page?.data ?? []).filter(({ email }) => email.includes(wanted));
  const mayBeElsewhere = listed.length === 0 && props.page?.nextCursor != null && wanted.includes('@');
  const found = useLive<Page<User>>(mayBeElsewhere ? `/users?email=${encodeURIComponent(wanted)}` : null);
  const users = withChosen([...listed, ...(found.data?.data ?? [])].slice(0, MOST_SHOWN), chosen, wanted);
  return (
    <aside aria-label="Users" class="grid gap-4 rounded-xl border border-line bg-surface p-4">
      <TextField
        label="Find a user"
        type="search"
        value={search}
        onInput={setSearch}
        placeholder="Part of an e-mail"
      />
      <ul class="-mx-1 grid max-h-28 gap-0.5 overflow-y-auto lg:max-h-72">
        {users.map(({ id, email, status }) => (
          <li key={id} class="min-w-0">
            <a
              href={hrefOf({ page: 'wallets', parts: [id] })}
              aria-current={id === chosen?.id ? 'true' : undefined}
              title={email}
              class="m-0.5 block truncate rounded-md px-2 py-1.5 text-sm hover:bg-tint aria-[current]:bg-tint aria-[current]:font-medium aria-[current]:text-accent"
            >
              {email}
              {status === 'BANNED' && <span class="text-bad"> · banned</span>}
            </a>
          </li>
        ))}
      </ul>
      <ListNote shown={users.length} found={listed.length} page={props.page} />
    </aside>
  );
}

/** Whoever is looked at stands in the list, also where they are not among those that are shown. */
function withChosen(users: readonly User[], chosen: User | null, wanted: string): readonly User[] {
  if (chosen === null || !chosen.email.includes(wanted)) return users;
  return users.some(({ id }) => id === chosen.id) ? users : [chosen, ...users];
}

function ListNote(props: {
  readonly shown: number;
  readonly found: number;
  readonly page: Page<User> | null;
}): JSX.Element | null {
  const { shown, found, page } = props;
  if (page === null) return <p class="text-sm text-muted">Loading…</p>;
  if (shown === 0) {
    const more = page.nextCursor === null ? '' : ' Write the whole e-mail to find somebody further down.';
    return <p class="text-sm text-muted">Nobody here by that name.{more}</p>;
  }
  if (found <= MOST_SHOWN) return null;
  return <p class="text-sm text-muted">The first {MOST_SHOWN}. Search to find others.</p>;
}
