// Ready workflows: what each does, and installing it with a connection for each of its roles.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, Refusal, result, type Schemas } from "../api/client";
import { useStatus } from "../api/live";
import { freeName } from "../connections/config";
import { known, useT } from "../i18n";
import { Button, Card, Fetched, inputs, Labelled, Light, Page, Trouble } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import type { Workflow } from "../workflow/document";
import { anything, shown } from "../workflow/values";
import { useWorkflows } from "../workflows/health";

type Recipe = Schemas["Recipe"];

export function RecipesPage() {
  const t = useT();
  const recipes = useQuery({ queryKey: ["recipes"], queryFn: () => result(api.GET("/recipes")), staleTime: Number.POSITIVE_INFINITY });
  const systems = useQuery({ queryKey: ["systems"], queryFn: () => result(api.GET("/systems")), staleTime: 60_000 });
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState<Recipe>();
  const called = (system: string | undefined) => systems.data?.find((one) => one.system === system)?.title ?? system ?? "";
  const chosenTitle = chosen ? title(chosen) : "";
  return (
    <Page title={t("nav.recipes")} lead={t("recipes.lead")}>
      <div className="mb-4 max-w-xs">
        <Labelled label={t("search")}>
          {(id) => <input id={id} type="search" className={inputs} value={search} onChange={(event) => setSearch(event.target.value)} />}
        </Labelled>
      </div>
      <Fetched of={recipes}>
        {(found) => (
          <div className="grid gap-4 md:grid-cols-2">
            {found
              .filter((recipe) => `${title(recipe)} ${recipe.about}`.toLowerCase().includes(search.toLowerCase()))
              .map((recipe) => {
                const workflow = recipe.workflow as unknown as Workflow;
                return (
                  <Card key={workflow.name} title={title(recipe)}>
                    <p className="mb-3">{recipe.about.split("\n\n")[0]}</p>
                    <p className="mb-3 flex flex-wrap gap-2">
                      <Light tone="idle">{known(t, "trigger", Object.keys(workflow.trigger)[0] ?? "")}</Light>
                      {[...new Set(Object.values(workflow.connections ?? {}).map(({ system }) => called(system)))].map((system) => (
                        <Light key={system} tone="accent">
                          {system}
                        </Light>
                      ))}
                    </p>
                    <Button needs="config" onClick={() => setChosen(recipe)} aria-label={t("recipes.install.one", { title: title(recipe) })}>
                      {t("recipes.install")}
                    </Button>
                  </Card>
                );
              })}
          </div>
        )}
      </Fetched>
      <Dialog title={chosenTitle} open={chosen !== undefined} close={() => setChosen(undefined)}>
        {chosen && <Install recipe={chosen} called={called} />}
      </Dialog>
    </Page>
  );
}

const title = (recipe: Recipe): string => (recipe.workflow as unknown as Workflow).title ?? (recipe.workflow as unknown as Workflow).name;

function Install({ recipe, called }: { recipe: Recipe; called: (system: string | undefined) => string }) {
  const t = useT();
  const client = useQueryClient();
  const navigate = useNavigate();
  const status = useStatus();
  const workflows = useWorkflows();
  const workflow = recipe.workflow as unknown as Workflow;
  const roles = Object.entries(workflow.connections ?? {});
  const [picks, setPicks] = useState<Record<string, string>>({});
  const [vars, setVars] = useState<Record<string, unknown>>({});
  const fitting = (system: string | undefined) => (status.data?.connections ?? []).filter((one) => system === undefined || one.system === system);
  const pick = (role: string, system: string | undefined) => picks[role] ?? fitting(system)[0]?.name ?? "";
  const taken = (workflows.data ?? []).map(({ name }) => name);
  const name = freeName(workflow.name, taken);
  const ready = roles.every(([role, { system }]) => pick(role, system) !== "");
  const install = useMutation({
    mutationFn: (publish: boolean) =>
      result(
        api.POST("/workflows", {
          body: {
            text: recipe.text,
            name,
            with: Object.fromEntries(roles.map(([role, { system }]) => [role, pick(role, system)])),
            vars: { ...workflow.vars, ...vars },
            ...(publish ? { publish } : { incomplete: true }),
          },
        }),
      ),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["workflows"] });
      await navigate({ to: "/workflows/$name", params: { name }, search: { tab: undefined } });
    },
  });
  return (
    <div className="space-y-4">
      {recipe.about.split("\n\n").map((paragraph) => (
        <p key={paragraph}>{paragraph}</p>
      ))}
      {roles.map(([role, { system }]) => (
        <Labelled key={role} label={t("recipes.role", { role: called(system) })} help={fitting(system).length === 0 ? t("recipes.role.none", { system: called(system) }) : undefined}>
          {(id, described) => (
            <select id={id} aria-describedby={described} className={inputs} value={pick(role, system)} onChange={(event) => setPicks({ ...picks, [role]: event.target.value })}>
              {fitting(system).map((one) => (
                <option key={one.name} value={one.name}>
                  {one.name}
                  {one.account ? ` (${one.account.name})` : ""}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      ))}
      {Object.keys(workflow.vars ?? {}).length > 0 && (
        <details className="rounded-md border border-line p-3">
          <summary className="cursor-pointer text-sm font-medium">{t("flow.vars")}</summary>
          <div className="mt-3 space-y-3">
            {Object.entries(workflow.vars ?? {}).map(([own, value]) => (
              <Labelled key={own} label={own}>
                {(id) => (
                  <input id={id} className={inputs} defaultValue={value === null ? "" : shown(value)} onChange={(event) => setVars({ ...vars, [own]: anything(event.target.value) ?? null })} />
                )}
              </Labelled>
            ))}
          </div>
        </details>
      )}
      {install.error && <Trouble error={install.error} />}
      {install.error instanceof Refusal && install.error.problems.length > 0 && <p>{t("recipes.wrong")}</p>}
      <div className="flex flex-wrap gap-2">
        <Button look="main" busy={install.isPending && install.variables} disabled={!ready} onClick={() => install.mutate(true)}>
          {t("recipes.go")}
        </Button>
        <Button busy={install.isPending && !install.variables} disabled={!ready} onClick={() => install.mutate(false)}>
          {t("recipes.draft")}
        </Button>
      </div>
    </div>
  );
}
