// The draft on its canvas: kept as it is made, checked as it is typed, tried, put in force.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { api, Refusal, result, type Schemas } from "../api/client";
import { known, useT } from "../i18n";
import { useMay } from "../signin/may";
import { Button, inputs, Labelled, Light, Spinner, Trouble } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { Canvas, type Hand, type Mark, matching, sign } from "./canvas";
import { all, copies, END, explicit, find, freeId, fresh, type Gap, insert, kindOf, lead, mainPath, move, ownerOf, remove, rename, replace, spelled, type Step, TOP, type Workflow } from "./document";
import { at, type Form, put } from "./form";
import { useHistory } from "./history";
import { TRIGGER } from "./layout";
import { Shown, StepPanel, TriggerPanel } from "./panel";
import { TagDialog } from "./tags";

const CLIP = "tandem.workflow.clip";

/** The same a moment later, so that not every letter is sent. */
function useLater<T>(value: T, wait: number): T {
  const [later, setLater] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLater(value), wait);
    return () => clearTimeout(timer);
  }, [value, wait]);
  return later;
}

export function Editor({ stored, workflow: first, form }: { stored: Schemas["StoredWorkflow"]; workflow: Workflow; form: Form }) {
  const t = useT();
  const history = useHistory(first);
  const { now: workflow } = history;
  const [selected, setSelected] = useState<string>();
  const [search, setSearch] = useState("");
  const [adding, setAdding] = useState<Gap>();
  const [trying, setTrying] = useState(false);
  const [tried, setTried] = useState<Schemas["Rehearsal"]>();
  const [picking, setPicking] = useState<{ chosen: (tag: string) => void }>();
  const [said, setSaid] = useState("");
  const panel = useRef<HTMLElement>(null);
  const searching = useRef<HTMLInputElement>(null);
  // typing goes before drawing
  const drawn = useDeferredValue(workflow);
  const { problems, checking } = useCheck(workflow);
  const saving = useDraft(stored, workflow, first);

  const steps = useMemo(() => all(workflow, form), [workflow, form]);
  const wrong = useMemo(() => {
    const counts = new Map<string, number>();
    for (const problem of problems) {
      // the innermost step that the place is in
      const own = steps.findLast(({ place }) => problem.place === place || problem.place.startsWith(`${place}.`))?.step.id ?? TRIGGER;
      counts.set(own, (counts.get(own) ?? 0) + 1);
    }
    return counts;
  }, [problems, steps]);
  const marks = useMemo(() => triedMarks(tried, t), [tried, t]);
  const found = matching(workflow, form, search);

  const { set: change, undo, redo } = history;
  const putIn = useCallback(
    (gap: Gap, added: Step[]) => {
      change(insert(workflow, form, gap, added));
      setSelected(added[0]?.id);
      setSaid(t("flow.said.added", { step: added.map(({ id }) => id).join(", ") }));
    },
    [workflow, form, change, t],
  );
  const make = useCallback(
    (kind: string, gap: Gap) => {
      const step = fresh(kind, freeId(workflow, form, kind));
      putIn(gap, [step]);
    },
    [workflow, form, putIn],
  );
  /** The ordinary way after a step. */
  const after = useCallback(
    (id: string | undefined): Gap => {
      const list = explicit(workflow.steps, form);
      const own = id === undefined || id === TRIGGER ? undefined : find({ ...workflow, steps: list }, form, id);
      const way = own && mainPath(own, form);
      return own && way ? { from: own.id, path: way } : { into: own ? ownerOf(workflow, form, own.id) : TOP };
    },
    [workflow, form],
  );
  const take = useCallback(
    (id: string) => {
      if (id === TRIGGER) return;
      change(remove(workflow, form, id));
      setSelected(undefined);
      setSaid(t("flow.said.removed", { step: id }));
    },
    [workflow, form, change, t],
  );
  const copy = useCallback(
    (id: string) => {
      const step = find(workflow, form, id);
      if (!step) return;
      const { next: _, ...rest } = step;
      localStorage.setItem(CLIP, JSON.stringify([rest]));
      setSaid(t("flow.said.copied", { step: id }));
    },
    [workflow, form, t],
  );
  const paste = useCallback(
    (id: string | undefined) => {
      const held = localStorage.getItem(CLIP);
      if (held === null) return;
      putIn(after(id), copies(workflow, form, loose(JSON.parse(held) as Step[], form)));
    },
    [workflow, form, after, putIn],
  );
  /** One place up or down in its list. */
  const shift = useCallback(
    (id: string, by: 1 | -1) => {
      const owner = ownerOf(workflow, form, id);
      const list = steps.filter((one) => one.owner.step === owner.step && one.owner.path.join() === owner.path.join()).map(({ step }) => step);
      const index = list.findIndex((step) => step.id === id);
      const other = by === 1 ? list[index + 1] : list[index - 2];
      if (by === 1 ? !other : index < 1) return;
      change(move(workflow, form, id, other ? after(other.id) : { into: owner }));
    },
    [workflow, form, steps, after, change],
  );

  const hand = useMemo<Hand>(
    () => ({
      add: setAdding,
      drop: make,
      move: (id, gap) => {
        change(move(workflow, form, id, gap));
        setSelected(id);
      },
      key: (event, id) => {
        const mod = event.ctrlKey || event.metaKey;
        const letter = event.key.toLowerCase();
        const act = (then: () => void) => {
          event.preventDefault();
          then();
        };
        if (mod && letter === "z") return act(event.shiftKey ? redo : undo);
        if (mod && letter === "y") return act(redo);
        if (mod && letter === "v") return act(() => paste(id ?? selected));
        if (letter === "/" || (mod && letter === "f")) return act(() => searching.current?.focus());
        if (id === undefined) return;
        if (mod && letter === "c") return act(() => copy(id));
        if (mod && letter === "x") {
          return act(() => {
            copy(id);
            take(id);
          });
        }
        if (letter === "+" || letter === "a") return act(() => setAdding(after(id)));
        if (event.key === "Delete" || event.key === "Backspace") return act(() => take(id));
        if (event.altKey && event.key === "ArrowDown") return act(() => shift(id, 1));
        if (event.altKey && event.key === "ArrowUp") return act(() => shift(id, -1));
        if (letter === "e") return act(() => panel.current?.querySelector<HTMLElement>("input, select, textarea")?.focus());
      },
    }),
    [make, change, workflow, form, redo, undo, paste, selected, copy, take, shift, after],
  );

  const step = selected === undefined || selected === TRIGGER ? undefined : find(workflow, form, selected);
  const open = step && find({ ...workflow, steps: explicit(workflow.steps, form) }, form, step.id);
  const path = open && mainPath(open, form);
  const goes = open && path?.[0] === "next" ? { to: open.next ?? END, set: (to: string) => change(lead(workflow, form, open.id, path, to)) } : undefined;
  const pick = (chosen: (tag: string) => void) => setPicking({ chosen });
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Enter" && found.length > 0) {
      event.preventDefault();
      setSelected(found[(found.indexOf(selected ?? "") + 1) % found.length]);
    }
  };
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center gap-2">
        <Button onClick={undo} disabled={!history.canUndo} aria-keyshortcuts="Control+Z">
          ↶ {t("flow.undo")}
        </Button>
        <Button onClick={redo} disabled={!history.canRedo} aria-keyshortcuts="Control+Y">
          ↷ {t("flow.redo")}
        </Button>
        <Button onClick={() => step && copy(step.id)} disabled={!step}>
          {t("flow.copy")}
        </Button>
        <Button onClick={() => paste(selected)}>{t("flow.paste")}</Button>
        <div className="flex min-w-40 grow items-center gap-2 sm:max-w-72">
          <input
            ref={searching}
            type="search"
            aria-label={t("flow.search")}
            placeholder={t("flow.search")}
            className={inputs}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            onKeyDown={keys}
          />
          {search !== "" && <output className="text-sm whitespace-nowrap text-soft">{t("flow.found", { n: found.length })}</output>}
        </div>
        <span className="ml-auto flex items-center gap-2 text-sm text-soft">
          <output className="flex items-center gap-1.5">
            {saving.busy ? <Spinner /> : null}
            {t(saving.error ? "flow.saved.not" : saving.busy ? "flow.saving" : "flow.saved")}
          </output>
          {checking ? <Spinner /> : problems.length > 0 ? <Light tone="bad">{t("flow.problems", { n: problems.length })}</Light> : <Light tone="ok">{t("flow.good")}</Light>}
        </span>
        <Button needs="config" onClick={() => setTrying(true)}>▷ {t("flow.try")}</Button>
        <Publish stored={stored} ready={problems.length === 0 && !saving.busy && !saving.dirty} />
      </div>
      {saving.error && <Trouble error={saving.error} />}
      <ul aria-label={t("flow.kinds")} className="flex gap-1.5 overflow-x-auto pb-1">
        {form.kinds.map((kind) => (
          <li key={kind.name} className="shrink-0">
            <button
              type="button"
              draggable
              title={kind.description}
              onDragStart={(event) => event.dataTransfer.setData("application/x-tandem-step", kind.name)}
              onClick={() => make(kind.name, after(selected))}
              className="flex cursor-grab items-center gap-1.5 rounded-full border border-edge bg-card px-3 py-1 text-sm hover:bg-sunk"
            >
              <span aria-hidden="true">{sign(kind.name)}</span>
              {known(t, "step", kind.name)}
            </button>
          </li>
        ))}
      </ul>
      <div className="grid gap-3 lg:grid-cols-[minmax(0,1fr)_23rem]">
        <div className="h-[65dvh] min-h-96 overflow-hidden rounded-lg border border-line bg-paper lg:h-[calc(100dvh-16rem)]">
          <Canvas workflow={drawn} form={form} selected={selected} select={setSelected} search={search} marks={marks} wrong={wrong} hand={hand} label={t("flow.canvas")} />
        </div>
        <section ref={panel} aria-label={t("flow.panel")} className="min-w-0 overflow-y-auto rounded-lg border border-line bg-card p-4 lg:max-h-[calc(100dvh-16rem)]">
          {step ? (
            <>
              <h2 className="mb-3 font-semibold">
                {sign(kindOf(step, form))} {known(t, "step", kindOf(step, form) ?? "nothing")}: {step.title ?? step.id}
              </h2>
              <StepPanel
                key={step.id}
                {...{ step, workflow, form, problems, pick, goes }}
                change={(next) => change(replace(workflow, form, step.id, next), `step ${step.id}`)}
                rename={(id) => {
                  change(rename(workflow, form, step.id, id));
                  setSelected(id);
                }}
                remove={() => take(step.id)}
                addCase={() => {
                  change(
                    spelled(workflow, form, (written) => {
                      const own = find(written, form, step.id) ?? step;
                      const cases = (at(own, ["branch", "cases"]) as unknown[] | undefined) ?? [];
                      return replace(written, form, step.id, put(own, ["branch", "cases", cases.length], { when: { value: "", is: "filled" }, go: END }));
                    }),
                  );
                }}
                tried={(tried?.steps ?? []).filter((one) => one.step === step.id)}
              />
            </>
          ) : (
            <>
              <h2 className="mb-3 font-semibold">▶ {t("flow.trigger")}</h2>
              <TriggerPanel {...{ workflow, form, problems, pick }} change={(next) => change(next, "whole")} />
            </>
          )}
        </section>
      </div>
      <p className="text-sm text-soft">{t("flow.keys")}</p>
      <output className="sr-only">{said}</output>
      {problems.length > 0 && <Problems problems={problems} steps={steps} select={setSelected} />}
      <Dialog title={t("flow.add")} open={adding !== undefined} close={() => setAdding(undefined)}>
        <Kinds
          form={form}
          choose={(kind) => {
            if (adding) make(kind, adding);
            setAdding(undefined);
          }}
        />
      </Dialog>
      <Dialog title={t("flow.try")} open={trying} close={() => setTrying(false)} wide>
        <Try workflow={workflow} tried={tried} done={setTried} />
      </Dialog>
      <TagDialog
        workflow={workflow}
        form={form}
        step={step?.id}
        tried={tried}
        open={picking !== undefined}
        close={() => setPicking(undefined)}
        choose={(tag) => {
          picking?.chosen(tag);
          setPicking(undefined);
        }}
      />
    </div>
  );
}

