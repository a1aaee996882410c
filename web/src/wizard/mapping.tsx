// Which field is which, with both schemas; what fits is proposed.
import { useQueries } from "@tanstack/react-query";
import { useEffect, useId, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { type Key, known, useT } from "../i18n";
import { Button, Card, inputs, Light, names, Trouble, Waiting } from "../ui/basic";
import { type Draft, type Rules, rulesFor } from "./draft";
import { directionOf, type Row, suggest, warning } from "./suggest";

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
              <ul className="space-y-2">
                {rules.rows.map((row, at) => (
                  <One
                    key={`${row.left.join()}${row.right.join()}`}
                    row={row}
                    left={fieldsOf(left.data, entity)}
                    right={fieldsOf(right.data, entity)}
                    set={(next) => set(entity, { ...rules, rows: next ? rules.rows.with(at, next) : rules.rows.toSpliced(at, 1) })}
                  />
                ))}
              </ul>
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

const directions: [Row["direction"], string][] = [
  ["both", "⇄"],
  ["to_right", "→"],
  ["to_left", "←"],
];
const policies: Row["policy"][] = ["", "left_owns", "right_owns", "ask"];

function labels(chosen: string[], fields: FieldSchema[]): string {
  return chosen.map((name) => fields.find((field) => field.name === name)?.label ?? name).join(", ");
}

function One({ row, left, right, set }: { row: Row; left: FieldSchema[]; right: FieldSchema[]; set: (row: Row | undefined) => void }) {
  const t = useT();
  const lossy = warning(row, left, right);
  const what = labels(row.left, left);
  return (
    <li className="grid items-center gap-2 rounded-lg border border-line p-2 sm:grid-cols-[1fr_auto_1fr_auto_auto]">
      <span className="min-w-0">
        <span className="block font-medium break-words">{what}</span>
        <span className="block text-xs break-all text-soft">{row.left.join(", ")}</span>
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
    </li>
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
