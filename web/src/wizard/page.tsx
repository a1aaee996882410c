// A new sync, step by step. Every step can be left and gone on with; nothing is written before the last.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { useStatus } from "../api/live";
import { useConfig } from "../connections/apply";
import { entries, freeName } from "../connections/config";
import { known, useT } from "../i18n";
import { Button, Card, Empty, Fetched, inputs, Labelled, LinkButton, names, Page } from "../ui/basic";
import { type Draft, drop, fresh, keep, kept } from "./draft";
import { Mapping } from "./mapping";
import { Preview } from "./preview";
import { RulesStep } from "./rules";

const steps = ["new.pair", "new.fields", "new.rules", "new.preview"] as const;

export function NewSyncPage() {
  const t = useT();
  const [draft, setDraft] = useState(kept);
  useEffect(() => keep(draft), [draft]);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const status = useStatus();
  const config = useConfig();
  return (
    <Page
      title={t("new.title")}
      lead={t("new.lead")}
      actions={
        <Button
          onClick={() => {
            drop();
            setDraft(fresh);
          }}
        >
          {t("new.over")}
        </Button>
      }
    >
      <ol className="mb-5 flex flex-wrap gap-2">
        {steps.map((step, at) => (
          <li key={step}>
            <button
              type="button"
              disabled={at > draft.step}
              aria-current={at === draft.step ? "step" : undefined}
              onClick={() => change({ step: at })}
              className={names(
                "rounded-full border px-3 py-1 text-sm",
                at === draft.step ? "border-accent bg-accent-wash font-semibold text-accent" : "border-edge text-soft",
              )}
            >
              {at + 1}. {t(step)}
            </button>
          </li>
        ))}
      </ol>
      <Fetched of={status}>
        {(now) => (
          <Fetched of={config}>
            {(text) => <Step draft={draft} change={change} connections={now.connections ?? []} config={text} />}
          </Fetched>
        )}
      </Fetched>
    </Page>
  );
}

function Step({ draft, change, connections, config }: {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  connections: Schemas["Connection"][];
  config: string;
}) {
  const t = useT();
  if (connections.filter(({ account }) => account !== null).length < 2) {
    return (
      <Empty title={t("new.two")}>
        <LinkButton to="/connections" look="main" className="mt-3">
          {t("nav.connections")}
        </LinkButton>
      </Empty>
    );
  }
  if (draft.step === 0) return <Pair draft={draft} change={change} connections={connections} config={config} />;
  if (draft.step === 1) return <Mapping draft={draft} change={change} />;
  if (draft.step === 2) return <RulesStep draft={draft} change={change} />;
  return <Preview draft={draft} change={change} config={config} />;
}

/** Which two, and which kinds of records. Two of different systems are proposed. */
function Pair({ draft, change, connections, config }: {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  connections: Schemas["Connection"][];
  config: string;
}) {
  const t = useT();
  const good = connections.filter(({ account }) => account !== null);
  const systems = useQuery({ queryKey: ["systems"], queryFn: () => result(api.GET("/systems")), staleTime: 60_000 });
  const left = draft.left || (good.find(({ sign_in }) => sign_in.redirect)?.name ?? good[0]?.name ?? "");
  const other = good.find(({ name, system }) => name !== left && system !== good.find((one) => one.name === left)?.system);
  const right = draft.right && draft.right !== left ? draft.right : (other?.name ?? good.find(({ name }) => name !== left)?.name ?? "");
  const entitiesOf = (name: string) => {
    const system = connections.find((one) => one.name === name)?.system;
    return systems.data?.find((one) => one.system === system)?.entities.map(({ entity }) => entity) ?? [];
  };
  const shared = entitiesOf(left).filter((entity) => entitiesOf(right).includes(entity));
  const chosen = draft.entities.filter((entity) => shared.includes(entity));
  const taken = entries(config || undefined, "syncs").filter((name) => name !== draft.previewed);
  const name = draft.name || freeName("people", taken);
  const bad = !/^[a-z0-9][a-z0-9_-]*$/.test(name) || taken.includes(name);
  return (
    <Card title={t("new.pair")}>
      <div className="space-y-4">
        <div className="grid gap-4 sm:grid-cols-2">
          {(
            [
              ["left", left, t("left")],
              ["right", right, t("right")],
            ] as const
          ).map(([side, value, label]) => (
            <Labelled key={side} label={label}>
              {(id) => (
                <select id={id} className={inputs} value={value} onChange={(event) => change({ [side]: event.target.value, rules: {} })}>
                  {good.map((one) => (
                    <option key={one.name} value={one.name}>
                      {one.name} ({one.title}, {one.account?.name})
                    </option>
                  ))}
                </select>
              )}
            </Labelled>
          ))}
        </div>
        <fieldset>
          <legend className="mb-1 text-sm font-medium">{t("new.entities")}</legend>
          <div className="flex flex-wrap gap-4">
            {shared.map((entity) => (
              <label key={entity} className="flex items-center gap-2">
                <input
                  type="checkbox"
                  className="size-4"
                  checked={chosen.includes(entity)}
                  onChange={(event) =>
                    change({ entities: event.target.checked ? [...chosen, entity] : chosen.filter((one) => one !== entity) })
                  }
                />
                {known(t, "entity", entity)}
              </label>
            ))}
          </div>
        </fieldset>
        <Labelled label={t("new.name")} help={t("connections.name.help")}>
          {(id, described) => (
            <input id={id} aria-describedby={described} aria-invalid={bad} className={`${inputs} max-w-sm`} value={name} onChange={(event) => change({ name: event.target.value })} />
          )}
        </Labelled>
        <Button
          look="main"
          disabled={bad || chosen.length === 0 || left === right}
          onClick={() => change({ left, right, name, entities: chosen, step: 1 })}
        >
          {t("connections.next")}
        </Button>
      </div>
    </Card>
  );
}