/** Steps without ways to others: what they led to is not where they are put. */
function loose(steps: Step[], form: Form): Step[] {
  return steps.map((step) => {
    let next = step;
    const kind = form.of(kindOf(step, form));
    if (kind?.name === "branch") {
      const cases = ((at(step, ["branch", "cases"]) as { when: unknown }[] | undefined) ?? []).map((one) => ({ ...one, go: END }));
      next = put(put(next, ["branch", "cases"], cases), ["branch", "otherwise"], undefined);
    }
    if (typeof next.on_error === "object") next = put(next, ["on_error"], undefined);
    if (at(next, ["approval", "refused"]) !== undefined) next = put(next, ["approval", "refused"], END);
    return next;
  });
}

/** What the server finds wrong with a draft. */
function useCheck(workflow: Workflow): { problems: Schemas["Problem"][]; checking: boolean } {
  const text = useLater(useMemo(() => JSON.stringify(workflow), [workflow]), 250);
  const check = useQuery({
    queryKey: ["workflow-check", text],
    queryFn: async () => {
      try {
        return (await result(api.POST("/workflows/validate", { body: { text, incomplete: true } }))).problems;
      } catch (error) {
        if (error instanceof Refusal && error.problems.length > 0) return error.problems;
        throw error;
      }
    },
    placeholderData: keepPreviousData,
    gcTime: 30_000,
  });
  return { problems: check.data ?? [], checking: check.isPending };
}

