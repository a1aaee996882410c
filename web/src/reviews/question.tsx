// One question with all that decides it: values side by side, or the records that could be the same.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { type Key, useT } from "../i18n";
import { words } from "../i18n/words";
import { Ago, Button, inputs, Labelled, names, Table } from "../ui/basic";
import { useMay } from "../signin/may";
import { FieldValue } from "../ui/value";
import { Waiting } from "./waiting";
import { type Choice, choiceKind, choiceRecord, choiceWords } from "./words";

type Review = Schemas["Review"];
type Fields = Schemas["Fields"];

interface Asked {
  review: Review;
  sync: Schemas["SyncStatus"] | undefined;
  alike: Review[];
  waiting: Review[];
  busy: boolean;
  answer: (how: Answer) => void;
}

/** What a person says: to which questions, and whether it is the rule from now on. */
export interface Answer {
  ids: string[];
  choice: Choice;
  always: boolean;
  /** What is to be there, where the choice is to write a value of one's own. */
  value?: string;
}

/** What the answers of each extent do beside answering the one that is shown. */
type Extent = "one" | "alike" | "always";

export function Question({ review, sync, alike, waiting, busy, answer }: Asked) {
  const t = useT();
  const [extent, setExtent] = useState<Extent>("one");
  const [own, setOwn] = useState("");
  const group = useId();
  const ends = { left: sync?.left ?? t("left"), right: sync?.right ?? t("right") };
  const { choices } = review.details;
  const asks = `asks.${review.kind}`;
  const may = useMay();
  const decide = (choice: Choice) => {
    if (!may("work")) return;
    answer({ ids: extent === "alike" ? alike.map(({ id }) => id) : [review.id], choice, always: extent === "always", ...(choice.key === "edit" ? { value: own } : {}) });
  };
  // only who counts, and what becomes of what does not fit, can be a rule; a value of one's own is for one record
  const rules = review.kind === "lossy" ? ["shorten", "leave"] : ["left", "right"];
  const fits = (choice: Choice) => (extent !== "always" || rules.includes(choice.key)) && (choice.key !== "edit" || (extent === "one" && own.trim() !== ""));
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const writes = target.closest("select, textarea, dialog, input:not([type=radio])") !== null;
      const choice = /^[1-9]$/.test(event.key) ? choices[Number(event.key) - 1] : undefined;
      if (event.ctrlKey || event.metaKey || event.altKey || writes || busy || choice === undefined || !fits(choice)) return;
      decide(choice);
      event.preventDefault();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  });
  const extents: [Extent, string][] = [["one", t("reviews.extent.one")]];
  if (alike.length > 1) extents.push(["alike", t("reviews.same", { n: alike.length })]);
  if (review.kind === "conflict" || review.kind === "lossy") extents.push(["always", t("reviews.always", { field: review.details.mapping ?? "" })]);
  const named = new Set(choices.map(choiceRecord).filter((id) => id !== undefined));
  return (
    <div className="space-y-4">
      <div>
        <p className="font-medium">{Object.hasOwn(words, asks) ? t(asks as Key) : review.summary}</p>
        <p className="mt-1 text-sm break-words text-soft">
          {review.summary} · {t("reviews.opened")} <Ago at={review.opened} />
        </p>
      </div>
      {review.kind === "conflict" || review.kind === "lossy" ? (
        <>
          <Conflict review={review} ends={ends} />
          {review.kind === "lossy" && <Loss review={review} ends={ends} />}
        </>
      ) : (
        <Records review={review} sync={sync} named={[...named]} choices={choices} busy={busy} decide={decide} />
      )}
      {extents.length > 1 && (
        <fieldset className="space-y-1.5">
          <legend className="mb-1 text-sm font-medium">{t("reviews.extent")}</legend>
          {extents.map(([value, label]) => (
            <label key={value} className="flex items-center gap-2">
              <input type="radio" name={group} className="size-4 shrink-0" checked={extent === value} onChange={() => setExtent(value)} />
              {label}
            </label>
          ))}
          {extent === "always" && <p className="text-sm text-soft">{t(review.kind === "lossy" ? "reviews.always.lossy" : "reviews.always.how")}</p>}
        </fieldset>
      )}
      {choices.some(({ key }) => key === "edit") && (
        <Labelled label={`${t("reviews.value")} (${review.details.edits ?? ""})`}>
          {(id) => <input id={id} className={inputs} value={own} onChange={(event) => setOwn(event.target.value)} />}
        </Labelled>
      )}
      <div className="flex flex-wrap gap-2">
        {choices.map((choice, at) => {
          const record = choiceRecord(choice);
          return (
            <Button
              needs="work"
              key={choice.key}
              look={choiceKind(choice) === "remove" ? "danger" : "plain"}
              disabled={busy || !fits(choice)}
              title={choice.does}
              className="max-w-full"
              onClick={() => decide(choice)}
            >
              {at < 9 && (
                <kbd aria-hidden="true" className="rounded border border-edge px-1.5 font-sans text-xs text-soft">
                  {at + 1}
                </kbd>
              )}
              {choiceWords(t, choice, ends)}
              {record !== undefined && <span className="min-w-0 font-normal break-all text-soft">{record}</span>}
            </Button>
          );
        })}
      </div>
      <Waiting reviews={waiting} sync={sync} />
    </div>
  );
}

