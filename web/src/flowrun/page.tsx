// One run, gone through on the canvas step by step: what went in, what came out, and what a person can say to it.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { known, span, useSpeech, useT } from "../i18n";
import { Ago, Button, Card, Fact, Fetched, inputs, Labelled, Light, names, Page, Trouble } from "../ui/basic";
import { Canvas, type Mark } from "../workflow/canvas";
import { all, type Workflow } from "../workflow/document";
import type { Form } from "../workflow/form";
import { TRIGGER } from "../workflow/layout";
import { useForm, useWorkflow } from "../workflow/page";
import { Shown } from "../workflow/panel";
import { runTone } from "../workflow/runs";

const route = getRouteApi("/inside/workflow-runs/$run");
type Run = Schemas["WorkflowRunDetails"];
type Row = Schemas["WorkflowRunStep"];

const ended = (run: Run): boolean => ["done", "failed", "stopped", "cancelled"].includes(run.state);
const tones = { begun: "accent", done: "ok", failed: "bad", uncertain: "warn" } as const;

export function WorkflowRunPage() {
  const { run: id } = route.useParams();
  const t = useT();
  const form = useForm();
  const run = useQuery({
    queryKey: ["workflow-run", id],
    queryFn: () => result(api.GET("/workflow-runs/{run}", { params: { path: { run: id } } })),
    refetchInterval: (query) => (query.state.data && ended(query.state.data) ? false : 1000),
  });
  return (
    <Page
      wide
      title={t("flow.run.title")}
      lead={
        run.data && (
          <span className="flex flex-wrap items-center gap-2">
            <Link to="/workflows/$name" params={{ name: run.data.workflow }} search={{ tab: "runs" }} className="text-accent underline">
              {run.data.workflow}
            </Link>
            <code className="break-all">{run.data.id}</code>
            <Light tone={runTone(run.data.state)}>{known(t, "run", run.data.state)}</Light>
          </span>
        )
      }
    >
      <Fetched of={form}>{(shape) => <Fetched of={run}>{(found) => <Replay key={found.id} run={found} form={shape} />}</Fetched>}</Fetched>
    </Page>
  );
}

