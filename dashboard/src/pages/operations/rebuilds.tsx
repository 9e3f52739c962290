import type { JSX } from 'preact';
import type { Rebuild } from '../../api/types.ts';
import { Badge } from '../../components/badge.tsx';
import { Progress } from '../../components/progress.tsx';
import { grouped } from '../../lib/amount.ts';
import { formatTime } from '../../lib/time.ts';
import { lookOfRebuild, titleOf } from './words.ts';

const MOST_SHOWN = 6;

/** Those under way, and the last ones of before. */
export function Rebuilds({ rebuilds }: { readonly rebuilds: readonly Rebuild[] }): JSX.Element | null {
  if (rebuilds.length === 0) return null;
  return (
    <div class="mt-2 border-t border-line pt-4">
      <h3 class="mb-3 text-sm font-semibold">Rebuilds</h3>
      <ul aria-label="Rebuilds" class="grid gap-4">
        {rebuilds.slice(0, MOST_SHOWN).map((rebuild) => (
          <RebuildRow key={`${rebuild.id} ${rebuild.startedAt}`} rebuild={rebuild} />
        ))}
      </ul>
    </div>
  );
}

function RebuildRow({ rebuild }: { readonly rebuild: Rebuild }): JSX.Element {
  const { name, generation, state, startedAt, finishedAt, error, differences } = rebuild;
  const [look, word] = lookOfRebuild(state);
  return (
    <li class="grid gap-1.5">
      <p class="flex flex-wrap items-center gap-2 text-sm">
        <span class="font-medium">{titleOf(name)}</span>
        <span class="text-muted">generation {generation}</span>
        <Badge look={look}>{word}</Badge>
      </p>
      {finishedAt === null ? (
        <Progress label={`Rebuild of ${titleOf(name)}`} {...rebuild} />
      ) : (
        <p class="text-sm text-muted">
          {grouped(rebuild.eventsTotal)} events · asked for{' '}
          <time dateTime={startedAt}>{formatTime(startedAt)}</time>
        </p>
      )}
      {state === 'done' && (
        <p class={`text-sm ${differences === '0' ? 'text-muted' : 'text-warn'}`}>
          {differences === '0'
            ? 'It was the same as the one that served before.'
            : `${grouped(differences)} ${differences === '1' ? 'difference' : 'differences'} from the one that served before.`}
        </p>
      )}
      {error !== null && <p class="text-sm wrap-anywhere text-bad">{error}</p>}
    </li>
  );
}
