// What is known by the time a step is done: the trigger, the steps before it, variables. Chosen, it becomes a tag.
import { useQueries, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { useT } from "../i18n";
import { inputs, Labelled } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { all, before, find, kindOf, type Workflow } from "./document";
import type { Form, Shape } from "./form";

export interface Tag {
  path: string;
  title: string;
  sample: string | undefined;
}

const DEEPEST = 4;
const part = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`);

/** Every path into what a schema describes. */
function ofShape(root: string, title: string, shape: Shape | undefined, depth = 0): Tag[] {
  const own: Tag[] = [{ path: root, title, sample: shape?.examples?.[0] === undefined ? undefined : JSON.stringify(shape.examples[0]) }];
  if (!shape || depth >= DEEPEST) return own;
  if (shape.items) return [...own, { path: `${root}.length`, title: `${title}: n`, sample: undefined }, ...ofShape(`${root}[0]`, `${title} 1`, shape.items, depth + 1)];
  return [...own, ...Object.entries(shape.properties ?? {}).flatMap(([name, inner]) => ofShape(root + part(name), inner.title ?? name, inner, depth + 1))];
}

/** The same for a value that is there. */
export function ofValue(root: string, value: unknown, depth = 0): Tag[] {
  const text = JSON.stringify(value) ?? "";
  const own: Tag[] = [{ path: root, title: "", sample: text.length > 60 ? `${text.slice(0, 60)}…` : text }];
  if (typeof value !== "object" || value === null || depth >= DEEPEST) return own;
  if (Array.isArray(value)) return [...own, ...(value.length > 0 ? ofValue(`${root}[0]`, value[0], depth + 1) : [])];
  return [...own, ...Object.entries(value).flatMap(([name, inner]) => ofValue(root + part(name), inner, depth + 1))];
}

const fixed: Record<string, Shape> = {
  http: { properties: { status: {}, headers: {}, body: {} } },
  approval: { properties: { approved: {} } },
  branch: { properties: { case: {}, go: {} } },
};

export function TagDialog({ workflow, form, step, tried, open, close, choose }: {
  workflow: Workflow;
  form: Form;
  step: string | undefined;
  tried: Schemas["Rehearsal"] | undefined;
  open: boolean;
  close: () => void;
  choose: (tag: string) => void;
}) {
  const t = useT();
  return (
    <Dialog title={t("flow.tag.title")} open={open} close={close}>
      <Choice workflow={workflow} form={form} step={step} tried={tried} choose={choose} />
    </Dialog>
  );
}

function Choice({ workflow, form, step, tried, choose }: {
  workflow: Workflow;
  form: Form;
  step: string | undefined;
  tried: Schemas["Rehearsal"] | undefined;
  choose: (tag: string) => void;
}) {
  const t = useT();
  const [search, setSearch] = useState("");
  const earlier = useMemo(() => (step === undefined ? [] : before(workflow, form, step)), [workflow, form, step]);
  const played = (name: string) => workflow.connections?.[name]?.connection ?? name;
  const operations = earlier.flatMap((id) => {
    const own = find(workflow, form, id)?.["operation"] as { connection: string; operation: string } | undefined;
    return own?.connection && own.operation ? [{ id, connection: played(own.connection), operation: own.operation }] : [];
  });
  const answers = useQueries({
    queries: operations.map(({ connection, operation }) => ({
      queryKey: ["operation", connection, operation],
      queryFn: () => result(api.GET("/connections/{name}/operations/{operation}", { params: { path: { name: connection, operation } } })),
      staleTime: Number.POSITIVE_INFINITY,
      retry: false,
    })),
  });
  const event = workflow.trigger["event"] as { connection: string; trigger: string } | undefined;
  const trigger = useQuery({
    queryKey: ["trigger", event?.connection, event?.trigger],
    enabled: Boolean(event?.connection && event.trigger),
    queryFn: () =>
      result(api.GET("/connections/{name}/triggers/{trigger}", { params: { path: { name: played(event?.connection ?? ""), trigger: event?.trigger ?? "" } } })),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

  const groups: { title: string; tags: Tag[] }[] = [];
  const own = Object.entries(workflow.trigger)[0];
  const shape = (own?.[0] === "event" ? trigger.data?.output : own?.[0] === "manual" ? own[1]?.["input"] : undefined) as Shape | undefined;
  const webhook: Shape = { properties: { body: {}, query: {}, headers: {} } };
  const begun = tried?.trigger;
  groups.push({
    title: t("flow.trigger"),
    tags: begun !== undefined && begun !== null && Object.keys(begun).length > 0 ? ofValue("trigger", begun) : ofShape("trigger", t("flow.trigger"), own?.[0] === "webhook" ? webhook : shape),
  });
  for (const id of earlier.toReversed()) {
    const one = find(workflow, form, id);
    if (!one) continue;
    const kind = kindOf(one, form);
    const done = tried?.steps.findLast((seen) => seen.step === id && seen.output !== null);
    const operation = answers[operations.findIndex((other) => other.id === id)]?.data;
    const described: Shape | undefined =
      kind === "operation" ? (operation?.output as Shape | undefined) : kind === "map" ? { properties: Object.fromEntries(Object.keys((one["map"] as object) ?? {}).map((name) => [name, {}])) } : fixed[kind ?? ""];
    groups.push({ title: one.title ?? id, tags: done ? ofValue(`steps.${id}`, done.output) : ofShape(`steps.${id}`, one.title ?? id, described) });
  }
  const inside = step !== undefined && all(workflow, form).find((one) => one.step.id === step)?.owner.step !== undefined;
  if (inside) groups.push({ title: t("flow.tag.item"), tags: [{ path: "item", title: t("flow.tag.item"), sample: undefined }, { path: "index", title: t("flow.tag.index"), sample: undefined }] });
  const vars = Object.entries(workflow.vars ?? {});
  if (vars.length > 0) groups.push({ title: t("flow.vars"), tags: vars.flatMap(([name, value]) => ofValue(`vars.${name}`, value)) });
  groups.push({ title: t("flow.tag.run"), tags: ["id", "accepted", "started"].map((name) => ({ path: `run.${name}`, title: name, sample: undefined })) });

  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (tag: Tag) => words.every((word) => `${tag.path} ${tag.title} ${tag.sample ?? ""}`.toLowerCase().includes(word));
  return (
    <div className="space-y-3">
      <Labelled label={t("search")}>
        {(id) => <input id={id} type="search" className={inputs} value={search} onChange={(typing) => setSearch(typing.target.value)} />}
      </Labelled>
      {groups.map(({ title, tags }) => {
        const left = tags.filter(fits).slice(0, 200);
        return (
          left.length > 0 && (
            <section key={`${title}${tags[0]?.path ?? ""}`} aria-label={title}>
              <h3 className="mb-1 text-sm font-semibold">{title}</h3>
              <ul className="max-h-72 overflow-y-auto rounded-md border border-line">
                {left.map((tag) => (
                  <li key={tag.path}>
                    <button type="button" onClick={() => choose(`{{ ${tag.path} }}`)} className="block w-full px-3 py-1.5 text-left hover:bg-sunk focus-visible:outline-offset-[-2px]">
                      <code className="text-sm break-all">{tag.path}</code>
                      <span className="block truncate text-xs text-soft">{tag.sample ?? tag.title}</span>
                    </button>
                  </li>
                ))}
              </ul>
            </section>
          )
        );
      })}
    </div>
  );
}
