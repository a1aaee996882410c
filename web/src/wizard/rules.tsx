// Who is who, who may be made, what becomes of the deleted, and how much may change at once.
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { api, result, type Schemas } from "../api/client";
import { type Key, known, useT } from "../i18n";
import { Button, Card, inputs, Labelled } from "../ui/basic";
import type { Condition, Draft, Rules } from "./draft";

const deletes = ["unlink_and_ask", "propagate", "archive", "unlink", "ignore"];
const limits = ["deletes", "overwrites", "creates"] as const;

export function RulesStep({ draft, change }: { draft: Draft; change: (part: Partial<Draft>) => void }) {
  const t = useT();
  return (
    <div className="space-y-5">
      {draft.entities.map((entity) => {
        const rules = draft.rules[entity];
        return (
          rules && (
            <OfEntity key={entity} entity={entity} rules={rules} draft={draft} set={(next) => change({ rules: { ...draft.rules, [entity]: next } })} />
          )
        );
      })}
      <Button look="main" onClick={() => change({ step: 3 })}>
        {t("connections.next")}
      </Button>
    </div>
  );
}

function tick(label: string, checked: boolean, turn: (on: boolean) => void) {
  return (
    <label key={label} className="flex items-center gap-2">
      <input type="checkbox" className="size-4" checked={checked} onChange={(event) => turn(event.target.checked)} />
      {label}
    </label>
  );
}

/** Which records of a side take part: all of these hold. */
function Scope({ side, draft, entity, rules, set }: { side: "left" | "right"; draft: Draft; entity: Schemas["Entity"]; rules: Rules; set: (rules: Rules) => void }) {
  const t = useT();
  const id = useId();
  const name = draft[side];
  const fields = useQuery({
    queryKey: ["fields", name],
    queryFn: () => result(api.GET("/connections/{name}/fields", { params: { path: { name } } })),
    staleTime: 300_000,
  });
  const there = fields.data?.find((schema) => schema.entity === entity)?.fields ?? [];
  const scope = rules.scope ?? { left: [], right: [] };
  const rows = scope[side];
  const give = (next: Condition[]) => set({ ...rules, scope: { ...scope, [side]: next } });
  return (
    <fieldset className="min-w-0 space-y-2">
      <legend className="mb-1 text-sm font-medium">{t("new.scope", { name })}</legend>
      {rows.length === 0 && <p className="text-sm text-soft">{t("new.scope.all")}</p>}
      <datalist id={id}>
        {there.map((field) => (
          <option key={field.name} value={field.name}>
            {field.label}
          </option>
        ))}
      </datalist>
      {rows.map((row, at) => (
        // conditions have no name but their place
        // oxlint-disable-next-line react/no-array-index-key
        <div key={at} className="grid gap-1.5 sm:grid-cols-[minmax(0,1fr)_auto_minmax(0,1fr)_auto]">
          <input aria-label={t("new.scope.field", { n: at + 1 })} list={id} className={inputs} value={row.field} onChange={(event) => give(rows.with(at, { ...row, field: event.target.value }))} />
          <select aria-label={t("new.scope.is", { n: at + 1 })} className={inputs} value={row.is} onChange={(event) => give(rows.with(at, { ...row, is: event.target.value as Condition["is"] }))}>
            {(["is", "is_not", "contains", "exists"] as const).map((one) => (
              <option key={one} value={one}>
                {t(`scope.${one}`)}
              </option>
            ))}
          </select>
          {row.is === "exists" ? (
            <select aria-label={t("new.scope.to", { n: at + 1 })} className={inputs} value={row.to === "no" ? "no" : "yes"} onChange={(event) => give(rows.with(at, { ...row, to: event.target.value }))}>
              <option value="yes">{t("yes")}</option>
              <option value="no">{t("no")}</option>
            </select>
          ) : (
            <input aria-label={t("new.scope.to", { n: at + 1 })} className={inputs} value={row.to} onChange={(event) => give(rows.with(at, { ...row, to: event.target.value }))} />
          )}
          <Button look="quiet" aria-label={t("new.scope.drop", { n: at + 1 })} onClick={() => give(rows.toSpliced(at, 1))}>
            ×
          </Button>
        </div>
      ))}
      <Button onClick={() => give([...rows, { field: "", is: "is", to: "" }])} aria-label={t("new.scope.add.to", { name })}>
        {t("new.scope.add")}
      </Button>
    </fieldset>
  );
}

function OfEntity({ entity, rules, draft, set }: { entity: Schemas["Entity"]; rules: Rules; draft: Draft; set: (rules: Rules) => void }) {
  const t = useT();
  const keys = entity === "company" ? ["email", "name_postcode"] : ["email", "phone"];
  return (
    <Card title={known(t, "entity", entity)}>
      <div className="grid gap-5 md:grid-cols-2">
        <fieldset className="space-y-1">
          <legend className="mb-1 text-sm font-medium">{t("new.match")}</legend>
          {keys.map((key) =>
            tick(t(`key.${key}` as Key), rules.keys.includes(key), (on) =>
              set({ ...rules, keys: keys.filter((one) => (one === key ? on : rules.keys.includes(one))) }),
            ),
          )}
          {tick(t("key.names"), rules.names, (on) => set({ ...rules, names: on }))}
          <p className="text-sm text-soft">{t("new.match.how")}</p>
        </fieldset>
        <fieldset className="space-y-1">
          <legend className="mb-1 text-sm font-medium">{t("new.create")}</legend>
          {(["left", "right"] as const).map((side) =>
            tick(t("new.create.in", { name: draft[side] }), rules.create[side], (on) =>
              set({ ...rules, create: { ...rules.create, [side]: on } }),
            ),
          )}
        </fieldset>
        {(["left", "right"] as const).map((side) => (
          <Labelled key={side} label={t("new.deletes", { name: draft[side] })}>
            {(id) => (
              <select
                id={id}
                className={inputs}
                value={rules.deletes[side]}
                onChange={(event) => set({ ...rules, deletes: { ...rules.deletes, [side]: event.target.value } })}
              >
                {deletes.map((one) => (
                  <option key={one} value={one}>
                    {t(`deletes.${one}` as Key)}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
        ))}
        {(["left", "right"] as const).map((side) => (
          <Scope key={side} side={side} draft={draft} entity={entity} rules={rules} set={set} />
        ))}
        {limits.map((kind) => (
          <Labelled key={kind} label={t(`new.limit.${kind}` as Key)}>
            {(id) => (
              <input
                id={id}
                type="number"
                min={1}
                className={inputs}
                value={rules.limits[kind]}
                onChange={(event) => set({ ...rules, limits: { ...rules.limits, [kind]: Math.max(1, Number(event.target.value)) } })}
              />
            )}
          </Labelled>
        ))}
      </div>
    </Card>
  );
}
