// One workflow: its canvas, its runs, its versions.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { useT } from "../i18n";
import { Button, Fetched, Light, names, Page, Trouble } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import type { Workflow } from "./document";
import { Editor } from "./editor";
import { Form, type Shape } from "./form";
import { Runs } from "./runs";
import { Versions } from "./versions";

const route = getRouteApi("/inside/workflows/$name");
const tabs = ["canvas", "runs", "versions"] as const;

export function useForm() {
  return useQuery({
    queryKey: ["workflow-form"],
    queryFn: async () => new Form((await result(api.GET("/workflow-form"))) as Shape),
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
  });
}

export function useWorkflow(name: string) {
  return useQuery({ queryKey: ["workflow", name], queryFn: () => result(api.GET("/workflows/{name}", { params: { path: { name } } })), staleTime: Number.POSITIVE_INFINITY });
}

/** What is being worked on, or what is in force. */
export function current(stored: Schemas["StoredWorkflow"]): Workflow | undefined {
  const body = stored.draft ?? stored.versions.find(({ version }) => version === stored.published)?.body ?? stored.versions[0]?.body;
  return body as Workflow | undefined;
}

export function WorkflowPage() {
  const { name } = route.useParams();
  const { tab = "canvas" } = route.useSearch();
  const t = useT();
  const form = useForm();
  const stored = useWorkflow(name);
  const now = stored.data && current(stored.data);
  return (
    <Page
      wide
      title={now?.title ?? name}
      lead={
        <span className="flex flex-wrap items-center gap-2">
          <Link to="/workflows" className="text-accent underline">
            {t("nav.workflows")}
          </Link>
          <code>{name}</code>
          {stored.data && <Standing stored={stored.data} />}
        </span>
      }
      actions={stored.data && <Actions stored={stored.data} />}
    >
      <nav aria-label={t("flow.parts")} className="mb-3 flex gap-1 border-b border-line">
        {tabs.map((one) => (
          <Link
            key={one}
            to="/workflows/$name"
            params={{ name }}
            search={{ tab: one === "canvas" ? undefined : one }}
            aria-current={one === tab ? "page" : undefined}
            className={names("-mb-px border-b-2 px-3 py-1.5 text-sm no-underline", one === tab ? "border-accent font-semibold text-accent" : "border-transparent text-ink hover:bg-sunk")}
          >
            {t(`flow.tab.${one}`)}
          </Link>
        ))}
      </nav>
      <Fetched of={form}>
        {(shape) => (
          <Fetched of={stored}>
            {(found) => {
              const workflow = current(found);
              if (tab === "runs") return <Runs name={name} />;
              if (tab === "versions") return <Versions stored={found} form={shape} />;
              return workflow && <Editor key={`${name} ${found.published ?? 0}`} stored={found} workflow={workflow} form={shape} />;
            }}
          </Fetched>
        )}
      </Fetched>
    </Page>
  );
}

function Standing({ stored }: { stored: Schemas["StoredWorkflow"] }) {
  const t = useT();
  return (
    <>
      {stored.published === null ? <Light tone="idle">{t("flow.never")}</Light> : <Light tone={stored.paused ? "idle" : "ok"}>{stored.paused ? t("state.paused") : t("flow.version", { n: stored.published })}</Light>}
      {stored.draft !== null && <Light tone="accent">{t("flow.draft")}</Light>}
    </>
  );
}

function Actions({ stored }: { stored: Schemas["StoredWorkflow"] }) {
  const t = useT();
  const client = useQueryClient();
  const [running, setRunning] = useState(false);
  const anew = () => Promise.all([client.invalidateQueries({ queryKey: ["workflow", stored.name] }), client.invalidateQueries({ queryKey: ["workflows"] })]);
  const pause = useMutation({
    mutationFn: () => result(api.POST(stored.paused ? "/workflows/{name}/resume" : "/workflows/{name}/pause", { params: { path: { name: stored.name } } })),
    onSuccess: anew,
  });
  const manual = useMemo(() => {
    const published = stored.versions.find(({ version }) => version === stored.published)?.body as Workflow | undefined;
    return published !== undefined && "manual" in published.trigger;
  }, [stored]);
  return (
    <>
      {pause.error && <Trouble error={pause.error} />}
      {manual && <Button needs="work" onClick={() => setRunning(true)}>{t("flow.run")}</Button>}
      {stored.published !== null && (
        <Button needs="work" busy={pause.isPending} onClick={() => pause.mutate()}>
          {t(stored.paused ? "flow.resume" : "flow.pause")}
        </Button>
      )}
      <Dialog title={t("flow.run")} open={running} close={() => setRunning(false)}>
        <RunNow name={stored.name} />
      </Dialog>
    </>
  );
}

function RunNow({ name }: { name: string }) {
  const t = useT();
  const navigate = route.useNavigate();
  const [text, setText] = useState("{}");
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    input = undefined;
  }
  const run = useMutation({
    mutationFn: () => result(api.POST("/workflows/{name}/run", { params: { path: { name } }, body: { input } })),
    onSuccess: ({ id }) => void navigate({ to: "/workflow-runs/$run", params: { run: id } }),
  });
  return (
    <div className="space-y-3">
      {run.error && <Trouble error={run.error} />}
      <label className="block text-sm font-medium" htmlFor="run-input">
        {t("catalog.json")}
      </label>
      <textarea id="run-input" rows={6} className="w-full rounded-md border border-edge bg-card p-2 font-mono text-sm" value={text} onChange={(event) => setText(event.target.value)} />
      {input === undefined && <p className="text-bad">{t("catalog.json.bad")}</p>}
      <Button look="main" busy={run.isPending} disabled={input === undefined} onClick={() => run.mutate()}>
        {t("flow.run.go")}
      </Button>
    </div>
  );
}
