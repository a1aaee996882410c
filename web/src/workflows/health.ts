// How a workflow does, in one word.
import { useQuery } from "@tanstack/react-query";
import { api, result, type Schemas } from "../api/client";
import type { Tone } from "../ui/basic";

type Summary = Schemas["WorkflowSummary"];
export type Health = "never" | "paused" | "asking" | "failing" | "failed" | "ok" | "waits";

export function useWorkflows() {
  return useQuery({ queryKey: ["workflows"], queryFn: () => result(api.GET("/workflows")), refetchInterval: 10_000, meta: { live: true } });
}

/** What stands until somebody does something goes first. */
export function health(row: Summary): Health {
  if (row.published === null) return "never";
  if (row.asking > 0) return "asking";
  if (row.last?.state === "failed") return "failing";
  if (row.paused) return "paused";
  if (row.failed > 0) return "failed";
  return row.last ? "ok" : "waits";
}

export function healthTone(row: Summary): Tone {
  const tones: Record<Health, Tone> = { never: "idle", paused: "idle", asking: "warn", failing: "bad", failed: "warn", ok: "ok", waits: "ok" };
  return tones[health(row)];
}
