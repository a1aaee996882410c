// Words in English and German, and numbers and times as people of each write them.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { type Key, words } from "./words";

export type { Key };
export type Language = "en" | "de";
export type T = (key: Key, parts?: Record<string, string | number>) => string;

/** The word for a key: `{name}` is filled in; of `one | many` the form that fits `n` is taken. */
export function translate(language: Language, key: Key, parts: Record<string, string | number> = {}): string {
  const text = words[key][language === "en" ? 0 : 1];
  const forms = text.split(" | ");
  const form = forms.length > 1 && parts["n"] !== 1 ? forms[1] : forms[0];
  return (form ?? text).replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    const part = parts[name];
    return part === undefined ? whole : typeof part === "number" ? part.toLocaleString(language) : part;
  });
}

/** The word for a key that the server chose, or what it said itself where no word is known. */
export function known(t: T, prefix: string, name: string): string {
  const key = `${prefix}.${name}`;
  return Object.hasOwn(words, key) ? t(key as Key) : name.replaceAll("_", " ");
}

interface Speech {
  language: Language;
  choose: (language: Language) => void;
  t: T;
}

const SpeechContext = createContext<Speech | undefined>(undefined);
const KEPT = "tandem.language";

function first(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "en" || kept === "de") return kept;
  return navigator.language.startsWith("de") ? "de" : "en";
}

export function SpeechProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(first);
  const choose = useCallback((chosen: Language) => {
    localStorage.setItem(KEPT, chosen);
    setLanguage(chosen);
  }, []);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const speech = useMemo<Speech>(
    () => ({ language, choose, t: (key, parts) => translate(language, key, parts) }),
    [language, choose],
  );
  return <SpeechContext value={speech}>{children}</SpeechContext>;
}

export function useSpeech(): Speech {
  const speech = useContext(SpeechContext);
  if (!speech) throw new Error("no SpeechProvider above");
  return speech;
}

export function useT(): T {
  return useSpeech().t;
}

/** How long ago, in the largest unit that fits. */
export function ago(language: Language, at: string, now: number): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const seconds = (Date.parse(at) - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 60) return format.format(Math.round(seconds), "second");
  if (size < 3600) return format.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return format.format(Math.round(seconds / 3600), "hour");
  return format.format(Math.round(seconds / 86_400), "day");
}

/** A span of milliseconds in the unit that fits. */
export function span(language: Language, milliseconds: number): string {
  const [value, unit] =
    milliseconds < 1000
      ? [milliseconds, "millisecond"]
      : milliseconds < 60_000
        ? [milliseconds / 1000, "second"]
        : milliseconds < 3_600_000
          ? [milliseconds / 60_000, "minute"]
          : [milliseconds / 3_600_000, "hour"];
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: unit as string,
    unitDisplay: "short",
    maximumFractionDigits: 1,
  }).format(value as number);
}
