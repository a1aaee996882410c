// A workflow as data, and what is done to it: pure functions from one document to the next.
//
// In the file a step goes on with the next of its list unless it says where. To move steps about, every way is first
// written out; afterwards the list is put in order and what goes without saying is left out again.
import { at, type Form, type Path, places, put } from "./form";

export interface Step {
  id: string;
  title?: string;
  next?: string;
  on_error?: "stop" | "continue" | { go: string };
  retry?: { waits: number[] };
  [kind: string]: unknown;
}

export interface Workflow {
  version: 1;
  name: string;
  title?: string;
  description?: string;
  connections?: Record<string, { system?: string; connection?: string }>;
  vars?: Record<string, unknown>;
  trigger: Record<string, Record<string, unknown>>;
  runs?: { at_once?: number; key?: string };
  steps: Step[];
}

export const END = "end";

/** Where one step leads: from where in it, and to which. */
export interface Way {
  path: Path;
  target: string;
  /** A word for what it is, and the number of a case. */
  word: string;
  main: boolean;
}

/** Where a list of steps stands: in the workflow itself, or in a step. */
export interface Owner {
  step: string | undefined;
  path: Path;
}

/** Where something is put in: on the way from a step, or at the beginning of a list. */
export type Gap = { from: string; path: Path } | { into: Owner };

export const TOP: Owner = { step: undefined, path: [] };

export function kindOf(step: Step, form: Form): string | undefined {
  return form.kinds.find(({ name }) => step[name] !== undefined)?.name;
}

/** Every list of steps within a step. */
export function listsIn(step: Step, form: Form): { path: Path; steps: Step[] }[] {
  const kind = form.of(kindOf(step, form));
  return (kind?.lists ?? []).flatMap((list) =>
    places(step[kind?.name ?? ""], list).map((path) => {
      const full = [kind?.name ?? "", ...path];
      return { path: full, steps: (at(step, full) as Step[] | undefined) ?? [] };
    }),
  );
}

/** All steps with the list that each stands in, and its place as the server's check names it. */
export function all(workflow: Workflow, form: Form): { step: Step; owner: Owner; place: string; list: Step[] }[] {
  const walk = (list: Step[], owner: Owner, place: string): ReturnType<typeof all> =>
    list.flatMap((step, index) => {
      const own = `${place}[${index}]`;
      const inner = listsIn(step, form).flatMap(({ path, steps }) =>
        walk(steps, { step: step.id, path }, `${own}${path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("")}`),
      );
      return [{ step, owner, place: own, list }, ...inner];
    });
  return walk(workflow.steps, TOP, "steps");
}

export function find(workflow: Workflow, form: Form, id: string): Step | undefined {
  return all(workflow, form).find(({ step }) => step.id === id)?.step;
}

/** The ways that a step says itself, where every way is written out. */
export function ways(step: Step, form: Form): Way[] {
  const kind = form.of(kindOf(step, form));
  const found: Way[] = [];
  for (const target of kind?.targets ?? []) {
    for (const path of places(step[kind?.name ?? ""], target)) {
      const goal = at(step[kind?.name ?? ""], path);
      const word = String(target.at(-1));
      if (typeof goal !== "string") continue;
      const number = path.find((part) => typeof part === "number");
      found.push({
        path: [kind?.name ?? "", ...path],
        target: goal,
        word: word === "go" && number !== undefined ? `case ${Number(number) + 1}` : word,
        main: word === "otherwise",
      });
    }
  }
  if (typeof step.on_error === "object") found.push({ path: ["on_error", "go"], target: step.on_error.go, word: "error", main: false });
  if (step.next !== undefined) found.push({ path: ["next"], target: step.next, word: "next", main: true });
  return found;
}

/** Whether a step goes on at all when it is done. */
function ends(step: Step): boolean {
  return step["stop"] !== undefined;
}

/** Where the ordinary way of a step is said; nowhere for one that ends the run. */
export function mainPath(step: Step, form: Form): Path | undefined {
  if (ends(step)) return undefined;
  const kind = form.of(kindOf(step, form));
  return kind?.targets.some((path) => path.length === 1 && path[0] === "otherwise") ? [kind.name, "otherwise"] : ["next"];
}

