/** A value that several components show, with those who want to know when it changes. */
import { useEffect, useState } from 'preact/hooks';

export type Store<Value> = {
  get(): Value;
  set(change: Partial<Value>): void;
  subscribe(listener: () => void): () => void;
};

export function createStore<Value extends object>(first: Value): Store<Value> {
  let value = first;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(change) {
      const next = { ...value, ...change };
      if (Object.keys(change).every((key) => Object.is(Reflect.get(next, key), Reflect.get(value, key))))
        return;
      value = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStore<Value extends object>(store: Store<Value>): Value {
  const [value, setValue] = useState(store.get());
  useEffect(() => {
    const take = () => setValue(store.get());
    take();
    return store.subscribe(take);
  }, [store]);
  return value;
}
