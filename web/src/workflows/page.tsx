// All workflows with how they do, and a new one.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { known, useT } from "../i18n";
import { Ago, Button, Card, Empty, Fact, Fetched, inputs, Labelled, Light, LinkButton, Page, Trouble } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { health, healthTone, useWorkflows } from "./health";

export function WorkflowsPage() {
  const t = useT();
  const workflows = useWorkflows();
  const [adding, setAdding] = useState(false);
  const [search, setSearch] = useState("");
  return (
    <Page
      title={t("nav.workflows")}
      lead={t("flow.lead")}
      actions={
        <>
          <LinkButton to="/recipes">{t("nav.recipes")}</LinkButton>
          <Button needs="config" look="main" onClick={() => setAdding(true)}>
            {t("flow.new")}
          </Button>
        </>
      }
    >
      <Fetched of={workflows}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title={t("flow.none")}>
              <p>{t("flow.none.how")}</p>
              <LinkButton to="/recipes" look="main" className="mt-3">
                {t("nav.recipes")}
              </LinkButton>
            </Empty>
          ) : (
            <div className="space-y-4">
              {rows.length > 6 && (
                <div className="max-w-xs">
                  <Labelled label={t("search")}>
                    {(id) => <input id={id} type="search" className={inputs} value={search} onChange={(event) => setSearch(event.target.value)} />}
                  </Labelled>
                </div>
              )}
              <div className="grid gap-4 lg:grid-cols-2">
                {rows
                  .filter(({ name, title }) => `${name} ${title ?? ""}`.toLowerCase().includes(search.toLowerCase()))
                  .map((row) => (
                    <One key={row.name} row={row} />
                  ))}
              </div>
            </div>
          )
        }
      </Fetched>
      <Dialog title={t("flow.new")} open={adding} close={() => setAdding(false)}>
        <New taken={(workflows.data ?? []).map(({ name }) => name)} />
      </Dialog>
    </Page>
  );
}

function One({ row }: { row: Schemas["WorkflowSummary"] }) {
  const t = useT();
  return (
    <Card
      title={
        // two may have one title
        <>
          <Link to="/workflows/$name" params={{ name: row.name }} search={{ tab: undefined }} className="text-accent underline">
            {row.title ?? row.name}
          </Link>{" "}
          <code className="text-sm font-normal text-soft">{row.name}</code>
        </>
      }
      actions={<Light tone={healthTone(row)}>{t(`flow.health.${health(row)}`)}</Light>}
    >
      <p className="mb-3 flex flex-wrap items-center gap-2 text-sm text-soft">
        {row.published !== null && <span>{t("flow.version", { n: row.published })}</span>}
        {row.draft && <Light tone="accent">{t("flow.draft")}</Light>}
      </p>
      <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        <Fact label={t("flow.begins")}>{known(t, "trigger", row.trigger ?? "")}</Fact>
        <Fact label={t("flow.steps")}>{row.steps ?? "–"}</Fact>
        <Fact label={t("flow.last")}>
          {row.last ? (
            <Link to="/workflow-runs/$run" params={{ run: row.last.id }} className="text-accent underline">
              <Ago at={row.last.accepted} />
            </Link>
          ) : (
            t("home.never")
          )}
        </Fact>
        <Fact label={t("flow.failed")}>{row.recent === 0 ? "–" : t("flow.failed.of", { failed: row.failed, all: row.recent })}</Fact>
      </dl>
      {row.asking > 0 && (
        <p className="mt-3 flex flex-wrap items-center gap-2 rounded-md bg-warn-wash px-3 py-2 text-sm text-warn">
          {t("flow.asking", { n: row.asking })}
          <Link to="/workflows/$name" params={{ name: row.name }} search={{ tab: "runs" }} className="font-medium text-warn underline">
            {t("home.needs.answer")}
          </Link>
        </p>
      )}
    </Card>
  );
}

function New({ taken }: { taken: string[] }) {
  const t = useT();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [title, setTitle] = useState("");
  const [typed, setTyped] = useState<string>();
  const name = typed ?? title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "").slice(0, 60);
  const bad = !/^[a-z0-9_-]{1,64}$/.test(name) || taken.includes(name);
  const make = useMutation({
    mutationFn: () => {
      const workflow = { version: 1, name, title, trigger: { manual: {} }, steps: [{ id: "first", map: {} }] };
      return result(api.POST("/workflows", { body: { text: JSON.stringify(workflow), incomplete: true } }));
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["workflows"] });
      await navigate({ to: "/workflows/$name", params: { name }, search: { tab: undefined } });
    },
  });
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (!bad) make.mutate();
      }}
    >
      {make.error && <Trouble error={make.error} />}
      <Labelled label={t("flow.title")}>{(id) => <input id={id} className={inputs} value={title} onChange={(event) => setTitle(event.target.value)} />}</Labelled>
      <Labelled label={t("connections.name")} help={t("flow.name.help")}>
        {(id, described) => (
          <input id={id} aria-describedby={described} aria-invalid={bad && name !== ""} className={`${inputs} font-mono text-sm`} value={name} onChange={(event) => setTyped(event.target.value)} />
        )}
      </Labelled>
      <Button type="submit" look="main" busy={make.isPending} disabled={bad}>
        {t("flow.new.go")}
      </Button>
    </form>
  );
}

