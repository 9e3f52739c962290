import type { ComponentChildren, JSX } from 'preact';

const LOOKS = {
  plain: 'bg-tint text-muted',
  good: 'bg-tint text-good',
  warn: 'bg-warn-tint text-warn',
  bad: 'bg-bad-tint text-bad',
};

export type BadgeLook = keyof typeof LOOKS;

/** A word about the state of something. */
export function Badge(props: {
  readonly look?: BadgeLook;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <span
      class={`inline-block rounded-md px-2 py-0.5 text-xs font-medium whitespace-nowrap ${LOOKS[props.look ?? 'plain']}`}
    >
      {props.children}
    </span>
  );
}