function Replay({ run, form }: { run: Run; form: Form }) {
  const { t, language } = useSpeech();
  const stored = useWorkflow(run.workflow);
  const [chosen, setChosen] = useState<number>();
  const last = run.steps.length - 1;
  const index = Math.min(chosen ?? last, last);
  const row = run.steps[index];
  const workflow = stored.data?.versions.find(({ version }) => version === run.version)?.body as Workflow | undefined;
  const marks = useMemo(() => {
    const found = new Map<string, Mark>([[TRIGGER, { tone: "ok", text: t("flow.mark.done") }]]);
    for (const one of run.steps.slice(0, index + 1)) {
      const again = one.attempt > 1 ? ` ×${one.attempt}` : "";
      found.set(one.step, { tone: tones[one.state], text: known(t, "row", one.state) + again });
    }
    return found;
  }, [run.steps, index, t]);
  const order = useMemo(() => (workflow ? all(workflow, form).map(({ step }) => step) : []), [workflow, form]);
  // an arrow key goes on to the next step, wherever the focus is, but not while something is typed
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      const node = event.target instanceof HTMLElement && event.target.closest(".react-flow__node") !== null;
      if (typing || node || event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "ArrowRight") setChosen(Math.min(last, index + 1));
      if (event.key === "ArrowLeft") setChosen(Math.max(0, index - 1));
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [index, last]);
  const name = (id: string) => order.find((step) => step.id === id)?.title ?? id;
  return (
    <div className="space-y-4">
      {run.note && !run.choices?.length && <p className={names("rounded-md px-3 py-2", run.state === "failed" ? "bg-bad-wash text-bad" : "bg-warn-wash text-warn")}>{run.note}</p>}
      {run.choices && run.choices.length > 0 && <Question run={run} />}
      <dl className="grid grid-cols-2 gap-3 rounded-lg border border-line bg-card p-4 sm:grid-cols-5">
        <Fact label={t("flow.run.accepted")}>
          <Ago at={run.accepted} />
        </Fact>
        <Fact label={t("calls.took")}>{run.ended && run.started ? span(language, Date.parse(run.ended) - Date.parse(run.started)) : "…"}</Fact>
        <Fact label={t("flow.versions.number")}>{run.version}</Fact>
        <Fact label={t("flow.run.key")}>{run.key ?? "–"}</Fact>
        <Fact label={t("flow.run.due")}>{run.due ? <Ago at={run.due} /> : "–"}</Fact>
      </dl>
      <div className="grid gap-3 lg:grid-cols-[minmax(0,1fr)_25rem]">
        <div className="space-y-2">
          <div className="flex flex-wrap items-center gap-2">
            <Button onClick={() => setChosen(0)} disabled={index <= 0} aria-label={t("flow.replay.first")}>
              ⇤
            </Button>
            <Button onClick={() => setChosen(index - 1)} disabled={index <= 0}>
              <span aria-hidden="true">←</span> {t("flow.replay.before")}
            </Button>
            <output className="text-sm tabular-nums">{t("flow.replay.at", { n: index + 1, all: run.steps.length })}</output>
            <Button onClick={() => setChosen(index + 1)} disabled={index >= last}>
              {t("flow.replay.next")} <span aria-hidden="true">→</span>
            </Button>
          </div>
          <div className="h-[60dvh] min-h-80 overflow-hidden rounded-lg border border-line bg-paper">
            {workflow && (
              <Canvas
                workflow={workflow}
                form={form}
                selected={row?.step}
                select={(id) => {
                  const at = run.steps.findLastIndex((one) => one.step === id);
                  if (at >= 0) setChosen(at);
                }}
                marks={marks}
                label={t("flow.replay")}
              />
            )}
          </div>
        </div>
        <div className="min-w-0 space-y-3">
          <Card title={t("flow.run.steps")}>
            <ol className="max-h-64 space-y-0.5 overflow-y-auto">
              <li className="px-2 py-1 text-sm text-soft">▶ {t("flow.trigger")}</li>
              {run.steps.map((one, at) => (
                <li key={one.number}>
                  <button
                    type="button"
                    aria-current={at === index ? "step" : undefined}
                    onClick={() => setChosen(at)}
                    className={names("flex w-full items-center justify-between gap-2 rounded px-2 py-1 text-left focus-visible:outline-offset-[-2px]", at === index ? "bg-accent-wash" : "hover:bg-sunk")}
                  >
                    <span className="truncate">
                      {one.number}. {name(one.step)}
                    </span>
                    <Light tone={tones[one.state]}>{known(t, "row", one.state)}</Light>
                  </button>
                </li>
              ))}
            </ol>
          </Card>
          {row ? <OneStep run={run} row={row} title={name(row.step)} /> : <Shown label={t("flow.trigger")} value={run.trigger} />}
          <details className="rounded-lg border border-line bg-card p-4">
            <summary className="cursor-pointer font-medium">{t("flow.run.whole")}</summary>
            <div className="mt-2 space-y-2">
              <Shown label={t("flow.trigger")} value={run.trigger} />
              <Shown label={t("flow.run.result")} value={run.result} />
            </div>
          </details>
          <Steer run={run} />
        </div>
      </div>
    </div>
  );
}

function OneStep({ run, row, title }: { run: Run; row: Row; title: string }) {
  const { t, language } = useSpeech();
  const navigate = route.useNavigate();
  const error = row.error as { message?: string } | null | undefined;
  const children = useQuery({
    queryKey: ["workflow-children", run.id, row.number, row.state],
    queryFn: async () => {
      const found = await result(api.GET("/workflow-runs", { params: { query: { children: true, limit: 1000 } } }));
      return found.filter((one) => one.parent?.run === run.id && one.parent.number === row.number);
    },
  });
  const again = useMutation({
    mutationFn: () => result(api.POST("/workflow-runs/{run}/replay", { params: { path: { run: run.id } }, body: { from: row.step } })),
    onSuccess: ({ id }) => void navigate({ to: "/workflow-runs/$run", params: { run: id } }),
  });
  return (
    <Card title={title} actions={<Light tone={tones[row.state]}>{known(t, "row", row.state)}</Light>}>
      <div className="space-y-3">
        <p className="text-sm text-soft">
          <code>{row.step}</code> · {t("calls.attempt", { n: row.attempt })}
          {row.ended ? ` · ${span(language, Date.parse(row.ended) - Date.parse(row.started))}` : ""}
        </p>
        {error?.message && <p className="text-bad">■ {error.message}</p>}
        <Shown label={t("catalog.input")} value={row.input} />
        <Shown label={t("catalog.output")} value={row.output} />
        {(children.data?.length ?? 0) > 0 && (
          <div>
            <h3 className="text-sm font-medium">{t("flow.run.within")}</h3>
            <ul className="max-h-40 overflow-y-auto">
              {children.data?.toReversed().map((one) => (
                <li key={one.id} className="flex items-center justify-between gap-2 py-0.5">
                  <Link to="/workflow-runs/$run" params={{ run: one.id }} className="text-accent underline">
                    {t("flow.run.element", { n: (one.parent?.item ?? 0) + 1 })}
                  </Link>
                  <Light tone={runTone(one.state)}>{known(t, "run", one.state)}</Light>
                </li>
              ))}
            </ul>
          </div>
        )}
        {run.parent === null && ended(run) && (
          <Button needs="work" busy={again.isPending} onClick={() => again.mutate()}>
            {t("flow.replay.from")}
          </Button>
        )}
        {again.error && <Trouble error={again.error} />}
      </div>
    </Card>
  );
}