/** The list with every way written out. */
export function explicit(steps: Step[], form: Form): Step[] {
  return steps.map((step, index) => {
    const following = steps[index + 1]?.id ?? END;
    const path = mainPath(step, form);
    let written = step;
    if (path) {
      const goal = (at(step, path) as string | undefined) ?? step.next ?? following;
      if (path[0] !== "next" && step.next !== undefined) written = put(written, ["next"], undefined);
      written = put(written, path, goal);
    }
    for (const list of listsIn(step, form)) written = put(written, list.path, explicit(list.steps, form));
    return written;
  });
}

/** The list in an order in which as much as can be goes without saying, with that left out. */
export function tidy(steps: Step[], form: Form): Step[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const seen = new Set<string>();
  const done: Step[] = [];
  const visit = (id: string): void => {
    const step = byId.get(id);
    if (!step || seen.has(id)) return;
    seen.add(id);
    // what is visited last stands next to the step
    const leads = ways(step, form);
    for (const way of [...leads.filter(({ main }) => !main).toReversed(), ...leads.filter(({ main }) => main)]) visit(way.target);
    done.push(step);
  };
  if (steps[0]) visit(steps[0].id);
  const ordered = [...done.toReversed(), ...steps.filter(({ id }) => !seen.has(id))];
  return ordered.map((step, index) => {
    let tidied = step;
    const path = mainPath(step, form);
    const following = ordered[index + 1]?.id ?? END;
    if (path && at(step, path) === following) tidied = put(tidied, path, undefined);
    for (const list of listsIn(step, form)) tidied = put(tidied, list.path, tidy(list.steps, form));
    return tidied;
  });
}

type Change = (list: Step[]) => Step[];

/** Changes the list of this owner. */
function within(workflow: Workflow, form: Form, owner: Owner, change: Change): Workflow {
  const inside = (list: Step[]): Step[] =>
    list.map((step) => {
      let next = step;
      for (const inner of listsIn(step, form)) {
        const mine = owner.step === step.id && inner.path.join() === owner.path.join();
        next = put(next, inner.path, mine ? change(inner.steps) : inside(inner.steps));
      }
      return next;
    });
  return { ...workflow, steps: owner.step === undefined ? change(workflow.steps) : inside(workflow.steps) };
}

/** Does something where every way is written out. */
export function spelled(workflow: Workflow, form: Form, act: (workflow: Workflow) => Workflow): Workflow {
  const open = act({ ...workflow, steps: explicit(workflow.steps, form) });
  return { ...open, steps: tidy(open.steps, form) };
}

export function ownerOf(workflow: Workflow, form: Form, id: string): Owner {
  return all(workflow, form).find(({ step }) => step.id === id)?.owner ?? TOP;
}

/** Puts steps in where the gap is; they go on one after the other. */
export function insert(workflow: Workflow, form: Form, gap: Gap, steps: Step[]): Workflow {
  const first = steps[0];
  if (!first) return workflow;
  const owner = "into" in gap ? gap.into : ownerOf(workflow, form, gap.from);
  return spelled(workflow, form, (open) =>
    within(open, form, owner, (list) => {
      const from = "into" in gap ? undefined : list.find(({ id }) => id === gap.from);
      const goal = "into" in gap ? (list[0]?.id ?? END) : ((at(from, gap.path) as string | undefined) ?? END);
      const chain = steps.map((step, index) => {
        const on = steps[index + 1]?.id ?? goal;
        const path = mainPath(step, form);
        const [written] = explicit([put(step, ["next"], undefined)], form);
        return path && written ? put(written, path, on) : (written ?? step);
      });
      if ("into" in gap) return [...chain, ...list];
      return [...list.map((step) => (step.id === gap.from ? put(step, gap.path, first.id) : step)), ...chain];
    }),
  );
}

/** Takes a step out; what led to it leads to what came after it. */
export function remove(workflow: Workflow, form: Form, id: string): Workflow {
  return spelled(workflow, form, (open) =>
    within(open, form, ownerOf(open, form, id), (list) => {
      const gone = list.find((step) => step.id === id);
      if (!gone) return list;
      const path = mainPath(gone, form);
      const goal = (path && (at(gone, path) as string | undefined)) ?? END;
      const rest = list
        .filter((step) => step.id !== id)
        .map((step) => ways(step, form).reduce((changed, way) => (way.target === id ? put(changed, way.path, goal) : changed), step));
      // the first stays the first
      const entry = list[0]?.id === id ? rest.find((step) => step.id === goal) : undefined;
      return entry ? [entry, ...rest.filter((step) => step !== entry)] : rest;
    }),
  );
}

