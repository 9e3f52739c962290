import type { ComponentChildren, JSX } from 'preact';
import { Button } from '../../components/button.tsx';

type ActionRowProps = {
  readonly name: string;
  readonly sending: boolean;
  readonly onAct: () => void;
  /** What stands over the whole width. */
  readonly above?: ComponentChildren;
  /** What this action asks for beyond amount and asset. */
  readonly children: ComponentChildren;
};

/** One thing to do with the amount: its own fields, and its button beside them. */
export function ActionRow({ name, sending, onAct, above, children }: ActionRowProps): JSX.Element {
  return (
    <div class="grid grid-cols-[minmax(0,1fr)_6.5rem] items-start gap-2 border-t border-line pt-4">
      {above !== undefined && <div class="col-span-2 grid grid-cols-2 gap-2">{above}</div>}
      {children}
      <Button look="plain" class="mt-6" disabled={sending} onClick={onAct}>
        {name}
      </Button>
    </div>
  );
}
