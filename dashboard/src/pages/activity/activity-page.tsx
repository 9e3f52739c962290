/** What happens, as it happens. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useLive } from '../../api/live.ts';
import { noteNames, useKnownNames } from '../../api/names.ts';
import type { Asset, Page, User } from '../../api/types.ts';
import { Button } from '../../components/button.tsx';
import { SelectField } from '../../components/field.tsx';
import { ProblemNote } from '../../components/outcome.tsx';
import { Empty, Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { EventRow } from './event-row.tsx';
import { Refusals } from './refusals.tsx';
import { Throughput } from './throughput.tsx';
import { useActivity } from './use-activity.ts';

export function ActivityPage(): JSX.Element {
  const [paused, setPaused] = useState(false);
  const [type, setType] = useState('');
  const activity = useActivity(paused);
  const assets = useLive<Page<Asset>>('/assets?limit=500', { everyMs: 30_000 });
  const users = useLive<Page<User>>('/users?limit=500', { everyMs: 60_000 });
  useEffect(() => noteNames(users.data?.data ?? []), [users.data]);
  const names = useKnownNames();
  const types = [...new Set(activity.events.map((event) => event.type))].toSorted((a, b) =>
    a.localeCompare(b),
  );
  const events = activity.events.filter((event) => type === '' || event.type === type);
  return (
    <div class="grid items-start gap-5 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <Throughput seconds={activity.seconds} knownFrom={activity.knownFrom} />
      <Refusals seen={activity.refusals} />
      <Panel
        class="lg:col-span-2"
        title="Events"
        aside={
          <div class="flex items-end gap-2">
            <p class="self-center pr-2 text-sm text-muted" role="status">
              {paused ? 'Paused' : `${grouped(activity.seen.toString())} seen`}
            </p>
            <Button look="plain" size="small" onClick={() => setPaused(!paused)}>
              {paused ? 'Resume' : 'Pause'}
            </Button>
          </div>
        }
      >
        <SelectField
          label="Type"
          class="mb-4 max-w-xs"
          value={type}
          options={[['', 'All'], ...types.map((name) => [name, name] as const)]}
          onChange={setType}
        />
        {activity.problem !== null && <ProblemNote problem={activity.problem} />}
        {events.length === 0 ? (
          <Empty>{activity.connected ? 'Nothing has happened yet.' : 'Connecting…'}</Empty>
        ) : (
          <ol class="max-h-[36rem] overflow-y-auto" tabIndex={0} aria-label="Events, the newest first">
            {events.map((event) => (
              <EventRow key={event.position} {...{ event, names }} assets={assets.data?.data ?? []} />
            ))}
          </ol>
        )}
      </Panel>
    </div>
  );
}
