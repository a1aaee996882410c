// Which field is which, with both schemas; what fits is proposed.
import { useQueries } from "@tanstack/react-query";
import { type ReactNode, useEffect, useId, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { type Key, known, type Language, useSpeech, useT } from "../i18n";
import { Button, Card, inputs, Light, names, Trouble, Waiting } from "../ui/basic";
import { Long } from "../ui/long";
import { valueText } from "../ui/value";
import { type Draft, type Rules, rulesFor } from "./draft";
import { choicesOf, directionOf, type Row, sameChoices, suggest, warning } from "./suggest";

type FieldSchema = Schemas["FieldSchema"];
type Entity = Schemas["Entity"];

interface Part {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
}

function fieldsOf(schemas: Schemas["EntitySchema"][] | undefined, entity: Entity): FieldSchema[] {
  return schemas?.find((schema) => schema.entity === entity)?.fields ?? [];
}

export function Mapping({ draft, change }: Part) {
  const t = useT();
  const [left, right] = useQueries({
    queries: [draft.left, draft.right].map((name) => ({
      queryKey: ["fields", name],
      queryFn: () => result(api.GET("/connections/{name}/fields", { params: { path: { name } } })),
      staleTime: 300_000,
    })),
  });
  const proposed = left?.data && right?.data;
  const missing = proposed ? draft.entities.filter((entity) => draft.rules[entity] === undefined) : [];
  useEffect(() => {
    if (missing.length === 0) return;
    const found = missing.map((entity) => [entity, rulesFor(suggest(fieldsOf(left?.data, entity), fieldsOf(right?.data, entity)), entity)] as const);
    change({ rules: { ...draft.rules, ...Object.fromEntries(found) } });
  });
  const samples = useQueries({
    queries: [draft.left, draft.right].flatMap((name) =>
      draft.entities.map((entity) => ({
        queryKey: ["samples", name, entity],
        queryFn: () => result(api.GET("/connections/{name}/samples/{entity}", { params: { path: { name, entity } } })),
        staleTime: 300_000,
        retry: false,
      })),
    ),
  });
  const sample = (side: 0 | 1, entity: Entity) => samples[side * draft.entities.length + draft.entities.indexOf(entity)]?.data ?? [];
  const error = left?.error ?? right?.error;
  if (error) return <Trouble error={error} />;
  if (!left?.data || !right?.data) return <Waiting />;
  const set = (entity: Entity, rules: Rules) => change({ rules: { ...draft.rules, [entity]: rules } });
  const empty = draft.entities.some((entity) => (draft.rules[entity]?.rows.length ?? 0) === 0);
  return (
    <div className="space-y-5">
      {draft.entities.map((entity) => {
        const rules = draft.rules[entity];
        return (
          rules && (
            <Card key={entity} title={`${known(t, "entity", entity)}: ${draft.left} ⇄ ${draft.right}`}>
              <p className="mb-3 text-soft">{t("new.fields.how")}</p>
              <Rows rows={rules.rows} label={known(t, "entity", entity)}>
                {(row, at) => (
                  <One
                    row={row}
                    left={fieldsOf(left.data, entity)}
                    right={fieldsOf(right.data, entity)}
                    samples={[sample(0, entity), sample(1, entity)]}
                    set={(next) => set(entity, { ...rules, rows: next ? rules.rows.with(at, next) : rules.rows.toSpliced(at, 1) })}
                  />
                )}
              </Rows>
              <Add
                left={fieldsOf(left.data, entity).filter(({ name }) => !rules.rows.some((row) => row.left.includes(name)))}
                right={fieldsOf(right.data, entity).filter(({ name }) => !rules.rows.some((row) => row.right.includes(name)))}
                add={(row) => set(entity, { ...rules, rows: [...rules.rows, row] })}
              />
            </Card>
          )
        );
      })}
      <Button look="main" disabled={empty} onClick={() => change({ step: 2 })}>
        {t("connections.next")}
      </Button>
    </div>
  );
}

const keyOf = (row: Row | undefined): string => `${row?.left.join() ?? ""}${row?.right.join() ?? ""}`;

/** More rows than this are drawn only as far as they are seen. */
const MANY = 40;

/** The rows of a mapping, also where there are hundreds; searched by their names. */
function Rows({ rows, label, children }: { rows: Row[]; label: string; children: (row: Row, at: number) => ReactNode }) {
  const t = useT();
  const [search, setSearch] = useState("");
  const shown = [...rows.entries()].filter(([, row]) => `${row.left.join(" ")} ${row.right.join(" ")}`.toLowerCase().includes(search.toLowerCase()));
  if (rows.length <= MANY) {
    return (
      <ul className="space-y-2">
        {rows.map((row, at) => (
          <li key={keyOf(row)}>{children(row, at)}</li>
        ))}
      </ul>
    );
  }
  return (
    <>
      <input type="search" aria-label={t("new.fields.search", { n: rows.length })} placeholder={t("new.fields.search", { n: rows.length })} className={`${inputs} mb-2`} value={search} onChange={(event) => setSearch(event.target.value)} />
      <Long count={shown.length} label={label} keyOf={(index) => keyOf(shown[index]?.[1])}>
        {(index) => {
          const [at, row] = shown[index] ?? [];
          return at === undefined || row === undefined ? null : children(row, at);
        }}
      </Long>
    </>
  );
}

const directions: [Row["direction"], string][] = [
  ["both", "⇄"],
  ["to_right", "→"],
  ["to_left", "←"],
];
const policies: Row["policy"][] = ["", "left_owns", "right_owns", "ask"];

function labels(chosen: string[], fields: FieldSchema[]): string {
  return chosen.map((name) => fields.find((field) => field.name === name)?.label ?? name).join(", ");
}

type Samples = { record: string; fields: Record<string, unknown> }[];

/** What a record that is there has in these fields. */
function sampleOf(wanted: string[], samples: Samples, language: Language): string | undefined {
  for (const { fields } of samples) {
    const texts = wanted.map((own) => valueText(fields[own], language)).filter((text) => text !== undefined && text !== "");
    if (texts.length > 0) return texts.join(", ");
  }
  return undefined;
}

function Sample({ text }: { text: string | undefined }) {
  const t = useT();
  if (text === undefined) return null;
  return <span className="block truncate text-sm text-soft">{t("new.sample", { value: text })}</span>;
}

function One({ row, left, right, samples, set }: {
  row: Row;
  left: FieldSchema[];
  right: FieldSchema[];
  samples: [Samples, Samples];
  set: (row: Row | undefined) => void;
}) {
  const { t, language } = useSpeech();
  const choices = choicesOf(row, left, right);
  const lossy = warning(row, left, right);
  const what = labels(row.left, left);
  return (
    <div className="grid items-center gap-2 rounded-lg border border-line p-2 sm:grid-cols-[minmax(0,1fr)_auto_minmax(0,1fr)_auto_auto]">
      <span className="min-w-0">
        <span className="block font-medium break-words">{what}</span>
        <span className="block text-xs break-all text-soft">{row.left.join(", ")}</span>
        <Sample text={sampleOf(row.left, samples[0], language)} />
      </span>
      <select
        aria-label={t("new.direction", { field: what })}
        className={`${inputs} w-auto`}
        value={row.direction}
        onChange={(event) => set({ ...row, direction: event.target.value as Row["direction"] })}
      >
        {directions.map(([value, sign]) => (
          <option key={value} value={value}>
            {sign} {t(`direction.${value}` as Key)}
          </option>
        ))}
      </select>
      <span className="min-w-0">
        <span className="block font-medium break-words">{labels(row.right, right)}</span>
        <span className="block text-xs break-all text-soft">{row.right.join(", ")}</span>
        <Sample text={sampleOf(row.right, samples[1], language)} />
        {lossy && <Light tone="warn">{t(`new.${lossy}` as Key)}</Light>}
      </span>
      <select
        aria-label={t("new.policy", { field: what })}
        className={`${inputs} w-auto`}
        value={row.policy}
        onChange={(event) => set({ ...row, policy: event.target.value as Row["policy"] })}
      >
        {policies.map((policy) => (
          <option key={policy} value={policy}>
            {t(`policy.${policy || "newest"}` as Key)}
          </option>
        ))}
      </select>
      <Button look="quiet" aria-label={t("new.drop", { field: what })} onClick={() => set(undefined)}>
        ×
      </Button>
      {choices && <Values row={row} what={what} choices={choices} set={set} />}
    </div>
  );
}

/** Which choice of the left is which of the right. */
function Values({ row, what, choices, set }: { row: Row; what: string; choices: NonNullable<ReturnType<typeof choicesOf>>; set: (row: Row) => void }) {
  const t = useT();
  const values = row.values ?? {};
  const given = Object.values(values).filter(Boolean).length;
  const change = (key: string, other: string) => set({ ...row, values: { ...values, [key]: other } });
  return (
    <details className="sm:col-span-5">
      <summary className="cursor-pointer text-sm font-medium">{t("new.values", { field: what, n: given })}</summary>
      <p className="mt-1 text-sm text-soft">{t("new.values.how")}</p>
      <Button className="my-2" onClick={() => set({ ...row, values: { ...sameChoices(choices.left, choices.right), ...values } })}>
        {t("new.values.suggest")}
      </Button>
      <ul className="max-h-80 space-y-1 overflow-y-auto">
        {choices.left.map(({ key, label }) => (
          <li key={key} className="grid grid-cols-2 items-center gap-2">
            <span className="text-sm break-words">{label}</span>
            {choices.right.length > 0 ? (
              <select aria-label={t("new.values.of", { value: label })} className={inputs} value={values[key] ?? ""} onChange={(event) => change(key, event.target.value)}>
                <option value="">–</option>
                {choices.right.map((other) => (
                  <option key={other.key} value={other.key}>
                    {other.label}
                  </option>
                ))}
              </select>
            ) : (
              <input aria-label={t("new.values.of", { value: label })} className={inputs} value={values[key] ?? ""} onChange={(event) => change(key, event.target.value)} />
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** One pair more, each side searched by typing. */
function Add({ left, right, add }: { left: FieldSchema[]; right: FieldSchema[]; add: (row: Row) => void }) {
  const t = useT();
  const [one, setOne] = useState("");
  const [other, setOther] = useState("");
  const here = left.find(({ name }) => name === one);
  const there = right.find(({ name }) => name === other);
  return (
    <form
      className="mt-3 grid items-end gap-2 sm:grid-cols-[1fr_1fr_auto]"
      onSubmit={(event) => {
        event.preventDefault();
        if (!here || !there) return;
        add({ left: [one], right: [other], direction: directionOf(here, there), policy: "" });
        setOne("");
        setOther("");
      }}
    >
      <Picker label={t("new.field.left")} fields={left} value={one} choose={setOne} />
      <Picker label={t("new.field.right")} fields={right} value={other} choose={setOther} />
      <Button type="submit" disabled={!here || !there}>
        {t("new.field.add")}
      </Button>
    </form>
  );
}

function Picker({ label, fields, value, choose }: { label: string; fields: FieldSchema[]; value: string; choose: (name: string) => void }) {
  const id = useId();
  return (
    <div className="min-w-0">
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      <input id={id} list={`${id}-list`} className={names(inputs)} value={value} onChange={(event) => choose(event.target.value)} />
      <datalist id={`${id}-list`}>
        {fields.map((field) => (
          <option key={field.name} value={field.name}>
            {field.label}
          </option>
        ))}
      </datalist>
    </div>
  );
}
