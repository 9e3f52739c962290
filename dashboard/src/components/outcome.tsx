/** What became of an attempt, below the form that made it. */
import type { ComponentChildren, JSX } from 'preact';
import type { AttemptState } from '../api/attempt.ts';
import type { Problem } from '../api/client.ts';
import { useInView } from '../lib/in-view.ts';
import { Button } from './button.tsx';

type OutcomeProps<Answer> = {
  readonly state: AttemptState<Answer>;
  readonly done: (answer: Answer) => ComponentChildren;
  /** More words about a problem, such as its figures in the scale of the asset. */
  readonly explain?: (problem: Problem) => string | null;
};

export function Outcome<Answer>({ state, done, explain }: OutcomeProps<Answer>): JSX.Element {
  const place = useInView(state.kind);
  return (
    <div ref={place} aria-live="polite" class="scroll-my-4 text-sm empty:absolute">
      <Words state={state} done={done} {...(explain === undefined ? {} : { explain })} />
    </div>
  );
}

function Words<Answer>({ state, done, explain }: OutcomeProps<Answer>): JSX.Element | null {
  switch (state.kind) {
    case 'idle':
      return null;
    case 'sending':
      return <p class="text-muted">Sending…</p>;
    case 'done':
      return (
        <div class="grid gap-1 rounded-lg bg-tint px-4 py-3">
          {done(state.answer)}
          {state.replayed && (
            <p class="text-muted">An earlier try had done it already: nothing was done twice.</p>
          )}
        </div>
      );
    case 'refused':
      return <ProblemNote problem={state.problem} more={explain?.(state.problem) ?? null} />;
    case 'silent':
      return (
        <div class="grid justify-items-start gap-3 rounded-lg bg-warn-tint px-4 py-3 text-warn">
          <p>
            <strong class="font-semibold">{state.problem.title}.</strong> {state.problem.detail} Trying again
            sends the same key, so it happens once at most.
          </p>
          <Button look="plain" size="small" onClick={state.retry}>
            Retry with the same key
          </Button>
        </div>
      );
  }
}

/** problem+json as a person reads it. Its title leads to what to do about it. */
export function ProblemNote(props: {
  readonly problem: Problem;
  readonly more?: string | null;
}): JSX.Element {
  const { title, detail, code, errors } = props.problem;
  return (
    <div role="alert" class="grid gap-1 rounded-lg bg-bad-tint px-4 py-3 text-sm">
      <p class="font-semibold text-bad">
        {code === 'no_answer' ? (
          title
        ) : (
          <a class="underline underline-offset-2" href={`/problems/${code}`} target="_blank" rel="noreferrer">
            {title}
          </a>
        )}
      </p>
      <p>{detail}</p>
      {props.more != null && <p>{props.more}</p>}
      {errors?.map(({ path, message }) => (
        <p key={path}>
          {path}: {message}
        </p>
      ))}
    </div>
  );
}
