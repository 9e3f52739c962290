/**
 * Users as the directory shows them. The e-mail comes from beside the log: whoever has none was erased, however far the
 * directory has come, and is not shown.
 */
import type { Transaction } from '../../db/transaction.ts';
import { decodeCursor, pageOf, type Page, type PageRequest } from './page.ts';

export type User = { id: string; email: string; status: string; createdAt: string };

type UserRow = { id: string; email: string; status: string; created_at: string; position: bigint };

const COLUMNS = `u.id, p.value as email, u.status, u.created_at, u.position`;

/** Null for one who does not exist. */
export async function readUser(
  tx: Transaction,
  ledgerId: number,
  id: string,
): Promise<User | 'erased' | null> {
  const { rows } = await tx.query<Omit<UserRow, 'email'> & { email: string | null }>({
    name: 'user',
    text: `
select ${COLUMNS}
  from read.users u
  left join personal p
    on p.ledger_id = u.ledger_id
   and p.subject_id = u.id
   and p.field = 'email'
 where u.ledger_id = $1::integer
   and u.id = $2::uuid`,
    values: [ledgerId, id],
  });
  const row = rows[0];
  if (row === undefined) return null;
  const { email } = row;
  return email === null ? 'erased' : userOf({ ...row, email });
}

const ALL = `
select ${COLUMNS}
  from read.users u
  join personal p
    on p.ledger_id = u.ledger_id
   and p.subject_id = u.id
   and p.field = 'email'
 where u.ledger_id = $1::integer
   and u.position > $2::bigint
 order by u.position
 limit $3::integer`;

/** From the e-mail to the user: there are no statistics of e-mails that would tell the planner how few it will find. */
const BY_EMAIL = `
with found as materialized (
  select subject_id, value
    from personal
   where ledger_id = $1::integer
     and field = 'email'
     and value = $4::text
)
select ${COLUMNS}
  from found p
 cross join lateral (
        select *
          from read.users u
         where u.ledger_id = $1::integer
           and u.id = p.subject_id
           and u.position > $2::bigint
         limit 1
       ) u
 order by u.position
 limit $3::integer`;

/** In the order of registration. `email` must be normalized and finds at most one. */
export async function listUsers(
  tx: Transaction,
  ledgerId: number,
  request: PageRequest & { email: string | undefined },
): Promise<Page<User>> {
  const after = request.cursor === undefined ? 0n : decodeCursor('users', request.cursor).position;
  const values = [ledgerId, after, request.limit + 1];
  const { rows } =
    request.email === undefined
      ? await tx.query<UserRow>({ name: 'users', text: ALL, values })
      : await tx.query<UserRow>({
          name: 'users-by-email',
          text: BY_EMAIL,
          values: [...values, request.email],
        });
  return pageOf(rows, request.limit, {
    list: 'users',
    keyset: ({ position }) => ({ position, leg: 0 }),
    item: userOf,
  });
}

function userOf(row: UserRow): User {
  return { id: row.id, email: row.email, status: row.status, createdAt: row.created_at };
}
