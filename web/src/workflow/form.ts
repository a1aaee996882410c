// What a workflow is made of, read out of its JSON Schema: which kinds of steps there are, and what refers to steps.

export interface Shape {
  $ref?: string;
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, Shape>;
  additionalProperties?: boolean | Shape;
  items?: Shape;
  required?: string[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  format?: string;
  minimum?: number;
  maximum?: number;
  anyOf?: Shape[];
  oneOf?: Shape[];
  $defs?: Record<string, Shape>;
  "x-kind"?: string;
  "x-setting"?: string;
  /** The value is the id of a step of the same list. */
  "x-step"?: boolean;
}

/** A way into a value; `*`: each element or member. */
export type Path = (string | number)[];

/** One kind of step. */
export interface Kind {
  name: string;
  description: string;
  shape: Shape;
  /** Where it names steps to go on with. */
  targets: Path[];
  /** Where lists of steps stand in it. */
  lists: Path[];
}

/** What every step has besides its kind. */
const COMMON = new Set(["id", "title", "next", "on_error", "retry"]);

export class Form {
  readonly kinds: Kind[];
  readonly triggers: Kind[];

  constructor(readonly root: Shape) {
    const step = root.$defs?.["Step"]?.properties ?? {};
    this.kinds = Object.entries(step)
      .filter(([name]) => !COMMON.has(name))
      .map(([name, shape]) => this.kind(name, shape));
    const triggers = this.resolve(root.properties?.["trigger"] ?? {}).oneOf ?? [];
    this.triggers = triggers.flatMap((one) =>
      Object.entries(one.properties ?? {}).map(([name, shape]) => this.kind(name, { ...shape, ...(one.description ? { description: one.description } : {}) })),
    );
  }

  private kind(name: string, shape: Shape): Kind {
    const inner = this.resolve(shape);
    const found: Pick<Kind, "targets" | "lists"> = { targets: [], lists: [] };
    this.walk(inner, [], found, 0);
    return { name, description: shape.description ?? inner.description ?? "", shape: inner, ...found };
  }

  private walk(shape: Shape, path: Path, found: Pick<Kind, "targets" | "lists">, depth: number): void {
    if (depth > 5) return;
    if (shape["x-step"]) {
      found.targets.push(path);
      return;
    }
    const own = this.resolve(shape);
    if (own.items) {
      if (own.items.$ref === "#/$defs/Step") found.lists.push(path);
      else this.walk(own.items, [...path, "*"], found, depth + 1);
    }
    for (const [name, part] of Object.entries(own.properties ?? {})) {
      // conditions hold conditions
      if (part.$ref !== "#/$defs/Condition") this.walk(part, [...path, name], found, depth + 1);
    }
    if (typeof own.additionalProperties === "object") this.walk(own.additionalProperties, [...path, "*"], found, depth + 1);
  }

  /** The shape that a reference or `… | null` means. */
  resolve(shape: Shape): Shape {
    if (shape.$ref) {
      const target = this.root.$defs?.[shape.$ref.split("/").at(-1) ?? ""] ?? {};
      return { ...this.resolve(target), ...(shape.description ? { description: shape.description } : {}) };
    }
    const some = shape.anyOf?.filter((one) => one.type !== "null");
    if (some?.length === 1 && some[0]) {
      return { ...this.resolve(some[0]), ...(shape.description ? { description: shape.description } : {}) };
    }
    return shape;
  }

  /** The name of the definition that a shape means. */
  named(shape: Shape): string | undefined {
    const own = shape.$ref ?? shape.anyOf?.find((one) => one.$ref)?.$ref;
    return own?.split("/").at(-1);
  }

  of(name: string | undefined): Kind | undefined {
    return this.kinds.find((kind) => kind.name === name);
  }
}

/** Every place in a value that a path with `*` means. */
export function places(value: unknown, path: Path): Path[] {
  const [first, ...rest] = path;
  if (first === undefined) return [[]];
  if (typeof value !== "object" || value === null) return [];
  const names = first === "*" ? (Array.isArray(value) ? [...value.keys()] : Object.keys(value)) : [first];
  return names.flatMap((name) => places((value as Record<string | number, unknown>)[name], rest).map((more) => [name, ...more]));
}

export function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, name) => (inner as Record<string | number, unknown> | undefined)?.[name], value);
}

/** The value with another one at this place; `undefined` takes it away. */
export function put<T>(value: T, path: Path, next: unknown): T {
  const [first, ...rest] = path;
  if (first === undefined) return next as T;
  if (Array.isArray(value)) {
    const list = [...(value as unknown[])];
    if (rest.length === 0 && next === undefined) list.splice(Number(first), 1);
    else list[Number(first)] = put(list[Number(first)], rest, next);
    return list as T;
  }
  const members = { ...(value as Record<string, unknown> | undefined) };
  const inner = put(members[first], rest, next);
  if (inner === undefined) delete members[first];
  else members[first] = inner;
  return members as T;
}

/** A place as problems name it: `operation.input.tags[0]`. */
export function placeText(path: Path): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("");
}