/** Both sides of one mapping, and what they last agreed on. */
function Conflict({ review, ends }: { review: Review; ends: { left: string; right: string } }) {
  const t = useT();
  const { left = {}, right = {} } = review.details;
  const base = (review.details.base ?? {}) as { left?: Fields; right?: Fields };
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      {(
        [
          [ends.left, left, base.left, review.left],
          [ends.right, right, base.right, review.right],
        ] as const
      ).map(([end, now, before, record]) => (
        <section key={end} aria-label={end} className="min-w-0 rounded-lg border border-line p-3">
          <h3 className="font-medium break-words">
            {end} <span className="font-normal text-soft">{record}</span>
          </h3>
          <dl className="mt-2 space-y-2">
            {Object.entries(now).map(([name, field]) => (
              <div key={name}>
                <dt className="text-sm text-soft">{name}</dt>
                <dd className="text-lg font-medium">
                  <FieldValue field={field} />
                </dd>
                <dd className="text-sm text-soft">
                  {t("reviews.base")}: <FieldValue field={before?.[name]} />
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

/** What the other side would hold of a value, and what of it is lost. */
function Loss({ review, ends }: { review: Review; ends: { left: string; right: string } }) {
  const t = useT();
  const { keeps, loses = [], side = "right", reason } = review.details;
  return (
    <dl className="space-y-2 rounded-lg border border-line p-3">
      {keeps && (
        <div>
          <dt className="text-sm text-soft">{t("reviews.keeps", { end: ends[side] })}</dt>
          <dd className="text-lg font-medium break-words">
            <FieldValue field={keeps} />
          </dd>
        </div>
      )}
      <div>
        <dt className="text-sm text-soft">{t("reviews.loses")}</dt>
        <dd className="break-words">{loses.length > 0 ? loses.join(", ") : reason}</dd>
      </div>
    </dl>
  );
}

/** The record that is asked about and those that it could be, read from their systems now. */
function Records({ review, sync, named, choices, busy, decide }: {
  review: Review;
  sync: Schemas["SyncStatus"] | undefined;
  named: string[];
  choices: Choice[];
  busy: boolean;
  decide: (choice: Choice) => void;
}) {
  const t = useT();
  const { details } = review;
  if (!sync || review.kind === "mass_change") return details.why ? <p className="break-words">{details.why}</p> : null;
  // who is asked about stands on one side, those that it could be on the other; after a loss both are on one
  const gone = details.gone;
  const side = gone ? (gone === "left" ? "right" : "left") : (details.side ?? "left");
  const other = side === "left" ? "right" : "left";
  const subject = gone ? review[side] : (details.record ?? review[side]);
  const candidates = details.candidates ?? details.heirs ?? named.map((id) => ({ id, why: "" }));
  const where = candidates.length > 0 && gone ? gone : other;
  return (
    <div className="space-y-3">
      {details.why && (
        <p className="text-sm text-soft">
          {t("reviews.why")}: {details.why}
        </p>
      )}
      <div className="grid gap-3 md:grid-cols-2">
        {subject && (
          <Person title={gone ? t("reviews.remains") : t("reviews.this")} connection={sync[side]} entity={review.entity} id={subject} marked />
        )}
        {candidates.map((candidate) => {
          const choice = choices.find((one) => choiceRecord(one) === candidate.id);
          return (
            <Person key={candidate.id} title={t("reviews.candidate")} connection={sync[where]} entity={review.entity} id={candidate.id} why={candidate.why}>
              {choice && (
                <Button needs="work" look="main" className="mt-3" disabled={busy} onClick={() => decide(choice)}>
                  {choiceWords(t, choice, sync)}
                </Button>
              )}
            </Person>
          );
        })}
      </div>
    </div>
  );
}

/** Most fields that a card shows; the record's own page shows all. */
const MOST = 14;

/** What people know each other by, in either language; the first that fits says how early a field is shown. */
const told = [/name/i, /mail/i, /phone|telefon|mobil/i, /address1|street|strasse/i, /plz|postal|zip/i, /city|^ort/i, /birth|geburt/i, /company|firma|zusatz/i, /tags|art/i];

function rank(name: string, field: unknown): number {
  const machine = typeof field === "object" && field !== null && /"(boolean|instant)"/.test(JSON.stringify(field));
  const at = told.findIndex((pattern) => pattern.test(name));
  return machine ? told.length + 1 : at < 0 ? told.length : at;
}

function Person({ title, connection, entity, id, why, marked = false, children }: {
  title: string;
  connection: string;
  entity: Schemas["Entity"];
  id: string;
  why?: string;
  marked?: boolean;
  children?: React.ReactNode;
}) {
  const t = useT();
  const record = useQuery({
    queryKey: ["record", connection, entity, id],
    queryFn: () =>
      result(api.GET("/connections/{name}/records/{entity}/{id}", { params: { path: { name: connection, entity, id } } })),
    staleTime: 60_000,
  });
  const fields = Object.entries(record.data?.fields ?? {})
    .filter(([, field]) => field !== "empty" && field !== "unknown")
    .toSorted(([one, first], [other, second]) => rank(one, first) - rank(other, second));
  return (
    <section aria-label={`${title} ${id}`} className={names("min-w-0 rounded-lg border p-3", marked ? "border-accent" : "border-line")}>
      <h3 className="font-medium break-words">
        {title} <span className="font-normal text-soft">{`${connection} ${id}`}</span>
      </h3>
      {why && <p className="mt-0.5 text-sm text-soft">{why}</p>}
      {record.error ? (
        <p className="mt-2 text-sm text-soft">
          {t("reviews.unread")}: {record.error.message}
        </p>
      ) : record.data ? (
        <div className="mt-2">
          <Table label={`${title} ${id}`} heads={[t("reviews.field"), t("records.value")]}>
            {fields.slice(0, MOST).map(([name, field]) => (
              <tr key={name}>
                <td className="text-soft">{name}</td>
                <td>
                  <FieldValue field={field} />
                </td>
              </tr>
            ))}
          </Table>
        </div>
      ) : (
        <div className="mt-2 h-40 animate-pulse rounded bg-sunk" />
      )}
      {children}
    </section>
  );
}
