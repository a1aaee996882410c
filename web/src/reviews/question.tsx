// One question with all that decides it: values side by side, or the records that could be the same.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { type Key, useT } from "../i18n";
import { words } from "../i18n/words";
import { Ago, Button, names, Table } from "../ui/basic";
import { FieldValue } from "../ui/value";
import { type Choice, choiceKind, choiceRecord, choiceWords } from "./words";

type Review = Schemas["Review"];
type Fields = Schemas["Fields"];

interface Asked {
  review: Review;
  sync: Schemas["SyncStatus"] | undefined;
  alike: Review[];
  busy: boolean;
  answer: (ids: string[], choice: Choice) => void;
}

export function Question({ review, sync, alike, busy, answer }: Asked) {
  const t = useT();
  const [same, setSame] = useState(false);
  const ends = { left: sync?.left ?? t("left"), right: sync?.right ?? t("right") };
  const { choices } = review.details;
  const asks = `asks.${review.kind}`;
  const decide = (choice: Choice) => answer(same ? alike.map(({ id }) => id) : [review.id], choice);
  const named = new Set(choices.map(choiceRecord).filter((id) => id !== undefined));
  return (
    <div className="space-y-4">
      <div>
        <p className="font-medium">{Object.hasOwn(words, asks) ? t(asks as Key) : review.summary}</p>
        <p className="mt-1 text-sm break-words text-soft">
          {review.summary} · {t("reviews.opened")} <Ago at={review.opened} />
        </p>
      </div>
      {review.kind === "conflict" ? (
        <Conflict review={review} ends={ends} />
      ) : (
        <Records review={review} sync={sync} named={[...named]} choices={choices} busy={busy} decide={decide} />
      )}
      {alike.length > 1 && (
        <label className="flex items-center gap-2">
          <input type="checkbox" className="size-4" checked={same} onChange={(event) => setSame(event.target.checked)} />
          {t("reviews.same", { n: alike.length })}
        </label>
      )}
      <div className="flex flex-wrap gap-2">
        {choices.map((choice, at) => {
          const record = choiceRecord(choice);
          return (
            <Button
              key={choice.key}
              look={choiceKind(choice) === "remove" ? "danger" : "plain"}
              disabled={busy}
              title={choice.does}
              onClick={() => decide(choice)}
            >
              {at < 9 && (
                <kbd aria-hidden="true" className="rounded border border-edge px-1.5 font-sans text-xs text-soft">
                  {at + 1}
                </kbd>
              )}
              {choiceWords(t, choice, ends)}
              {record !== undefined && <span className="font-normal text-soft">{record}</span>}
            </Button>
          );
        })}
      </div>
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
                <Button look="main" className="mt-3" disabled={busy} onClick={() => decide(choice)}>
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
