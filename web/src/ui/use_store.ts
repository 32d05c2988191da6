// SPDX-License-Identifier: MIT
import { useEffect, useState } from "preact/hooks";
import { store } from "../state/actions";
import type { AppState } from "../state/app";

/** A part of the state; the component is drawn again when that part changes. */
export function useApp<T>(select: (state: AppState) => T): T {
  const [value, setValue] = useState(() => select(store.get()));
  useEffect(() => {
    const update = () => setValue(() => select(store.get()));
    update();
    return store.subscribe(update);
  }, []);
  return value;
}
