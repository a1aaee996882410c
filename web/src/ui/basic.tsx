// The small parts that all pages are made of.
import { Link as RouterLink, type LinkProps } from "@tanstack/react-router";
import { type ButtonHTMLAttributes, type ComponentProps, type ReactNode, useEffect, useId, useState } from "react";
import { Refusal } from "../api/client";
import { ago, type Key, useSpeech, useT } from "../i18n";
import { type Scope, useMay } from "../signin/may";

/** Class names of which some may be left out. */
export function names(...parts: (string | false | undefined)[]): string {
  return parts.filter(Boolean).join(" ");
}

type Look = "main" | "plain" | "quiet" | "danger";

const looks: Record<Look, string> = {
  main: "bg-accent text-accent-ink border-transparent hover:brightness-110",
  plain: "bg-card text-ink border-edge hover:bg-sunk",
  quiet: "bg-transparent text-ink border-transparent hover:bg-sunk",
  danger: "bg-card text-bad border-bad hover:bg-bad-wash",
};

const shape =
  "inline-flex min-h-9 items-center justify-center gap-2 rounded-md border px-3 py-1.5 text-sm font-medium no-underline";

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look; busy?: boolean };

/** A button. What it `needs` is a scope: who has it not sees it, cannot press it, and is told what it needs. */
export function Button({ needs, ...rest }: ButtonProps & { needs?: Scope }) {
  return needs === undefined ? <Plain {...rest} /> : <Guarded needs={needs} {...rest} />;
}

function Guarded({ needs, ...rest }: ButtonProps & { needs: Scope }) {
  const t = useT();
  const may = useMay();
  return may(needs) ? <Plain {...rest} /> : <Plain {...rest} disabled title={t(`may.${needs}`)} />;
}

function Plain({ look = "plain", busy = false, className, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy || undefined}
      disabled={rest.disabled || busy}
      className={names(shape, looks[look], "disabled:opacity-60", className)}
    >
      {busy && <Spinner />}
      {children}
    </button>
  );
}

export function Spinner() {
  return (
    <span
      aria-hidden="true"
      className="inline-block size-3.5 animate-spin rounded-full border-2 border-current border-t-transparent"
    />
  );
}

/** A link that looks like a button. */
export function LinkButton({ look = "plain", className, needs, ...rest }: LinkProps & { look?: Look; className?: string; needs?: Scope }) {
  const may = useMay();
  if (needs !== undefined && !may(needs)) {
    return (
      <Button look={look} needs={needs} className={className}>
        {rest.children as ReactNode}
      </Button>
    );
  }
  return <RouterLink {...(rest as ComponentProps<typeof RouterLink>)} className={names(shape, looks[look], className)} />;
}

