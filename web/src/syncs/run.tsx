// What a run would do, and running it: all, only a few to try, or exactly what the plan showed.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, follow, result, type Schemas } from "../api/client";
import { useSpeech, useT } from "../i18n";
import { Ago, Button, Card, Light, Trouble } from "../ui/basic";
import { PlanView } from "./plan";

type Progress = Schemas["Progress"];

interface Wish {
  path: string;
  body: unknown;
}

/** Most records of the left that a first pilot takes. */
const PILOT = 20;

export function Running({ sync }: { sync: Schemas["SyncStatus"] }) {
  const { t, language } = useSpeech();
  const client = useQueryClient();
  const [progress, setProgress] = useState<Progress>();
  const settled = () => client.invalidateQueries();
  const plan = useMutation({
    mutationFn: () => result(api.POST("/syncs/{name}/plan", { params: { path: { name: sync.name } }, body: {} })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["plans", sync.name] }),
  });
  const kept = useQuery({
    queryKey: ["plans", sync.name],
    queryFn: () => result(api.GET("/plans", { params: { query: { sync: sync.name } } })),
  });
  const last = kept.data?.find((one) => one.state === "ready" && one.other_rules !== true);
  const shown = useQuery({
    queryKey: ["plan", last?.id],
    enabled: last !== undefined && plan.data === undefined,
    queryFn: () => result(api.GET("/plans/{id}", { params: { path: { id: last?.id ?? "" } } })),
  });
  const run = useMutation({
    mutationFn: ({ path, body }: Wish) => follow<Progress, Schemas["RunReport"]>(path, body, setProgress),
    onSettled: () => {
      setProgress(undefined);
      return settled();
    },
  });
  const planned = plan.data ?? shown.data;
  const busy = plan.isPending || run.isPending;
  const base = `/syncs/${encodeURIComponent(sync.name)}`;
  return (
    <>
      <Card
        title={t("syncs.run")}
        actions={
          <span className="flex flex-wrap gap-2">
            <Button needs="work" busy={plan.isPending} disabled={busy} onClick={() => plan.mutate()}>
              {t("syncs.plan")}
            </Button>
            <Button needs="work" disabled={busy} onClick={() => run.mutate({ path: `${base}/run`, body: { pilot: PILOT } })}>
              {t("syncs.pilot", { n: PILOT })}
            </Button>
            <Button needs="work" look="main" busy={run.isPending} disabled={busy} onClick={() => run.mutate({ path: `${base}/run`, body: sync.state === "pilot" ? { all: true } : {} })}>
              {t("syncs.all")}
            </Button>
          </span>
        }
      >
        <p className="max-w-prose text-soft">{t("syncs.run.how")}</p>
        <div aria-live="polite" className="mt-3 space-y-3">
          {plan.isPending && <p>{t("syncs.planning")}</p>}
          {run.isPending && <Bar progress={progress} />}
          {plan.error && <Trouble error={plan.error} />}
          {run.error && <Trouble error={run.error} />}
          {run.data && (
            <p>
              <Light tone={run.data.state === "done" ? "ok" : "warn"}>{t("syncs.ended")}</Light>{" "}
              {Object.entries(run.data.counts ?? {})
                .map(([name, count]) => `${name.replaceAll("_", " ")} ${count.toLocaleString(language)}`)
                .join(" · ")}
              {run.data.stopped ? ` · ${run.data.stopped}` : ""}
            </p>
          )}
        </div>
      </Card>
      {planned && (
        <Card
          title={
            <>
              {t("syncs.planned")}
              {last && (
                <span className="ml-2 text-sm font-normal text-soft">
                  <Ago at={planned.made ?? last.made} />
                </span>
              )}
            </>
          }
          actions={
            planned.rows > 0 && (
              <Button needs="work" look="main" disabled={busy} onClick={() => run.mutate({ path: `/plans/${planned.id}/apply`, body: {} })}>
                {t("syncs.apply", { n: planned.rows })}
              </Button>
            )
          }
        >
          <PlanView plan={planned} />
        </Card>
      )}
    </>
  );
}

/** How far a run is, in words and as a bar. */
function Bar({ progress }: { progress: Progress | undefined }) {
  const t = useT();
  if (!progress || progress.phase !== "syncing") {
    return (
      <p>{t("syncs.listing", { left: progress?.listed_left ?? 0, right: progress?.listed_right ?? 0 })}</p>
    );
  }
  return (
    <div>
      <p className="mb-1">{t("syncs.syncing", { done: progress.done, all: progress.to_do })}</p>
      <progress className="h-2 w-full accent-accent" aria-label={t("syncs.run")} value={progress.done} max={Math.max(1, progress.to_do)} />
    </div>
  );
}
