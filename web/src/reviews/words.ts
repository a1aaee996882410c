// What the answers to a question are called.
import type { Schemas } from "../api/client";
import { type Key, type T } from "../i18n";
import { words } from "../i18n/words";

export type Choice = Schemas["Choice"];

/** `link:1001` → `link`. */
export function choiceKind(choice: Choice): string {
  return choice.key.split(":")[0] ?? choice.key;
}

/** The record that a choice names, if it names one. */
export function choiceRecord(choice: Choice): string | undefined {
  const at = choice.key.indexOf(":");
  return at < 0 ? undefined : choice.key.slice(at + 1);
}

/** A choice in the person's language; what is not known says what the server says of it. */
export function choiceWords(t: T, choice: Choice, ends: { left: string; right: string }): string {
  const key = `choice.${choiceKind(choice)}`;
  if (Object.hasOwn(words, key)) return t(key as Key, ends);
  return choice.does.charAt(0).toUpperCase() + choice.does.slice(1);
}
