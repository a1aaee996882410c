// The canvas: steps in the places that the layout gives them. What is dragged is put where it is dropped on a way.
import {
  Background,
  BaseEdge,
  Controls,
  type Edge,
  EdgeLabelRenderer,
  type EdgeProps,
  getSmoothStepPath,
  Handle,
  MiniMap,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from "@xyflow/react";
import { createContext, type DragEvent, type KeyboardEvent, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { known, useT } from "../i18n";
import { Light, names, type Tone } from "../ui/basic";
import { all, type Gap, kindOf, type Step, type Workflow } from "./document";
import type { Form } from "./form";
import { caseText, conditionText, layout, line, type Link, type Placed, structure, TRIGGER } from "./layout";

/** What is said of a step beside what it is: how it went, what changed. */
export interface Mark {
  tone: Tone;
  text: string;
}

/** What can be done on a canvas; nothing on one that only shows. */
export interface Hand {
  add: (gap: Gap) => void;
  drop: (kind: string, gap: Gap) => void;
  move: (id: string, gap: Gap) => void;
  key: (event: KeyboardEvent, id: string | undefined) => void;
}

interface Seen {
  form: Form;
  workflow: Workflow;
  selected: string | undefined;
  found: Set<string>;
  marks: Map<string, Mark>;
  wrong: Map<string, number>;
  hand: Hand | undefined;
}

const SeenContext = createContext<Seen | undefined>(undefined);
const useSeen = (): Seen => {
  const seen = useContext(SeenContext);
  if (!seen) throw new Error("no canvas around");
  return seen;
};

type StepNode = Node<{ placed: Placed }, "step" | "end">;
type WayEdge = Edge<{ link: Link; step: Step | undefined; dragged: boolean }, "way">;

/** What a step does, in a line. */
export function summary(step: Step, kind: string | undefined): string {
  const value = (kind === undefined ? undefined : step[kind]) as Record<string, unknown> | undefined;
  switch (kind) {
    case "operation":
      return `${String(value?.["connection"] ?? "")} · ${String(value?.["operation"] ?? "")}`;
    case "filter":
      return conditionText(value ?? {});
    case "delay":
      return String(value?.["for"] ?? value?.["until"] ?? "");
    case "for_each":
      return typeof value?.["items"] === "string" ? value["items"] : "";
    case "http":
      return `${String(value?.["method"] ?? "")} ${String(value?.["url"] ?? "")}`;
    case "call":
      return String(value?.["workflow"] ?? "");
    case "approval":
      return String(value?.["question"] ?? "");
    case "map":
      return Object.keys(value ?? {}).join(", ");
    default:
      return "";
  }
}

const signs: Record<string, string> = {
  operation: "⚙", edit: "✎", branch: "◇", filter: "▽", delay: "◷", wait: "◔", parallel: "∥", for_each: "↻", map: "≔", http: "⇄", notify: "✉", call: "↪", approval: "?", stop: "■",
};

export function sign(kind: string | undefined): string {
  return signs[kind ?? ""] ?? "◆";
}

function StepView({ data: { placed } }: NodeProps<StepNode>) {
  const t = useT();
  const { form, workflow, selected, found, marks, wrong } = useSeen();
  const { step } = placed;
  const trigger = placed.kind === "trigger";
  const kind = step ? kindOf(step, form) : Object.keys(workflow.trigger)[0];
  const id = step?.id ?? TRIGGER;
  const mark = marks.get(id);
  const problems = wrong.get(id) ?? 0;
  const title = step ? (step.title ?? step.id) : known(t, "trigger", kind ?? "");
  return (
    <div
      className={names(
        "h-full w-full rounded-lg border-2 text-left",
        placed.kind === "group" ? "bg-sunk/60" : "bg-card",
        selected === id ? "border-accent" : problems > 0 ? "border-bad" : trigger ? "border-accent/50" : "border-edge",
        found.has(id) && "outline-3 outline-offset-2 outline-warn",
      )}
    >
      {!trigger && <Handle type="target" position={Position.Top} isConnectable={false} className="opacity-0!" />}
      <div className="px-3 py-1.5">
        <div className="flex items-center gap-1.5 text-xs text-soft">
          <span aria-hidden="true">{trigger ? "▶" : sign(kind)}</span>
          <span className="truncate">{trigger ? t("flow.trigger") : known(t, "step", kind ?? "nothing")}</span>
          <span className="ml-auto flex items-center gap-1">
            {problems > 0 && <span className="rounded-full bg-bad-wash px-1.5 font-semibold text-bad">! {problems}</span>}
            {mark && <Light tone={mark.tone}>{mark.text}</Light>}
          </span>
        </div>
        <div className="truncate text-sm font-semibold">{title}</div>
        <div className="truncate text-xs text-soft">{step ? summary(step, kind) : triggerText(workflow)}</div>
      </div>
      <Handle type="source" position={Position.Bottom} isConnectable={false} className="opacity-0!" />
    </div>
  );
}

export function triggerText(workflow: Workflow): string {
  const [kind, value] = Object.entries(workflow.trigger)[0] ?? [];
  if (kind === "event") return `${String(value?.["connection"] ?? "")} · ${String(value?.["trigger"] ?? "")}`;
  if (kind === "schedule") return `${String(value?.["cron"] ?? "")} ${String(value?.["zone"] ?? "")}`;
  if (kind === "sync") return `${String(value?.["sync"] ?? "")} · ${String(value?.["on"] ?? "")}`;
  if (kind === "webhook") return `/hooks/workflows/${workflow.name}`;
  return "";
}

function EndView() {
  return (
    <div className="grid h-full w-full place-items-center" aria-hidden="true">
      <Handle type="target" position={Position.Top} isConnectable={false} className="opacity-0!" />
      <div className="size-3 rounded-full bg-edge" />
      <Handle type="source" position={Position.Bottom} isConnectable={false} className="opacity-0!" />
    </div>
  );
}

function WayView(edge: EdgeProps<WayEdge>) {
  const t = useT();
  const { hand } = useSeen();
  const { link, step, dragged } = edge.data ?? {};
  const [straight, middle, height] = getSmoothStepPath({ ...edge, borderRadius: 10 });
  const path = link && !dragged ? line(link.points) : straight;
  const { x, y } = link && !dragged ? link.sign : { x: middle, y: height };
  const way = link?.way;
  const text =
    way === undefined || way.word === "next"
      ? undefined
      : way.word.startsWith("case") && step
        ? caseText(step, way)
        : known(t, "way", way.word);
  const after = step ? (step.title ?? step.id) : t("flow.trigger");
  return (
    <>
      <BaseEdge path={path} {...(edge.markerEnd === undefined ? {} : { markerEnd: edge.markerEnd })} />
      <EdgeLabelRenderer>
        <div
          className="nodrag nopan pointer-events-auto absolute flex -translate-x-1/2 -translate-y-1/2 flex-col items-center"
          style={{ left: x, top: y }}
        >
          {text !== undefined && <span className="max-w-40 truncate rounded bg-paper px-1 text-xs text-soft">{text}</span>}
          {hand && link && (
            <button
              type="button"
              data-gap={JSON.stringify(link.gap)}
              tabIndex={-1}
              aria-label={text === undefined ? t("flow.add.after", { step: after }) : t("flow.add.way", { step: after, way: text })}
              onClick={() => hand.add(link.gap)}
              className="grid size-6 place-items-center rounded-full border border-edge bg-card text-sm leading-none text-soft hover:border-accent hover:bg-accent-wash hover:text-accent"
            >
              +
            </button>
          )}
        </div>
      </EdgeLabelRenderer>
    </>
  );
}

const nodeTypes = { step: StepView, end: EndView };
const edgeTypes = { way: WayView };
/** So near to a way something has to be dropped, in pixels of the screen. */
const NEAR = 110;

/** The step that something happened on. */
function here(target: EventTarget | null): string | undefined {
  return (target as HTMLElement | null)?.closest<HTMLElement>(".react-flow__node")?.dataset["id"];
}

/** The way whose sign is nearest to where something was dropped. */
function nearest(area: HTMLElement | null, x: number, y: number): Gap | undefined {
  let best: { gap: Gap; distance: number } | undefined;
  for (const button of area?.querySelectorAll<HTMLElement>("[data-gap]") ?? []) {
    const box = button.getBoundingClientRect();
    const distance = Math.hypot(x - box.x - box.width / 2, y - box.y - box.height / 2);
    if (distance < NEAR && (best === undefined || distance < best.distance)) best = { gap: JSON.parse(button.dataset["gap"] ?? "{}") as Gap, distance };
  }
  return best?.gap;
}

interface Props {
  workflow: Workflow;
  form: Form;
  selected?: string | undefined;
  select: (id: string | undefined) => void;
  search?: string;
  marks?: Map<string, Mark>;
  wrong?: Map<string, number>;
  hand?: Hand;
  label: string;
  children?: ReactNode;
}

const NO_MARKS = new Map<string, Mark>();
const NOTHING_WRONG = new Map<string, number>();

export function Canvas(props: Props) {
  return (
    <ReactFlowProvider>
      <Drawn {...props} />
    </ReactFlowProvider>
  );
}

/** Steps that hold all words that are looked for. */
export function matching(workflow: Workflow, form: Form, search: string): string[] {
  const parts = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (parts.length === 0) return [];
  return all(workflow, form)
    .filter(({ step }) => {
      const own = Object.fromEntries(Object.entries(step).filter(([name]) => (form.of(name)?.lists.length ?? 0) === 0));
      const text = JSON.stringify(own).toLowerCase();
      return parts.every((part) => text.includes(part));
    })
    .map(({ step }) => step.id);
}

function Drawn({ workflow, form, selected, select, search = "", marks = NO_MARKS, wrong = NOTHING_WRONG, hand, label, children }: Props) {
  const t = useT();
  const area = useRef<HTMLDivElement>(null);
  const flow = useReactFlow<StepNode, WayEdge>();
  const shape = useMemo(() => structure(workflow, form), [workflow, form]);
  // typing in a step moves nothing
  // oxlint-disable-next-line react-hooks/exhaustive-deps react/memo-dependencies react/exhaustive-effect-dependencies
  const laid = useMemo(() => layout(workflow, form), [shape, form]);
  const steps = useMemo(() => new Map(all(workflow, form).map(({ step }) => [step.id, step])), [workflow, form]);
  const found = useMemo(() => new Set(matching(workflow, form, search)), [workflow, form, search]);
  const [dragged, setDragged] = useState<{ id: string; x: number; y: number }>();

  const nodes = useMemo(
    () =>
      laid.nodes.map((place): StepNode => {
        const moved = dragged?.id === place.id;
        const step = place.step && steps.get(place.id);
        const placed = step ? { ...place, step } : place;
        return {
          id: placed.id,
          type: placed.kind === "end" ? "end" : "step",
          data: { placed },
          position: moved ? { x: dragged.x, y: dragged.y } : { x: placed.x, y: placed.y },
          width: placed.width,
          height: placed.height,
          // nothing is left to be measured: ways are drawn at once, also while something is dragged
          measured: { width: placed.width, height: placed.height },
          handles: [
            { type: "target", position: Position.Top, x: placed.width / 2, y: 0, width: 1, height: 1 },
            { type: "source", position: Position.Bottom, x: placed.width / 2, y: placed.height, width: 1, height: 1 },
          ],
          ...(placed.parent === undefined ? {} : { parentId: placed.parent }),
          draggable: hand !== undefined && step !== undefined,
          selectable: false,
          focusable: placed.kind !== "end",
          ...(placed.kind === "end" ? {} : { ariaLabel: step ? `${known(t, "step", kindOf(step, form) ?? "nothing")}: ${step.title ?? step.id}` : t("flow.trigger") }),
          ...(moved ? { zIndex: 1000 } : {}),
        };
      }),
    [laid, steps, dragged, hand, form, t],
  );
  const edges = useMemo(
    () =>
      laid.links.map(
        (link): WayEdge => ({
          id: link.id,
          source: link.source,
          target: link.target,
          type: "way",
          data: { link, step: steps.get(link.source), dragged: dragged !== undefined && [link.source, link.target].includes(dragged.id) },
          focusable: false,
          zIndex: 1,
        }),
      ),
    [laid, steps, dragged],
  );

  /** All of it where there is room, else its beginning. */
  const begin = useCallback(() => {
    const { clientWidth = 0, clientHeight = 0 } = area.current ?? {};
    const trigger = laid.nodes.find(({ kind }) => kind === "trigger");
    const top = laid.nodes.filter(({ parent }) => parent === undefined);
    const width = Math.max(...top.map((node) => node.x + node.width)) + 20;
    const height = Math.max(...top.map((node) => node.y + node.height)) + 20;
    const zoom = Math.min(1, Math.max(0.6, Math.min(clientWidth / width, clientHeight / height)));
    const middle = width * zoom <= clientWidth ? width / 2 : trigger ? trigger.x + trigger.width / 2 : 0;
    void flow.setViewport({ x: clientWidth / 2 - middle * zoom, y: Math.max(0, Math.min(40, (clientHeight - height * zoom) / 2)), zoom });
  }, [flow, laid]);
  const anew = useRef(begin);
  useEffect(() => {
    anew.current = begin;
  }, [begin]);

  // in another size it is shown anew
  useEffect(() => {
    const { current } = area;
    if (!current) return;
    let width = current.clientWidth;
    const watch = new ResizeObserver(() => {
      if (Math.abs(current.clientWidth - width) < 40) return;
      width = current.clientWidth;
      anew.current();
    });
    watch.observe(current);
    return () => watch.disconnect();
  }, []);

  // what is chosen, found or gone through comes into view
  const shown = selected ?? (found.size > 0 ? [...found][0] : undefined);
  useEffect(() => {
    if (shown === undefined) return;
    const node = flow.getInternalNode(shown);
    const box = area.current?.getBoundingClientRect();
    if (!node || !box) return;
    const { x, y, zoom } = flow.getViewport();
    const left = node.internals.positionAbsolute.x * zoom + x;
    const top = node.internals.positionAbsolute.y * zoom + y;
    if (left < 0 || top < 0 || left + 200 * zoom > box.width || top + 60 * zoom > box.height) {
      void flow.setCenter(node.internals.positionAbsolute.x + 120, node.internals.positionAbsolute.y + 60, { zoom: Math.max(zoom, 0.7) });
    }
  }, [shown, flow]);

  const go = (from: string | undefined, by: number) => {
    const order = laid.nodes.filter(({ kind }) => kind !== "end").map(({ id }) => id);
    const next = order[Math.min(order.length - 1, Math.max(0, order.indexOf(from ?? TRIGGER) + by))];
    if (next === undefined) return;
    select(next);
    const focus = () => {
      const drawn = area.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(next)}"]`) ?? undefined;
      drawn?.focus({ preventScroll: true });
      return drawn !== undefined;
    };
    // a step that was out of sight is drawn first
    if (!focus()) requestAnimationFrame(() => requestAnimationFrame(focus));
  };

  const pressed = (event: KeyboardEvent) => {
    const id = here(event.target);
    if (id !== undefined && !event.altKey && !event.ctrlKey && !event.metaKey) {
      const by = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by !== undefined) {
        event.preventDefault();
        return go(id, by);
      }
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        return select(id);
      }
    }
    hand?.key(event, id);
  };

  const seen = useMemo(() => ({ form, workflow, selected, found, marks, wrong, hand }), [form, workflow, selected, found, marks, wrong, hand]);
  return (
    <SeenContext value={seen}>
      {/* keys come from the steps, which have the focus */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <section
        ref={area}
        aria-label={label}
        className="relative h-full w-full"
        onKeyDown={pressed}
        onDragOver={(event: DragEvent) => hand && event.preventDefault()}
        onDrop={(event: DragEvent) => {
          const kind = event.dataTransfer.getData("application/x-tandem-step");
          const gap = nearest(area.current, event.clientX, event.clientY);
          if (!hand || !kind || !gap) return;
          event.preventDefault();
          hand.drop(kind, gap);
        }}
      >
        <ReactFlow<StepNode, WayEdge>
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          edgeTypes={edgeTypes}
          onInit={begin}
          minZoom={0.1}
          maxZoom={1.5}
          nodesConnectable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          nodesFocusable
          disableKeyboardA11y
          deleteKeyCode={null}
          selectionKeyCode={null}
          multiSelectionKeyCode={null}
          zoomOnDoubleClick={false}
          onlyRenderVisibleElements={nodes.length > 80}
          onNodeClick={(_, node) => node.type === "step" && select(node.id)}
          onPaneClick={() => select(undefined)}
          onNodeDrag={(_, node) => setDragged({ id: node.id, x: node.position.x, y: node.position.y })}
          onNodeDragStop={(event, node) => {
            setDragged(undefined);
            const point = "clientX" in event ? event : event.changedTouches[0];
            const gap = point && nearest(area.current, point.clientX, point.clientY);
            if (gap) hand?.move(node.id, gap);
          }}
          nodeDragThreshold={6}
        >
          <Background gap={22} />
          <MiniMap pannable zoomable style={{ width: 130, height: 90 }} ariaLabel={t("flow.minimap")} className="hidden! sm:block!" nodeBorderRadius={8} />
          <Controls showInteractive={false} aria-label={t("flow.controls")} />
          {children}
        </ReactFlow>
      </section>
    </SeenContext>
  );
}
