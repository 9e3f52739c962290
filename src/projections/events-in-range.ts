/**
 * The events of a range ($1 the ledger, $2 < position <= $3), read by their positions. Asked for wallets' events at once, the planner
 * would take the index of those by wallet, which cannot tell positions, and read all of it: in every pass more with every
 * wallet. `offset 0` keeps the two apart.
 */
export const EVENTS_IN_RANGE = `(
       select e.ledger_id, e.position, e.type, e.occurred_at, e.data
         from events e
        where e.ledger_id = $1::integer
          and e.position > $2::bigint
          and e.position <= $3::bigint
       offset 0
       )`;
