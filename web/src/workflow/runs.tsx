// The runs of a workflow, newest first.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { known, span, useSpeech } from "../i18n";
import { Ago, Button, Empty, Fetched, inputs, Labelled, Light, Table, type Tone } from "../ui/basic";

const AT_ONCE = 100;
const states: Schemas["WorkflowRunState"][] = ["queued", "ready", "waiting", "asking", "done", "failed", "stopped", "cancelled"];

export function runTone(state: Schemas["WorkflowRunState"]): Tone {
  if (state === "done" || state === "stopped") return "ok";
  if (state === "failed") return "bad";
  return state === "asking" ? "warn" : state === "cancelled" ? "idle" : "accent";
}

export function Runs({ name }: { name: string }) {
  const { t, language } = useSpeech();
  const [state, setState] = useState<Schemas["WorkflowRunState"]>();
  const [limit, setLimit] = useState(AT_ONCE);
  const runs = useQuery({
    queryKey: ["workflow-runs", name, state, limit],
    queryFn: () => result(api.GET("/workflow-runs", { params: { query: { workflow: name, limit, ...(state ? { state } : {}) } } })),
    placeholderData: keepPreviousData,
    refetchInterval: 5000,
  });
  return (
    <div className="space-y-3">
      <div className="max-w-56">
        <Labelled label={t("flow.state")}>
          {(id) => (
            <select id={id} className={inputs} value={state ?? ""} onChange={(event) => setState((event.target.value || undefined) as Schemas["WorkflowRunState"] | undefined)}>
              <option value="">{t("all")}</option>
              {states.map((one) => (
                <option key={one} value={one}>
                  {known(t, "run", one)}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      </div>
      <Fetched of={runs}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title={t("flow.runs.none")}>{t("flow.runs.none.how")}</Empty>
          ) : (
            <div className="rounded-lg border border-line bg-card p-3">
              <Table label={t("flow.tab.runs")} heads={[t("records.when"), t("flow.state"), t("flow.at"), { key: t("calls.took"), end: true }, t("flow.versions.number"), t("reviews.why")]}>
                {rows.map((run) => (
                  <tr key={run.id}>
                    <td>
                      <Link to="/workflow-runs/$run" params={{ run: run.id }} className="text-accent underline">
                        <Ago at={run.accepted} />
                      </Link>
                    </td>
                    <td>
                      <Light tone={runTone(run.state)}>{known(t, "run", run.state)}</Light>
                    </td>
                    <td>{run.step ?? ""}</td>
                    <td className="text-right tabular-nums">{run.ended && run.started ? span(language, Date.parse(run.ended) - Date.parse(run.started)) : ""}</td>
                    <td>{run.version}</td>
                    <td className="wrap-anywhere">{run.note ?? ""}</td>
                  </tr>
                ))}
              </Table>
              {rows.length >= limit && (
                <Button className="mt-3" onClick={() => setLimit(limit + AT_ONCE)}>
                  {t("flow.runs.more")}
                </Button>
              )}
            </div>
          )
        }
      </Fetched>
    </div>
  );
}
