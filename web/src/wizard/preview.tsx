// The last step: the sync is put into force as a preview that only reads, its plan is shown, then the person chooses.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, result } from "../api/client";
import { useApply } from "../connections/apply";
import { withEntry } from "../connections/config";
import { useT } from "../i18n";
import { Button, Card, Trouble } from "../ui/basic";
import { PlanView } from "../syncs/plan";
import { type Draft, drop, inConfig } from "./draft";

const PILOT = 20;

export function Preview({ draft, change, config }: { draft: Draft; change: (part: Partial<Draft>) => void; config: string }) {
  const t = useT();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { name } = draft;
  const path = { params: { path: { name } } };
  const apply = useApply();
  const preview = useMutation({
    mutationFn: async () => {
      await apply.mutateAsync(withEntry(config || undefined, "syncs", name, inConfig(draft, "preview")));
      change({ previewed: name });
      return result(api.POST("/syncs/{name}/plan", { ...path, body: {} }));
    },
  });
  const begin = useMutation({
    mutationFn: async (how: "preview" | "pilot" | "all") => {
      if (how === "preview") return;
      await apply.mutateAsync(withEntry(config || undefined, "syncs", name, inConfig(draft, "two-way")));
      await result(api.POST("/syncs/{name}/run", { ...path, body: how === "pilot" ? { pilot: PILOT } : {} }));
    },
    onSuccess: async () => {
      drop();
      await client.invalidateQueries();
      await navigate({ to: "/syncs/$name", params: { name } });
    },
  });
  return (
    <div className="space-y-5">
      <Card
        title={t("new.preview")}
        actions={
          <Button needs="work" look={preview.data ? "plain" : "main"} busy={preview.isPending} onClick={() => preview.mutate()}>
            {t("new.preview.go")}
          </Button>
        }
      >
        <p className="max-w-prose text-soft">{t("new.preview.how")}</p>
        <div aria-live="polite" className="mt-3 space-y-2">
          {preview.isPending && <p>{t("syncs.planning")}</p>}
          {preview.error && <Trouble error={preview.error} />}
        </div>
      </Card>
      {preview.data && (
        <>
          <Card title={t("syncs.planned")}>
            <PlanView plan={preview.data} />
          </Card>
          <Card title={t("new.begin")}>
            {begin.error && <Trouble error={begin.error} />}
            <div className="flex flex-wrap gap-2">
              <Button needs="config" disabled={begin.isPending} onClick={() => begin.mutate("preview")}>
                {t("new.begin.preview")}
              </Button>
              <Button needs="config" disabled={begin.isPending} onClick={() => begin.mutate("pilot")}>
                {t("syncs.pilot", { n: PILOT })}
              </Button>
              <Button needs="config" look="main" busy={begin.isPending} onClick={() => begin.mutate("all")}>
                {t("syncs.all")}
              </Button>
            </div>
            <p className="mt-3 max-w-prose text-soft">{t("new.begin.how")}</p>
          </Card>
        </>
      )}
    </div>
  );
}
