import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Asset, HistoryLine, Wallet } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { SelectField, TextField } from '../../components/field.tsx';
import { ProblemNote } from '../../components/outcome.tsx';
import { Empty, Panel } from '../../components/panel.tsx';
import { VirtualRows } from '../../components/virtual-rows.tsx';
import { grouped } from '../../lib/amount.ts';
import { useNames } from '../../api/names.ts';
import { useRoute } from '../../lib/route.ts';
import { HistoryRow, HISTORY_ROW_PX } from './history-row.tsx';
import { TRANSACTION_TYPES } from '../../lib/transaction-types.ts';
import { useHistory } from './use-history.ts';

const HEIGHT_PX = 624;
/** More than are drawn at a time: a row that is scrolled out of sight becomes one that comes into it. */
const RECYCLED_ROWS = 64;

type Filter = { readonly type: string; readonly from: string; readonly to: string };
const NO_FILTER: Filter = { type: '', from: '', to: '' };

export function HistoryPanel(props: { readonly wallet: Wallet | null; readonly asset: Asset }): JSX.Element {
  const { wallet, asset } = props;
  const [filter, setFilter] = useState(NO_FILTER);
  return (
    <Panel title={`History in ${asset.name}`}>
      {wallet === null ? (
        <Empty>Nothing has happened here yet.</Empty>
      ) : (
        <>
          <Filters filter={filter} onChange={setFilter} />
          <Lines key={wallet.id} walletId={wallet.id} asset={asset} filter={filter} />
        </>
      )}
    </Panel>
  );
}

function Filters(props: {
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
}): JSX.Element {
  const { filter, onChange } = props;
  return (
    <div class="mb-3 grid grid-cols-2 gap-3 sm:grid-cols-3">
      <SelectField
        label="Type"
        class="max-sm:col-span-2"
        value={filter.type}
        options={[['', 'All'], ...TRANSACTION_TYPES]}
        onChange={(type) => onChange({ ...filter, type })}
      />
      <TextField
        label="From day"
        type="date"
        value={filter.from}
        onInput={(from) => onChange({ ...filter, from })}
      />
      <TextField
        label="Until day"
        type="date"
        value={filter.to}
        onInput={(to) => onChange({ ...filter, to })}
      />
    </div>
  );
}

/** Days are those of whoever looks. */
function queryOf({ type, from, to }: Filter): string {
  const query = new URLSearchParams();
  if (type !== '') query.set('type', type);
  if (from !== '') query.set('from', new Date(`${from}T00:00:00`).toISOString());
  if (to !== '') query.set('to', new Date(`${to}T23:59:59.999`).toISOString());
  return query.toString();
}

type LinesProps = { readonly walletId: string; readonly asset: Asset; readonly filter: Filter };

function Lines({ walletId, asset, filter }: LinesProps): JSX.Element {
  const history = useHistory(walletId, queryOf(filter));
  const place = { asset, route: useRoute(), names: useNames() };
  const { lines, nextCursor, loaded, problem, loadMore } = history;
  if (!loaded) return problem === null ? <Empty>Loading…</Empty> : <ProblemNote problem={problem} />;
  if (lines.length === 0) return <Empty>Nothing like that has happened here.</Empty>;
  return (
    <>
      <VirtualRows
        label="History"
        count={lines.length}
        rowHeightPx={HISTORY_ROW_PX}
        heightPx={HEIGHT_PX}
        onNearEnd={loadMore}
        head={<Head />}
        row={(index) => {
          const line = lines[index] as HistoryLine;
          return <HistoryRow key={index % RECYCLED_ROWS} line={line} index={index} place={place} />;
        }}
      />
      <div class="mt-3 flex flex-wrap items-center justify-between gap-3 text-sm text-muted">
        <p>
          {grouped(lines.length.toString())} {lines.length === 1 ? 'line' : 'lines'}
          {nextCursor === null ? ', which is all' : ' so far'}
        </p>
        {nextCursor !== null && (
          <Button look="plain" size="small" onClick={loadMore}>
            Load older
          </Button>
        )}
      </div>
    </>
  );
}

function Head(): JSX.Element {
  return (
    <tr>
      <th scope="col" class="pb-2 font-medium">
        What
      </th>
      <th scope="col" class="w-[5.5rem] pb-2 text-right font-medium sm:w-32">
        Change
      </th>
      <th scope="col" class="w-[5.5rem] pb-2 text-right font-medium sm:w-32">
        Balance
      </th>
    </tr>
  );
}
