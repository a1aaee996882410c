// What was there before, to go back to. Typing in one place is one step of it.
import { useCallback, useReducer } from "react";

export interface History<T> {
  past: T[];
  now: T;
  future: T[];
  /** What the last change was about: another one about the same replaces it. */
  about: string | undefined;
}

type Act<T> = { do: "set"; next: T; about: string | undefined } | { do: "undo" } | { do: "redo" } | { do: "begin"; now: T };

const LONGEST = 200;

export function step<T>(history: History<T>, act: Act<T>): History<T> {
  const { past, now, future } = history;
  switch (act.do) {
    case "begin":
      return { past: [], now: act.now, future: [], about: undefined };
    case "set": {
      if (act.next === now) return history;
      if (act.about !== undefined && act.about === history.about) return { ...history, now: act.next, future: [] };
      return { past: [...past, now].slice(-LONGEST), now: act.next, future: [], about: act.about };
    }
    case "undo": {
      const before = past.at(-1);
      return before === undefined ? history : { past: past.slice(0, -1), now: before, future: [now, ...future], about: undefined };
    }
    case "redo": {
      const after = future[0];
      return after === undefined ? history : { past: [...past, now], now: after, future: future.slice(1), about: undefined };
    }
  }
}

export function useHistory<T>(first: T) {
  const [history, dispatch] = useReducer(step<T>, { past: [], now: first, future: [], about: undefined });
  const set = useCallback((next: T, about?: string) => dispatch({ do: "set", next, about }), []);
  const undo = useCallback(() => dispatch({ do: "undo" }), []);
  const redo = useCallback(() => dispatch({ do: "redo" }), []);
  const begin = useCallback((now: T) => dispatch({ do: "begin", now }), []);
  return { now: history.now, canUndo: history.past.length > 0, canRedo: history.future.length > 0, set, undo, redo, begin };
}