export function Page({ title, lead, actions, wide = false, children }: {
  title: string;
  lead?: ReactNode;
  actions?: ReactNode;
  /** As wide as the screen: for what is drawn. */
  wide?: boolean;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Tandem`;
  }, [title]);
  return (
    <main id="main" tabIndex={-1} className={names("mx-auto w-full px-4 pt-6 pb-16 outline-none sm:px-6", !wide && "max-w-6xl")}>
      <div className="mb-5 flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <h1 className="text-xl font-semibold tracking-tight break-words">{title}</h1>
          {lead !== undefined && <div className="mt-0.5 text-soft">{lead}</div>}
        </div>
        {actions !== undefined && <div className="flex flex-wrap gap-2">{actions}</div>}
      </div>
      {children}
    </main>
  );
}

export function Card({ title, actions, children, className }: {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  const id = useId();
  return (
    <section
      aria-labelledby={title === undefined ? undefined : id}
      className={names("min-w-0 rounded-lg border border-line bg-card", className)}
    >
      {title !== undefined && (
        <div className="flex flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2.5">
          <h2 id={id} className="min-w-0 font-semibold break-words">
            {title}
          </h2>
          {actions}
        </div>
      )}
      <div className="p-4">{children}</div>
    </section>
  );
}

export type Tone = "ok" | "warn" | "bad" | "idle" | "accent";

const tones: Record<Tone, string> = {
  ok: "bg-ok-wash text-ok",
  warn: "bg-warn-wash text-warn",
  bad: "bg-bad-wash text-bad",
  idle: "bg-sunk text-soft",
  accent: "bg-accent-wash text-accent",
};

const lamps: Record<Tone, string> = { ok: "●", warn: "▲", bad: "■", idle: "○", accent: "●" };

/** A state in one word. Its form says as much as its colour. */
export function Light({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={names("inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-xs font-medium", tones[tone])}>
      <span aria-hidden="true" className="text-[0.6rem]">
        {lamps[tone]}
      </span>
      {children}
    </span>
  );
}

/** The moment, told anew every few seconds. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** A moment as how long ago it was; the full time on pointing at it. */
export function Ago({ at }: { at: string }) {
  const { language } = useSpeech();
  const now = useNow();
  return (
    <time dateTime={at} title={new Date(at).toLocaleString(language)} className="whitespace-nowrap">
      {ago(language, at, Math.max(now, Date.parse(at)))}
    </time>
  );
}

/** While something is fetched: the place that it will take. */
export function Waiting({ rows = 3 }: { rows?: number }) {
  const t = useT();
  return (
    <output className="block space-y-3">
      <span className="sr-only">{t("waiting")}</span>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="h-16 animate-pulse rounded-lg border border-line bg-sunk" />
      ))}
    </output>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="rounded-lg border border-dashed border-edge px-6 py-10 text-center">
      <p className="font-medium">{title}</p>
      {children !== undefined && <div className="mx-auto mt-1 max-w-prose text-soft">{children}</div>}
    </div>
  );
}

/** What went wrong, what to do, and the code to look up. */
export function Trouble({ error, again }: { error: unknown; again?: () => void }) {
  const t = useT();
  const refusal = error instanceof Refusal ? error : undefined;
  const gone = refusal?.status === 0;
  return (
    <div role="alert" className="rounded-lg border border-bad bg-bad-wash px-4 py-3">
      <p className="font-medium text-bad">
        {gone ? t("gone") : refusal ? sentence(refusal.message) : t("broken")}
        {refusal?.code ? <span className="ml-2 font-normal">({refusal.code})</span> : null}
      </p>
      {refusal?.hint !== undefined && <p className="mt-1">{sentence(refusal.hint)}</p>}
      {refusal !== undefined && refusal.problems.length > 0 && (
        <ul className="mt-2 list-disc space-y-1 pl-5">
          {refusal.problems.slice(0, 20).map((problem) => (
            <li key={`${problem.place}${problem.line}${problem.message}`}>
              {problem.place ? <code>{problem.place}</code> : t("line", { n: problem.line ?? 0 })}: {problem.message}
              {problem.hint ? ` (${problem.hint})` : ""}
            </li>
          ))}
        </ul>
      )}
      {again !== undefined && (
        <Button className="mt-3" onClick={again}>
          {t("again")}
        </Button>
      )}
    </div>
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The faces of what is fetched: waiting, failed, there. */
export function Fetched<D>({ of, rows, children }: {
  of: { data: D | undefined; error: unknown; refetch: () => unknown };
  rows?: number;
  children: (data: D) => ReactNode;
}) {
  if (of.data !== undefined) return children(of.data);
  if (of.error) return <Trouble error={of.error} again={() => void of.refetch()} />;
  return <Waiting {...(rows === undefined ? {} : { rows })} />;
}

/** A label over what it names, with a word of help. */
export function Labelled({ label, help, children }: {
  label: string;
  help?: string | undefined;
  children: (id: string, described: string | undefined) => ReactNode;
}) {
  const id = useId();
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      {children(id, help ? `${id}-help` : undefined)}
      {help && (
        <p id={`${id}-help`} className="mt-1 text-sm text-soft">
          {help}
        </p>
      )}
    </div>
  );
}

export const inputs =
  "w-full min-h-9 rounded-md border border-edge bg-card px-2.5 py-1.5 text-ink disabled:bg-sunk disabled:text-soft";

export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-soft">{label}</dt>
      <dd className="break-words tabular-nums">{children}</dd>
    </div>
  );
}

/** A number that counts, and where it leads. */
export function Figure({ label, value, tone }: { label: string; value: string; tone?: Tone }) {
  return (
    <div className="min-w-0 rounded-lg border border-line bg-card px-4 py-3">
      <div className={names("text-2xl font-semibold tabular-nums", tone === "bad" && "text-bad", tone === "warn" && "text-warn")}>
        {value}
      </div>
      <div className="text-sm text-soft">{label}</div>
    </div>
  );
}

/** A table that scrolls by itself where the screen is narrow. */
export function Table({ label, heads, children }: { label: string; heads: (string | { key: string; end: boolean })[]; children: ReactNode }) {
  return (
    // what scrolls has to be reachable by keyboard; it is no landmark, the card around it is
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex jsx-a11y/prefer-tag-over-role
    <div className="overflow-x-auto" role="group" aria-label={label} tabIndex={0}>
      <table className="w-full border-collapse text-sm">
        <thead>
          <tr className="border-b border-line text-left text-soft">
            {heads.map((head) => {
              const text = typeof head === "string" ? head : head.key;
              return (
                <th key={text} scope="col" className={names("px-2 py-1.5 font-medium whitespace-nowrap", typeof head !== "string" && head.end && "text-right")}>
                  {text}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody className="[&>tr]:border-b [&>tr]:border-line [&>tr:last-child]:border-0 [&_td]:px-2 [&_td]:py-1.5 [&_td]:align-top">
          {children}
        </tbody>
      </table>
    </div>
  );
}

export type { Key };
