/** Fields with their label above, and below it what may be written or what is wrong with what was. */
import type { ComponentChildren, JSX, Ref } from 'preact';
import { useId } from 'preact/hooks';

const BOX =
  'w-full min-w-0 rounded-lg border border-edge bg-surface px-3 py-2 text-base text-ink sm:text-sm placeholder:text-muted aria-invalid:border-bad';

type FieldProps = {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly fault?: string | null | undefined;
  readonly class?: string;
};

function Frame(
  props: FieldProps & { readonly id: string; readonly children: ComponentChildren },
): JSX.Element {
  const { id, label, hint, fault, children } = props;
  const note = fault ?? hint;
  return (
    <div class={`grid grid-cols-[minmax(0,1fr)] content-start gap-1 ${props.class ?? ''}`}>
      <label for={id} class="text-sm font-medium">
        {label}
      </label>
      {children}
      {note !== undefined && (
        <p
          id={`${id}-note`}
          class={`text-xs wrap-anywhere ${fault == null ? 'text-muted' : 'text-bad'}`}
          aria-live="polite"
        >
          {note}
        </p>
      )}
    </div>
  );
}

/** Attributes that tie a field to the note below it. */
function noted(id: string, { hint, fault }: FieldProps) {
  const described = (fault ?? hint) !== undefined;
  return {
    ...(described ? { 'aria-describedby': `${id}-note` } : {}),
    ...(fault == null ? {} : { 'aria-invalid': true }),
  };
}

type TextFieldProps = FieldProps & {
  readonly name?: string;
  readonly type?: 'text' | 'email' | 'password' | 'search' | 'date' | 'datetime-local';
  readonly value?: string;
  readonly onInput?: (value: string) => void;
  readonly inputMode?: 'decimal' | 'numeric';
  readonly autocomplete?: string;
  readonly maxLength?: number;
  readonly placeholder?: string;
  /** The id of a datalist. */
  readonly list?: string;
  readonly inputRef?: Ref<HTMLInputElement>;
  readonly large?: boolean;
};

export function TextField(props: TextFieldProps): JSX.Element {
  const id = useId();
  const { onInput, inputRef, large = false } = props;
  // The types of attributes know one type of input at a time.
  const kind = { type: props.type ?? 'text' } as { type: 'text' };
  return (
    <Frame {...props} id={id}>
      <input
        id={id}
        class={`${BOX} ${large ? 'font-medium' : ''} ${kind.type.startsWith('date') ? 'max-sm:px-2 max-sm:text-sm' : ''}`}
        {...kind}
        autocomplete={props.autocomplete ?? 'off'}
        {...noted(id, props)}
        {...(inputRef === undefined ? {} : { ref: inputRef })}
        {...(props.name === undefined ? {} : { name: props.name })}
        {...(props.value === undefined ? {} : { value: props.value })}
        {...(props.inputMode === undefined ? {} : { inputMode: props.inputMode })}
        {...(props.maxLength === undefined ? {} : { maxLength: props.maxLength })}
        {...(props.placeholder === undefined ? {} : { placeholder: props.placeholder })}
        {...(props.list === undefined ? {} : { list: props.list })}
        {...(onInput === undefined ? {} : { onInput: (event) => onInput(event.currentTarget.value) })}
      />
    </Frame>
  );
}

type SelectFieldProps = FieldProps & {
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onChange: (value: string) => void;
};

export function SelectField(props: SelectFieldProps): JSX.Element {
  const id = useId();
  return (
    <Frame {...props} id={id}>
      <select
        id={id}
        class={BOX}
        value={props.value}
        onChange={(event) => props.onChange(event.currentTarget.value)}
        {...noted(id, props)}
      >
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Frame>
  );
}

type TextAreaProps = FieldProps & {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly rows?: number;
};

/** Text of a machine, to be read and changed by people. */
export function TextArea(props: TextAreaProps): JSX.Element {
  const id = useId();
  return (
    <Frame {...props} id={id}>
      <textarea
        id={id}
        class={`${BOX} font-mono sm:text-xs`}
        rows={props.rows ?? 8}
        value={props.value}
        spellcheck={false}
        autocomplete="off"
        {...noted(id, props)}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
    </Frame>
  );
}