/** Takes a step to another place. Not into itself. */
export function move(workflow: Workflow, form: Form, id: string, gap: Gap): Workflow {
  const step = find(workflow, form, id);
  if (!step) return workflow;
  const inner = new Set(all({ ...workflow, steps: [step] }, form).map((one) => one.step.id));
  const host = "into" in gap ? gap.into.step : gap.from;
  if (host !== undefined && inner.has(host)) return workflow;
  const placed = explicit([step], form)[0] ?? step;
  const without = remove(workflow, form, id);
  return insert(without, form, gap, [put(placed, ["next"], undefined)]);
}

/** Lets a way lead to another step. */
export function lead(workflow: Workflow, form: Form, id: string, path: Path, target: string): Workflow {
  return spelled(workflow, form, (open) =>
    within(open, form, ownerOf(open, form, id), (list) => list.map((step) => (step.id === id ? put(step, path, target) : step))),
  );
}

/** Replaces a step by another form of it. */
export function replace(workflow: Workflow, form: Form, id: string, next: Step): Workflow {
  return within(workflow, form, ownerOf(workflow, form, id), (list) => list.map((step) => (step.id === id ? next : step)));
}

/** Gives a step another id, also where others name it. */
export function rename(workflow: Workflow, form: Form, id: string, to: string): Workflow {
  const spoken = new RegExp(`\\b(steps|errors)\\.${id}\\b`, "g");
  const walk = (value: unknown): unknown => {
    if (typeof value === "string") return value.includes("{{") ? value.replaceAll(spoken, `$1.${to}`) : value;
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, walk(inner)]));
    return value;
  };
  const renamed = (list: Step[]): Step[] =>
    list.map((step) => {
      let next = walk(step) as Step;
      for (const way of ways(step, form)) if (way.target === id) next = put(next, way.path, to);
      if (step.id === id) next = { ...next, id: to };
      for (const inner of listsIn(step, form)) next = put(next, inner.path, renamed(inner.steps));
      return next;
    });
  return { ...workflow, steps: renamed(workflow.steps) };
}

/** An id that no step has. */
export function freeId(workflow: Workflow, form: Form, wanted: string, more: string[] = []): string {
  const taken = new Set([...all(workflow, form).map(({ step }) => step.id), ...more, END]);
  const base = wanted.replaceAll(/[^A-Za-z0-9_]+/g, "_").replaceAll(/^_+|_+$/g, "").slice(0, 50) || "step";
  let id = base;
  for (let number = 2; taken.has(id); number += 1) id = `${base}_${number}`;
  return id;
}

/** Copies of steps with ids of their own, also within. */
export function copies(workflow: Workflow, form: Form, steps: Step[]): Step[] {
  const given: string[] = [];
  const copy = (step: Step): Step => {
    const id = freeId(workflow, form, step.id.replace(/_\d+$/, ""), given);
    given.push(id);
    let next: Step = { ...step, id };
    for (const inner of listsIn(step, form)) next = put(next, inner.path, inner.steps.map(copy));
    return next;
  };
  return steps.map(copy);
}

/** A new step of a kind. Going on is what it does until somebody says more. */
export function fresh(kind: string, id: string): Step {
  const bodies: Record<string, unknown> = {
    operation: { connection: "", operation: "" },
    branch: { cases: [{ when: { value: "", is: "filled" }, go: END }] },
    filter: { value: "", is: "filled" },
    delay: { for: "30 minutes" },
    for_each: { items: "", steps: [{ id: `${id}_each`, map: {} }] },
    http: { method: "GET", url: "https://" },
    notify: { webhook: { url: "env:CHAT_WEBHOOK", text: "" } },
    call: { workflow: "" },
    approval: { question: "" },
  };
  return { id, [kind]: bodies[kind] ?? {} };
}

/** The ids of all steps that may have been done before this one. */
export function before(workflow: Workflow, form: Form, id: string): string[] {
  const open = { ...workflow, steps: explicit(workflow.steps, form) };
  const steps = all(open, form);
  const found = new Set<string>();
  let here: string | undefined = id;
  while (here !== undefined) {
    const own = steps.find(({ step }) => step.id === here);
    const list = own?.list ?? [];
    const reach = new Set([here]);
    for (let grown = true; grown; ) {
      grown = false;
      for (const step of list) {
        if (reach.has(step.id) || !ways(step, form).some(({ target }) => reach.has(target))) continue;
        reach.add(step.id);
        found.add(step.id);
        grown = true;
      }
    }
    here = own?.owner.step;
  }
  return steps.map(({ step }) => step.id).filter((one) => found.has(one));
}
