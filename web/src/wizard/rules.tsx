// Who is who, who may be made, what becomes of the deleted, and how much may change at once.
import type { Schemas } from "../api/client";
import { type Key, known, useT } from "../i18n";
import { Button, Card, inputs, Labelled } from "../ui/basic";
import type { Draft, Rules } from "./draft";

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
