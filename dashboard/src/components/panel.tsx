import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';

type PanelProps = {
  readonly title: string;
  readonly children: ComponentChildren;
  /** On the right of the title. */
  readonly aside?: ComponentChildren;
  readonly class?: string;
};

/** A part of a page, with its title. */
export function Panel({ title, children, aside, class: added = '' }: PanelProps): JSX.Element {
  const id = useId();
  return (
    <section
      aria-labelledby={id}
      class={`min-w-0 rounded-xl border border-line bg-surface p-4 sm:p-5 ${added}`}
    >
      <div class="mb-4 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <h2 id={id} class="text-base font-semibold">
          {title}
        </h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** What is said where there is nothing to show. */
export function Empty({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return (
    <p class="rounded-lg border border-dashed border-line px-4 py-6 text-center text-sm text-muted">
      {children}
    </p>
  );
}

/** A figure and what it is called. */
export function Figure(props: {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="min-w-0">
      <dt class="text-sm text-muted">{props.label}</dt>
      <dd class="text-xl font-semibold tracking-tight wrap-anywhere">{props.value}</dd>
      {props.note !== undefined && <dd class="text-sm text-muted">{props.note}</dd>}
    </div>
  );
}
