// Every version that was in force, what is different between two, and going back.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { useSpeech, useT } from "../i18n";
import { Ago, Button, Card, Empty, Fetched, inputs, Labelled, Light, Trouble } from "../ui/basic";
import { Canvas, type Mark } from "./canvas";
import { all, type Workflow } from "./document";
import type { Form } from "./form";
import { TRIGGER } from "./layout";

export function Versions({ stored, form }: { stored: Schemas["StoredWorkflow"]; form: Form }) {
  const { t, language } = useSpeech();
  const client = useQueryClient();
  const numbers = stored.versions.map(({ version }) => version);
  const [from, setFrom] = useState(stored.published ?? numbers[0]);
  const [to, setTo] = useState<number | "draft">(stored.draft === null ? (numbers[0] ?? "draft") : "draft");
  const back = useMutation({
    mutationFn: (version: number) => result(api.POST("/workflows/{name}/publish", { params: { path: { name: stored.name } }, body: { version } })),
    onSuccess: () => Promise.all([client.invalidateQueries({ queryKey: ["workflow", stored.name] }), client.invalidateQueries({ queryKey: ["workflows"] })]),
  });
  if (numbers.length === 0) return <Empty title={t("flow.versions.none")}>{t("flow.versions.none.how")}</Empty>;
  return (
    <div className="grid gap-4 lg:grid-cols-[20rem_minmax(0,1fr)]">
      <Card title={t("flow.tab.versions")}>
        {back.error && <Trouble error={back.error} />}
        <ul className="divide-y divide-line">
          {stored.versions.map((version) => (
            <li key={version.version} className="flex flex-wrap items-center gap-2 py-2 first:pt-0 last:pb-0">
              <span className="grow">
                <b>{t("flow.version.n", { n: version.version })}</b>{" "}
                <span className="block text-sm text-soft" title={new Date(version.made).toLocaleString(language)}>
                  <Ago at={version.made} />
                </span>
              </span>
              {version.version === stored.published ? (
                <Light tone="ok">{t("flow.inforce")}</Light>
              ) : (
                <Button needs="config" busy={back.isPending && back.variables === version.version} onClick={() => back.mutate(version.version)} aria-label={t("flow.back.to", { n: version.version })}>
                  {t("flow.back")}
                </Button>
              )}
            </li>
          ))}
        </ul>
      </Card>
      <Card title={t("flow.diff")}>
        <div className="mb-3 grid gap-3 sm:grid-cols-2">
          <Labelled label={t("flow.diff.from")}>
            {(id) => (
              <select id={id} className={inputs} value={from} onChange={(event) => setFrom(Number(event.target.value))}>
                {numbers.map((number) => (
                  <option key={number} value={number}>
                    {t("flow.version.n", { n: number })}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
          <Labelled label={t("flow.diff.to")}>
            {(id) => (
              <select id={id} className={inputs} value={to} onChange={(event) => setTo(event.target.value === "draft" ? "draft" : Number(event.target.value))}>
                {stored.draft !== null && <option value="draft">{t("flow.draft")}</option>}
                {numbers.map((number) => (
                  <option key={number} value={number}>
                    {t("flow.version.n", { n: number })}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
        </div>
        {from !== undefined && <Difference stored={stored} from={from} to={to} form={form} />}
      </Card>
    </div>
  );
}

function Difference({ stored, from, to, form }: { stored: Schemas["StoredWorkflow"]; from: number; to: number | "draft"; form: Form }) {
  const t = useT();
  const diff = useQuery({
    queryKey: ["workflow-diff", stored.name, from, to, to === "draft" ? stored.draft : null],
    queryFn: () =>
      result(api.GET("/workflows/{name}/diff", { params: { path: { name: stored.name }, query: { from, ...(to === "draft" ? {} : { to }) } } })),
  });
  const body = (which: number | "draft") => (which === "draft" ? stored.draft : stored.versions.find(({ version }) => version === which)?.body) as Workflow | undefined;
  const after = body(to);
  const marks = useMemo(() => {
    const found = new Map<string, Mark>();
    if (!after) return found;
    const ids = new Set(all(after, form).map(({ step }) => step.id));
    for (const { place, before, after: now } of diff.data ?? []) {
      if (place.startsWith("trigger")) found.set(TRIGGER, { tone: "warn", text: t("flow.mark.changed") });
      // the innermost step that the place names
      const parts = place.split(".");
      const id = parts.findLast((part, index) => parts[index - 1] === "steps" && ids.has(part));
      if (id === undefined) continue;
      const whole = parts.at(-1) === id;
      found.set(id, whole && before === null && now !== null ? { tone: "ok", text: t("flow.mark.added") } : (found.get(id) ?? { tone: "warn", text: t("flow.mark.changed") }));
    }
    return found;
  }, [diff.data, after, form, t]);
  return (
    <Fetched of={diff}>
      {(found) => (
        <div className="space-y-4">
          <div className="h-96 overflow-hidden rounded-lg border border-line bg-paper">
            {after && <Canvas key={`${from} ${to}`} workflow={after} form={form} select={() => {}} marks={marks} label={t("flow.canvas")} />}
          </div>
          {found.length === 0 ? (
            <p>{t("flow.diff.none")}</p>
          ) : (
            <ul className="space-y-2">
              {found.map(({ place, before, after: now }) => (
                <li key={place} className="rounded-md border border-line p-2 text-sm">
                  <code className="break-all">{place}</code>
                  <div className="mt-1 grid gap-2 sm:grid-cols-2">
                    <Value tone="bad" sign="−" value={before} />
                    <Value tone="ok" sign="+" value={now} />
                  </div>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </Fetched>
  );
}

function Value({ tone, sign, value }: { tone: "bad" | "ok"; sign: string; value: unknown }) {
  if (value === null || value === undefined) return <span />;
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <pre className={`overflow-hidden rounded p-1.5 text-xs break-words whitespace-pre-wrap ${tone === "bad" ? "bg-bad-wash text-bad" : "bg-ok-wash text-ok"}`}>
      {sign} {text}
    </pre>
  );
}