/** Keeps the draft as it is made. */
function useDraft(stored: Schemas["StoredWorkflow"], workflow: Workflow, first: Workflow) {
  const client = useQueryClient();
  const [saved, setSaved] = useState(first);
  const later = useLater(workflow, 700);
  const mayKeep = useMay()("config");
  const save = useMutation({
    mutationFn: (draft: Workflow) => result(api.POST("/workflows", { body: { text: JSON.stringify(draft), incomplete: true } })),
    onSuccess: (_, draft) => {
      setSaved(draft);
      client.setQueryData(["workflow", stored.name], (old: Schemas["StoredWorkflow"] | undefined) => old && { ...old, draft: draft as unknown as Record<string, unknown> });
      void client.invalidateQueries({ queryKey: ["workflows"] });
    },
  });
  const { mutate } = save;
  useEffect(() => {
    if (mayKeep && later !== saved) mutate(later);
    // what was saved meanwhile is not sent again
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [later, mutate, mayKeep]);
  const dirty = workflow !== saved;
  return { busy: save.isPending || (mayKeep && dirty && !save.error), error: save.error, dirty };
}

function Publish({ stored, ready }: { stored: Schemas["StoredWorkflow"]; ready: boolean }) {
  const t = useT();
  const client = useQueryClient();
  const publish = useMutation({
    mutationFn: () => result(api.POST("/workflows/{name}/publish", { params: { path: { name: stored.name } } })),
    onSuccess: () => Promise.all([client.invalidateQueries({ queryKey: ["workflow", stored.name] }), client.invalidateQueries({ queryKey: ["workflows"] })]),
  });
  const discard = useMutation({
    mutationFn: () => result(api.DELETE("/workflows/{name}/draft", { params: { path: { name: stored.name } } })),
    onSuccess: async () => {
      await client.resetQueries({ queryKey: ["workflow", stored.name] });
      await client.invalidateQueries({ queryKey: ["workflows"] });
    },
  });
  return (
    <>
      {stored.draft !== null && stored.published !== null && (
        <Button needs="config" look="quiet" busy={discard.isPending} onClick={() => discard.mutate()}>
          {t("flow.discard")}
        </Button>
      )}
      <Button needs="config" look="main" busy={publish.isPending} disabled={!ready || stored.draft === null} onClick={() => publish.mutate()}>
        {t("flow.publish")}
      </Button>
      {(publish.error ?? discard.error) && <Trouble error={publish.error ?? discard.error} />}
    </>
  );
}

function Problems({ problems, steps, select }: { problems: Schemas["Problem"][]; steps: ReturnType<typeof all>; select: (id: string) => void }) {
  const t = useT();
  return (
    <details className="rounded-lg border border-bad bg-bad-wash px-4 py-3">
      <summary className="cursor-pointer font-medium text-bad">{t("flow.problems", { n: problems.length })}</summary>
      <ul className="mt-2 space-y-1">
        {problems.slice(0, 50).map((problem) => {
          const own = steps.findLast(({ place }) => problem.place === place || problem.place.startsWith(`${place}.`))?.step.id ?? TRIGGER;
          return (
            <li key={`${problem.place}${problem.message}`}>
              <button type="button" className="text-left underline" onClick={() => select(own)}>
                <code>{own === TRIGGER ? problem.place : own}</code>: {problem.message}
              </button>
            </li>
          );
        })}
      </ul>
    </details>
  );
}

function Kinds({ form, choose }: { form: Form; choose: (kind: string) => void }) {
  const t = useT();
  return (
    <ul className="space-y-1">
      {form.kinds.map((kind) => (
        <li key={kind.name}>
          <button type="button" onClick={() => choose(kind.name)} className="flex w-full items-start gap-3 rounded-md px-3 py-2 text-left hover:bg-sunk">
            <span aria-hidden="true" className="w-5 text-center text-lg leading-6">
              {sign(kind.name)}
            </span>
            <span>
              <span className="block font-medium">{known(t, "step", kind.name)}</span>
              <span className="block text-sm text-soft">{known(t, "about", kind.name) === kind.name.replaceAll("_", " ") ? kind.description : known(t, "about", kind.name)}</span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function triedMarks(tried: Schemas["Rehearsal"] | undefined, t: ReturnType<typeof useT>): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  for (const one of tried?.steps ?? []) {
    if (one.error) marks.set(one.step, { tone: "bad", text: t("flow.mark.failed") });
    else if (one.would_send !== undefined) marks.set(one.step, { tone: "accent", text: t("flow.mark.would") });
    else marks.set(one.step, { tone: "ok", text: t(one.sample ? "flow.mark.sample" : "flow.mark.done") });
  }
  return marks;
}

/** Goes through the draft with sample data; nothing is written. */
function Try({ workflow, tried, done }: { workflow: Workflow; tried: Schemas["Rehearsal"] | undefined; done: (tried: Schemas["Rehearsal"]) => void }) {
  const t = useT();
  const event = workflow.trigger["event"] as { connection: string; trigger: string } | undefined;
  const played = workflow.connections?.[event?.connection ?? ""]?.connection ?? event?.connection ?? "";
  const trigger = useQuery({
    queryKey: ["trigger", played, event?.trigger],
    enabled: Boolean(event?.trigger),
    queryFn: () => result(api.GET("/connections/{name}/triggers/{trigger}", { params: { path: { name: played, trigger: event?.trigger ?? "" } } })),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const runs = useQuery({
    queryKey: ["workflow-runs", workflow.name, "triggers"],
    queryFn: async () => {
      const found = await result(api.GET("/workflow-runs", { params: { query: { workflow: workflow.name, limit: 5 } } }));
      return Promise.all(found.map(({ id }) => result(api.GET("/workflow-runs/{run}", { params: { path: { run: id } } }))));
    },
    retry: false,
  });
  const [typed, setTyped] = useState<string>();
  const sample = tried?.trigger ?? trigger.data?.example ?? ("webhook" in workflow.trigger ? { body: {}, query: {}, headers: {} } : {});
  const text = typed ?? JSON.stringify(sample, null, 2);
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    input = undefined;
  }
  const run = useMutation({
    mutationFn: () => result(api.POST("/workflows/test", { body: { workflow: { text: JSON.stringify(workflow) }, input } })),
    onSuccess: done,
  });
  return (
    <div className="grid gap-4 md:grid-cols-2">
      <div className="space-y-3">
        <p className="text-sm text-soft">{t("flow.try.how")}</p>
        {(runs.data?.length ?? 0) > 0 && (
          <Labelled label={t("flow.try.from")}>
            {(id) => (
              <select id={id} className={inputs} defaultValue="" onChange={(choice) => setTyped(JSON.stringify(runs.data?.find((one) => one.id === choice.target.value)?.trigger ?? sample, null, 2))}>
                <option value="">{t("flow.try.example")}</option>
                {runs.data?.map((one) => (
                  <option key={one.id} value={one.id}>
                    {new Date(one.accepted).toLocaleString()} · {known(t, "run", one.state)}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
        )}
        <Labelled label={t("flow.try.data")}>
          {(id) => <textarea id={id} rows={12} spellCheck={false} className={`${inputs} font-mono text-sm`} value={text} onChange={(typing) => setTyped(typing.target.value)} />}
        </Labelled>
        {input === undefined && <p className="text-bad">{t("catalog.json.bad")}</p>}
        <Button look="main" busy={run.isPending} disabled={input === undefined} onClick={() => run.mutate()}>
          {t("flow.try.go")}
        </Button>
        {run.error && <Trouble error={run.error} />}
      </div>
      <div aria-live="polite" className="min-w-0 space-y-3">
        {tried && (
          <>
            <p className="font-medium">{tried.failed ? <span className="text-bad">■ {tried.failed}</span> : <span className="text-ok">● {t("flow.try.through")}</span>}</p>
            <ol className="space-y-2">
              {tried.steps.map((one, index) => (
                // the same step may be done for several elements
                // oxlint-disable-next-line react/no-array-index-key
                <li key={index} className="rounded-md border border-line p-2">
                  <details>
                    <summary className="cursor-pointer">
                      <b>{one.step}</b>
                      {one.elements && one.elements.length > 0 ? ` [${one.elements.join(", ")}]` : ""}{" "}
                      {one.error ? (
                        <Light tone="bad">{t("flow.mark.failed")}</Light>
                      ) : one.would_send !== undefined ? (
                        <Light tone="accent">{t("flow.mark.would")}</Light>
                      ) : (
                        <Light tone="ok">{t(one.sample ? "flow.mark.sample" : "flow.mark.done")}</Light>
                      )}
                    </summary>
                    <div className="mt-2 space-y-2">
                      {one.error && <p className="text-sm text-bad">{one.error}</p>}
                      <Shown label={t("catalog.input")} value={one.input} />
                      <Shown label={t("flow.tried.would")} value={one.would_send} />
                      <Shown label={one.sample ? t("flow.tried.sample") : t("catalog.output")} value={one.output} />
                    </div>
                  </details>
                </li>
              ))}
            </ol>
          </>
        )}
      </div>
    </div>
  );
}
