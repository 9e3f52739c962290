import type { JSX } from 'preact';
import type { Operations } from '../../api/types.ts';
import { Empty, Panel } from '../../components/panel.tsx';
import { grouped } from '../../lib/amount.ts';
import { formatTime } from '../../lib/time.ts';
import { titleOf } from './words.ts';

const MOST_SHOWN = 8;

/** What became of the commands since the process began, and why those that were declined were. */
export function OutcomesPanel({ figures }: { readonly figures: Operations }): JSX.Element {
  const { outcomes, refusals, process } = figures;
  const commands = [...new Set(outcomes.map(({ command }) => command))];
  return (
    <Panel title="Outcomes" aside={<p class="text-sm text-muted">Since {formatTime(process.startedAt)}</p>}>
      {outcomes.length === 0 ? (
        <Empty>No command came yet.</Empty>
      ) : (
        <div class="overflow-x-auto" tabIndex={0} role="region" aria-label="Outcomes by command">
          <table class="w-full text-sm">
            <thead class="text-left text-xs text-muted">
              <tr>
                <th scope="col" class="pb-2 font-medium">
                  Command
                </th>
                {['Accepted', 'Replayed', 'Refused'].map((title) => (
                  <th key={title} scope="col" class="pb-2 pl-2 sm:pl-3 text-right font-medium">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {commands.map((command) => (
                <CommandRow key={command} command={command} outcomes={outcomes} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {refusals.length > 0 && (
        <>
          <h3 class="mt-4 mb-2 text-sm font-semibold">Refusals by reason</h3>
          <ul class="grid gap-1.5 text-sm">
            {refusals.slice(0, MOST_SHOWN).map(({ code, count }) => (
              <li key={code} class="flex items-baseline justify-between gap-3">
                <a
                  class="underline underline-offset-2"
                  href={`/problems/${code}`}
                  target="_blank"
                  rel="noreferrer"
                >
                  {titleOf(code)}
                </a>
                <span class="font-medium">{grouped(count.toString())}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

type CommandRowProps = { readonly command: string; readonly outcomes: Operations['outcomes'] };

function CommandRow({ command, outcomes }: CommandRowProps): JSX.Element {
  const own = outcomes.filter((one) => one.command === command);
  const sumOf = (wanted: (outcome: string) => boolean) =>
    own.filter(({ outcome }) => wanted(outcome)).reduce((sum, { count }) => sum + count, 0);
  const counts = [
    ['accepted', sumOf((outcome) => outcome === 'accepted')],
    ['replayed', sumOf((outcome) => outcome === 'replayed')],
    ['refused', sumOf((outcome) => outcome !== 'accepted' && outcome !== 'replayed')],
  ] as const;
  return (
    <tr class="border-t border-line">
      <th scope="row" class="py-2 text-left font-medium">
        {titleOf(command)}
      </th>
      {counts.map(([what, count]) => (
        <td key={what} class={`py-2 pl-2 sm:pl-3 text-right ${count === 0 ? 'text-muted' : ''}`}>
          {grouped(count.toString())}
        </td>
      ))}
    </tr>
  );
}