/** What a person is asked, and what can be said. */
function Question({ run }: { run: Run }) {
  const t = useT();
  const client = useQueryClient();
  const [output, setOutput] = useState("{}");
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    value = undefined;
  }
  const answer = useMutation({
    mutationFn: (choice: string) =>
      result(api.POST("/workflow-runs/{run}/answer", { params: { path: { run: run.id } }, body: { choice, ...(choice === "done" ? { output: value } : {}) } })),
    onSuccess: (found) => {
      client.setQueryData(["workflow-run", run.id], found);
      void client.invalidateQueries({ queryKey: ["workflows"] });
      void client.invalidateQueries({ queryKey: ["workflow-runs"] });
    },
  });
  const uncertain = run.choices?.includes("repeat") ?? false;
  const asked = run.steps.findLast((one) => one.step === run.step)?.input as { question?: string } | undefined;
  return (
    <Card title={t("flow.asks")}>
      <p className="mb-3">{uncertain ? t("flow.asks.uncertain") : (asked?.question ?? t("flow.asks.approval"))}</p>
      {uncertain && (
        <div className="mb-3 max-w-md">
          <Labelled label={t("flow.asks.output")} help={t("flow.asks.output.help")}>
            {(id, described) => (
              <textarea id={id} aria-describedby={described} rows={2} className={`${inputs} font-mono text-sm`} value={output} onChange={(event) => setOutput(event.target.value)} />
            )}
          </Labelled>
        </div>
      )}
      <div className="flex flex-wrap gap-2">
        {run.choices?.map((choice) => (
          <Button needs="work" key={choice} look={choice === "approve" ? "main" : "plain"} busy={answer.isPending && answer.variables === choice} disabled={choice === "done" && value === undefined} onClick={() => answer.mutate(choice)}>
            {known(t, "say", choice)}
          </Button>
        ))}
      </div>
      {answer.error && <Trouble error={answer.error} />}
    </Card>
  );
}

/** Doing it again, or ending it. */
function Steer({ run }: { run: Run }) {
  const t = useT();
  const client = useQueryClient();
  const navigate = route.useNavigate();
  const again = useMutation({
    mutationFn: () => result(api.POST("/workflow-runs/{run}/replay", { params: { path: { run: run.id } }, body: {} })),
    onSuccess: ({ id }) => void navigate({ to: "/workflow-runs/$run", params: { run: id } }),
  });
  const cancel = useMutation({
    mutationFn: () => result(api.POST("/workflow-runs/{run}/cancel", { params: { path: { run: run.id } } })),
    onSuccess: (found) => client.setQueryData(["workflow-run", run.id], found),
  });
  const error = again.error ?? cancel.error;
  return (
    <div className="flex flex-wrap gap-2">
      {run.parent === null ? (
        <Button needs="work" busy={again.isPending} onClick={() => again.mutate()}>
          {t("flow.replay.all")}
        </Button>
      ) : (
        <Link to="/workflow-runs/$run" params={{ run: run.parent.run }} className="text-accent underline">
          {t("flow.run.parent")}
        </Link>
      )}
      {!ended(run) && (
        <Button needs="work" look="danger" busy={cancel.isPending} onClick={() => cancel.mutate()}>
          {t("flow.run.cancel")}
        </Button>
      )}
      {error && <Trouble error={error} />}
    </div>
  );
}
