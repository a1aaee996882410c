// Where each step stands on the canvas: laid out from above, lists within steps first.
import { graphlib, layout as arrange } from "@dagrejs/dagre";
import { at, type Form } from "./form";
import { END, explicit, type Gap, listsIn, type Owner, type Step, TOP, type Way, ways, type Workflow } from "./document";

export const WIDTH = 240;
export const HEIGHT = 66;
const DOT = 26;
const HEAD = 66;
const MARGIN = 18;

export interface Placed {
  id: string;
  kind: "trigger" | "step" | "group" | "end";
  step?: Step;
  parent?: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Link {
  id: string;
  source: string;
  target: string;
  gap: Gap;
  way?: Way;
  /** Where it runs, around what lies in between. */
  points: Point[];
  /** Where its sign stands. */
  sign: Point;
}

export interface Point {
  x: number;
  y: number;
}

export interface Laid {
  nodes: Placed[];
  links: Link[];
}

export const TRIGGER = "trigger:";
export const endOf = (owner: Owner): string => `${owner.step ?? ""}:${owner.path.join(".")}:end`;

/** What the places depend on, as text: which steps there are, and where each leads. Not what is in them. */
export function structure(workflow: Workflow, form: Form): string {
  const of = (list: Step[]): unknown[] =>
    list.map((step) => [step.id, ways(step, form).map(({ path, target, word }) => [path, target, word]), listsIn(step, form).map(({ path, steps }) => [path, of(steps)])]);
  return JSON.stringify(of(workflow.steps));
}

interface Block {
  nodes: Placed[];
  links: Link[];
  width: number;
  height: number;
}

/** Everything that is drawn, outer steps before those within them. */
export function layout(workflow: Workflow, form: Form): Laid {
  const open = explicit(workflow.steps, form);
  const { nodes, links } = block(open, TOP, undefined, form);
  return { nodes, links };
}

function block(steps: Step[], owner: Owner, parent: string | undefined, form: Form): Block {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 36, ranksep: 34, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  const nodes: Placed[] = [];
  const links: Link[] = [];
  const inner = new Map<string, Block[]>();
  const ids = new Set(steps.map(({ id }) => id));
  const end = endOf(owner);
  const first = owner.step === undefined ? TRIGGER : `${end}:begin`;

  graph.setNode(first, { width: owner.step === undefined ? WIDTH : DOT, height: owner.step === undefined ? HEIGHT : DOT });
  for (const step of steps) {
    const blocks = listsIn(step, form).map((list) => block(list.steps, { step: step.id, path: list.path }, step.id, form));
    inner.set(step.id, blocks);
    const width = Math.max(WIDTH, blocks.reduce((all, one) => all + one.width, 0));
    const height = blocks.length > 0 ? HEAD + Math.max(...blocks.map((one) => one.height)) : HEIGHT;
    graph.setNode(step.id, { width, height });
  }
  graph.setNode(end, { width: DOT, height: DOT });

  const link = (source: string, target: string, gap: Gap, way?: Way) => {
    const goal = target === END || !ids.has(target) ? end : target;
    const id = `${source}>${way ? way.path.join(".") : "begin"}`;
    links.push({ id, source, target: goal, gap, ...(way ? { way } : {}), points: [], sign: { x: 0, y: 0 } });
    graph.setEdge(source, goal, { weight: way === undefined || way.main ? 3 : 1, width: way && way.word !== "next" ? 110 : 26, height: 26, labelpos: "c" }, id);
  };
  link(first, steps[0]?.id ?? END, { into: owner });
  for (const step of steps) for (const way of ways(step, form)) link(step.id, way.target, { from: step.id, path: way.path }, way);
  arrange(graph);
  for (const own of links) {
    const { points, x, y } = graph.edge(own.source, own.target, own.id) as { points: Point[]; x: number; y: number };
    const [from, to] = [graph.node(own.source), graph.node(own.target)] as { x: number; y: number; height: number }[];
    if (!from || !to) continue;
    own.points = [{ x: from.x, y: from.y + from.height / 2 }, ...points.slice(1, -1), { x: to.x, y: to.y - to.height / 2 }];
    own.sign = { x, y };
  }

  const put = (id: string, kind: Placed["kind"], step?: Step) => {
    const { x, y, width, height } = graph.node(id) as { x: number; y: number; width: number; height: number };
    nodes.push({ id, kind, x: x - width / 2, y: y - height / 2, width, height, ...(step ? { step } : {}), ...(parent === undefined ? {} : { parent }) });
  };
  put(first, owner.step === undefined ? "trigger" : "end");
  for (const step of steps) {
    const blocks = inner.get(step.id) ?? [];
    put(step.id, blocks.length > 0 ? "group" : "step", step);
    let across = 0;
    for (const one of blocks) {
      for (const node of one.nodes) {
        nodes.push(node.parent === step.id ? { ...node, x: node.x + across, y: node.y + HEAD } : node);
      }
      const { x, y, width, height } = graph.node(step.id) as { x: number; y: number; width: number; height: number };
      const shift = (point: Point): Point => ({ x: point.x + x - width / 2 + across, y: point.y + y - height / 2 + HEAD });
      links.push(...one.links.map((own) => ({ ...own, points: own.points.map(shift), sign: shift(own.sign) })));
      across += one.width;
    }
  }
  put(end, "end");
  const size = graph.graph() as { width?: number; height?: number };
  return { nodes, links, width: Math.max(WIDTH, size.width ?? 0), height: size.height ?? 0 };
}

/** A line through points that leaves and arrives straight down. */
export function line(points: Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let before = first;
  return rest.reduce((path, point) => {
    const middle = (before.y + point.y) / 2;
    const drawn = before.x === point.x ? `L ${point.x} ${point.y}` : `C ${before.x} ${middle} ${point.x} ${middle} ${point.x} ${point.y}`;
    before = point;
    return `${path} ${drawn}`;
  }, `M ${first.x} ${first.y}`);
}

/** What a case asks, in short. */
export function caseText(step: Step, way: Way): string | undefined {
  const when = at(step, [...way.path.slice(0, -1), "when"]);
  return typeof when === "object" && when !== null ? conditionText(when as Record<string, unknown>) : undefined;
}

const short = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value ?? "");
  return text.replaceAll(/\{\{\s*(.*?)\s*\}\}/g, (_, inner: string) => inner.split(".").slice(-2).join("."));
};

export function conditionText(when: Record<string, unknown>): string {
  for (const word of ["all", "any"] as const) {
    const list = when[word];
    if (Array.isArray(list)) return list.map((one) => conditionText(one as Record<string, unknown>)).join(word === "all" ? " ∧ " : " ∨ ");
  }
  if (typeof when["not"] === "object" && when["not"] !== null) return `¬ ${conditionText(when["not"] as Record<string, unknown>)}`;
  const is = String(when["is"] ?? "").replaceAll("_", " ");
  return `${short(when["value"])} ${is}${when["to"] === undefined ? "" : ` ${short(when["to"])}`}`.trim();
}
