import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Button } from './button.tsx';

/** Over the page until it is closed, by its button, Escape or a click beside it. */
export function Dialog(props: {
  readonly title: ComponentChildren;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}): JSX.Element {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      class="m-auto w-full max-w-2xl rounded-xl border border-line bg-surface p-0 text-ink max-sm:m-0 max-sm:h-dvh max-sm:max-h-none max-sm:max-w-none max-sm:rounded-none"
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) props.onClose();
      }}
    >
      <div class="grid gap-5 p-5 sm:p-6">
        <div class="flex items-start justify-between gap-4">
          <h2 id={id} class="text-lg font-semibold tracking-tight">
            {props.title}
          </h2>
          <Button look="plain" size="small" onClick={props.onClose}>
            Close
          </Button>
        </div>
        {props.children}
      </div>
    </dialog>
  );
}
