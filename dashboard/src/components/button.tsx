import type { ComponentChildren, JSX } from 'preact';

const LOOKS = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong',
  plain: 'border border-edge/60 bg-surface text-ink hover:border-edge hover:bg-tint',
  danger: 'border border-bad/60 bg-surface text-bad hover:bg-bad-tint',
  quiet: 'text-accent hover:bg-tint',
};

const SIZES = { normal: 'px-3.5 py-2 text-sm', small: 'px-2.5 py-1 text-sm' };

type ButtonProps = {
  readonly children: ComponentChildren;
  readonly look?: keyof typeof LOOKS;
  readonly size?: keyof typeof SIZES;
  readonly type?: 'submit' | 'button';
  readonly name?: string;
  readonly value?: string;
  readonly disabled?: boolean;
  readonly onClick?: () => void;
  readonly class?: string;
  readonly describedBy?: string;
};

/** Submits its form unless it is given something else to do. */
export function Button(props: ButtonProps): JSX.Element {
  const { children, look = 'primary', size = 'normal', onClick, describedBy, disabled = false } = props;
  return (
    <button
      type={props.type ?? (onClick === undefined ? 'submit' : 'button')}
      class={`rounded-lg font-medium whitespace-nowrap transition-colors disabled:cursor-default disabled:opacity-55 ${LOOKS[look]} ${SIZES[size]} ${props.class ?? ''}`}
      disabled={disabled}
      {...(props.name === undefined ? {} : { name: props.name, value: props.value })}
      {...(onClick === undefined ? {} : { onClick })}
      {...(describedBy === undefined ? {} : { 'aria-describedby': describedBy })}
    >
      {children}
    </button>
  );
}
