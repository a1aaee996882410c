// A form made from a JSON Schema. Whatever stands in it may also be a tag: a value of an earlier step.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useId, useRef, useState } from "react";
import { api, result } from "../api/client";
import { known, useT } from "../i18n";
import { Button, inputs, names } from "../ui/basic";
import { useAround, useWrong } from "./around";
import { ConditionField } from "./condition";
import { all, END } from "./document";
import type { Shape } from "./form";
import { anything, isTag, shown } from "./values";

export interface FieldProps {
  label: string;
  shape: Shape;
  value: unknown;
  /** `undefined` takes it away. */
  set: (value: unknown) => void;
  /** Where it stands, as problems name it. */
  place: string;
  required?: boolean;
  /** The connection whose lists are picked from. */
  connection?: string | undefined;
  depth?: number;
}

/** What is wrong with one field, under it. */
export function Wrong({ place, deep = false, id }: { place: string; deep?: boolean; id?: string }) {
  const wrong = useWrong(place, deep);
  if (wrong.length === 0) return null;
  return (
    <ul id={id} className="mt-1 space-y-0.5 text-sm text-bad">
      {wrong.map((problem) => (
        <li key={`${problem.place}${problem.message}`}>
          ▲ {problem.message}
          {problem.hint ? <span className="block text-soft">{problem.hint}</span> : null}
        </li>
      ))}
    </ul>
  );
}

/** A field with its label, its word of help, and what is wrong with it. */
function Framed({ label, shape, place, required, drop, tag, deep, children }: {
  label: string;
  shape: Shape;
  place: string;
  required?: boolean | undefined;
  drop?: (() => void) | undefined;
  tag?: (() => void) | undefined;
  deep?: boolean;
  children: (id: string, described: string) => ReactNode;
}) {
  const t = useT();
  const id = useId();
  return (
    <div className="min-w-0">
      <div className="mb-1 flex min-h-7 items-center gap-1">
        <label htmlFor={id} className="min-w-0 grow text-sm font-medium break-words">
          {label}
          {required && <span className="font-normal text-soft"> ({t("catalog.required")})</span>}
        </label>
        {tag && (
          <button type="button" onClick={tag} aria-label={t("flow.tag.for", { field: label })} title={t("flow.tag")} className="rounded px-1.5 py-0.5 font-mono text-xs text-accent hover:bg-accent-wash">
            {"{ }"}
          </button>
        )}
        {drop && (
          <button type="button" onClick={drop} aria-label={t("flow.field.drop", { field: label })} className="rounded px-1.5 leading-none text-soft hover:bg-sunk">
            ×
          </button>
        )}
      </div>
      {children(id, `${id}-more`)}
      <div id={`${id}-more`}>
        <Wrong place={place} deep={deep ?? false} />
        {shape.description && <p className="mt-0.5 line-clamp-3 text-xs text-soft">{shape.description}</p>}
      </div>
    </div>
  );
}

/** Text that may hold tags. What is chosen goes where the cursor is. */
export function TextField({ label, shape, value, set, place, required, drop, read, options, long }: Omit<FieldProps, "value"> & {
  value: string;
  drop?: (() => void) | undefined;
  /** From what is typed to the value. */
  read?: (text: string) => unknown;
  options?: { value: string; label: string }[];
  long?: boolean;
}) {
  const { pick } = useAround();
  const list = useId();
  const own = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const give = (text: string) => set(read ? read(text) : text);
  const tag = () => {
    const from = own.current?.selectionStart ?? value.length;
    const to = own.current?.selectionEnd ?? value.length;
    pick((chosen) => give(value.slice(0, from) + chosen + value.slice(to)));
  };
  const wrong = useWrong(place, false).length > 0;
  const shared = (id: string, described: string) => ({
    id,
    ref: own,
    "aria-describedby": described,
    "aria-invalid": wrong || undefined,
    spellCheck: false,
    className: names(inputs, isTag(value) && "font-mono text-sm", wrong && "border-bad!"),
    value,
    onChange: (event: { target: { value: string } }) => give(event.target.value),
  });
  const rows = Math.min(8, value.split("\n").length + (value.length > 60 ? 1 : 0));
  return (
    <Framed label={label} shape={shape} place={place} required={required} drop={drop} tag={tag}>
      {(id, described) =>
        (long || rows > 1) && !options ? (
          <textarea {...shared(id, described)} rows={Math.max(2, rows)} />
        ) : (
          <>
            <input {...shared(id, described)} autoComplete="off" {...(options ? { list } : {})} />
            {options && (
              <datalist id={list}>
                {options.map((option) => (
                  <option key={option.value} value={option.value}>
                    {option.label}
                  </option>
                ))}
              </datalist>
            )}
          </>
        )
      }
    </Framed>
  );
}

/** An id that is picked by its name from what the system lists now. */
function PickField(props: FieldProps & { connection: string; drop?: (() => void) | undefined }) {
  const t = useT();
  const kind = props.shape["x-kind"] ?? "";
  const picks = useQuery({
    queryKey: ["picks", props.connection, kind],
    queryFn: () => result(api.GET("/connections/{name}/picks/{kind}", { params: { path: { name: props.connection, kind } } })),
    staleTime: 60_000,
    retry: false,
  });
  const value = props.value === undefined || props.value === null ? "" : String(props.value);
  const options = picks.data?.map((one) => ({ value: String(one.value), label: one.label }));
  if (!options || options.length === 0) return <PlainField {...props} shape={{ ...props.shape, "x-kind": "" }} />;
  const listed = options.some((option) => option.value === value);
  if (value !== "" && !listed) {
    return <TextField {...props} value={value} options={options} read={(text) => typed(text, props.shape)} />;
  }
  const real = (text: string) => picks.data?.find((one) => String(one.value) === text)?.value;
  return (
    <ChoiceField
      {...props}
      choices={options}
      value={value}
      set={(text) => props.set(text === undefined ? undefined : (real(text) ?? text))}
      help={t("flow.pick.live", { n: options.length })}
    />
  );
}

/** One of a few, or a tag. */
function ChoiceField({ label, shape, value, set, place, required, choices, help, drop }: Omit<FieldProps, "value" | "set"> & {
  value: string;
  set: (value: string | undefined) => void;
  choices: { value: string; label: string }[];
  help?: string;
  drop?: (() => void) | undefined;
}) {
  const { pick } = useAround();
  if (isTag(value)) return <TextField label={label} shape={shape} value={value} set={(text) => set(text === "" ? undefined : String(text))} place={place} {...(required ? { required } : {})} drop={drop} />;
  return (
    <Framed label={label} shape={help ? { ...shape, description: `${help} ${shape.description ?? ""}` } : shape} place={place} required={required} drop={drop} tag={() => pick((tag) => set(tag))}>
      {(id, described) => (
        <select id={id} aria-describedby={described} className={inputs} value={value} onChange={(event) => set(event.target.value || undefined)}>
          <option value="">–</option>
          {!choices.some((choice) => choice.value === value) && value !== "" && <option>{value}</option>}
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </select>
      )}
    </Framed>
  );
}

function types(shape: Shape): string[] {
  return shape.type === undefined ? [] : Array.isArray(shape.type) ? shape.type : [shape.type];
}

/** Typed text as the schema wants it: a number where it is one. */
function typed(text: string, shape: Shape): unknown {
  if (text === "") return undefined;
  const own = types(shape);
  if ((own.includes("integer") || own.includes("number")) && /^-?\d+(\.\d+)?$/.test(text.trim())) return Number(text);
  return text;
}

export function Field(props: FieldProps & { drop?: (() => void) | undefined }) {
  if (props.shape["x-kind"] && props.connection && props.shape.type !== "array") return <PickField {...props} connection={props.connection} />;
  return <PlainField {...props} />;
}

function PlainField(props: FieldProps & { drop?: (() => void) | undefined }) {
  const t = useT();
  const { form, workflow, step } = useAround();
  const { shape, value, set } = props;
  if (form.named(shape) === "Condition") return <ConditionField label={props.label} value={value} set={set} place={props.place} />;
  const own = form.resolve(shape);
  const constants = own.enum ?? own.oneOf?.flatMap((one) => (one.const === undefined ? [] : [one.const]));
  if (shape["x-step"]) {
    const list = all(workflow, form).find((one) => one.step.id === step)?.list ?? [];
    const choices = [...list.filter((one) => one.id !== step).map((one) => ({ value: one.id, label: one.title ?? one.id })), { value: END, label: t("flow.end") }];
    return <ChoiceField {...props} shape={own} value={typeof value === "string" ? value : ""} choices={choices} set={set} />;
  }
  if (constants && constants.length > 0 && own.oneOf?.length !== 0) {
    const choices = constants.map((one) => ({ value: String(one), label: known(t, "word", String(one)) }));
    const real = (text: string | undefined) => (text === undefined ? undefined : (constants.find((one) => String(one) === text) ?? text));
    return <ChoiceField {...props} shape={own} value={value === undefined || value === null ? "" : String(value)} choices={choices} set={(text) => set(real(text))} />;
  }
  const kinds = types(own);
  if (kinds.includes("boolean") && kinds.length <= 2) {
    const choices = ["true", "false"].map((one) => ({ value: one, label: t(one === "true" ? "yes" : "no") }));
    return (
      <ChoiceField {...props} shape={own} value={value === undefined || value === null ? "" : String(value)} choices={choices} set={(text) => set(text === "true" ? true : text === "false" ? false : text)} />
    );
  }
  if (isTag(value)) return <TextField {...props} shape={own} value={String(value)} set={(text) => set(text === "" ? undefined : text)} />;
  if (own.properties && (props.depth ?? 0) < 4) return <ObjectField {...props} shape={own} />;
  if (kinds.includes("array") && own.items && (props.depth ?? 0) < 4) return <ListField {...props} shape={own} />;
  if (kinds.includes("object") || (typeof value === "object" && value !== null && !Array.isArray(value))) return <MapField {...props} shape={own} />;
  if (kinds.length > 0 && !kinds.includes("array")) {
    const text = value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
    return <TextField {...props} shape={own} value={text} read={(typedText) => typed(typedText, own)} long={/text|body|message|note|beschreibung|bemerkung/i.test(props.label)} />;
  }
  return <TextField {...props} shape={own} value={shown(value)} read={anything} long={typeof value === "object"} />;
}

const NONE: string[] = [];
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** The fields of an object: what is needed and what is there; the others can be added. */
export function Members({ shape, value, set, place, connection, depth = 0, leave = NONE }: Omit<FieldProps, "label"> & { leave?: string[] }) {
  const t = useT();
  const { form } = useAround();
  const id = useId();
  const [wanted, setWanted] = useState("");
  const members = isObject(value) ? value : {};
  const properties = Object.entries(shape.properties ?? {}).filter(([name]) => !leave.includes(name));
  const listed = properties.filter(([, part]) => form.named(part) !== "Step" && form.named(form.resolve(part).items ?? {}) !== "Step");
  const small = listed.length <= 6;
  const open = listed.filter(([name, part]) => small || members[name] !== undefined || (shape.required?.includes(name) === true && part["x-setting"] === undefined));
  const rest = listed.filter((one) => !open.includes(one));
  const strange = shape.additionalProperties === false ? [] : Object.keys(members).filter((name) => !(name in (shape.properties ?? {})));
  const change = (name: string, next: unknown) => {
    const { [name]: _, ...others } = members;
    set(next === undefined ? others : name in members ? { ...members, [name]: next } : { ...others, [name]: next });
  };
  const empty = (part: Shape): unknown => {
    const own = form.resolve(part);
    const kinds = types(own);
    if (own.properties || kinds.includes("object")) return {};
    return kinds.includes("array") ? [] : "";
  };
  const add = (name: string) => {
    const part = rest.find(([own, one]) => own === name || one.title === name);
    if (!part) return;
    change(part[0], empty(part[1]));
    setWanted("");
  };
  const label = (name: string, part: Shape) => (part.title ? part.title : known(t, "form", name));
  return (
    <div className="space-y-3">
      {open.map(([name, part]) => (
        <Field
          key={name}
          label={label(name, part)}
          shape={part}
          value={members[name]}
          set={(next) => change(name, next === "" && !small ? "" : next)}
          place={`${place}.${name}`}
          required={shape.required?.includes(name) ?? false}
          connection={connection}
          depth={depth + 1}
          drop={!small && !shape.required?.includes(name) ? () => change(name, undefined) : undefined}
        />
      ))}
      {strange.map((name) => (
        <TextField key={name} label={name} shape={{}} value={shown(members[name])} set={(next) => change(name, next)} read={anything} place={`${place}.${name}`} drop={() => change(name, undefined)} />
      ))}
      {(rest.length > 0 || (shape.additionalProperties !== false && properties.length > 0 && !small)) && (
        <form
          className="flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (rest.some(([name, one]) => name === wanted || one.title === wanted)) add(wanted);
            else if (wanted && shape.additionalProperties !== false) {
              change(wanted, "");
              setWanted("");
            }
          }}
        >
          <div className="min-w-0 grow">
            <label htmlFor={id} className="mb-1 block text-sm text-soft">
              {t("flow.field.more", { n: rest.length })}
            </label>
            <input
              id={id}
              list={`${id}-list`}
              className={inputs}
              autoComplete="off"
              value={wanted}
              onChange={(event) => {
                setWanted(event.target.value);
                // what is chosen from the list is meant
                if (rest.some(([name]) => name === event.target.value) && !("inputType" in event.nativeEvent && event.nativeEvent.inputType === "insertText")) add(event.target.value);
              }}
            />
            <datalist id={`${id}-list`}>
              {rest.map(([name, part]) => (
                <option key={name} value={name}>
                  {part.title}
                </option>
              ))}
            </datalist>
          </div>
          <Button type="submit" disabled={wanted === ""}>
            {t("flow.field.add")}
          </Button>
        </form>
      )}
    </div>
  );
}

function ObjectField(props: FieldProps & { drop?: (() => void) | undefined }) {
  const t = useT();
  return (
    <fieldset className="min-w-0 rounded-md border border-line p-3">
      <legend className="px-1 text-sm font-medium">
        {props.label}
        {props.drop && (
          <button type="button" onClick={props.drop} aria-label={t("flow.field.drop", { field: props.label })} className="ml-1 rounded px-1.5 text-soft hover:bg-sunk">
            ×
          </button>
        )}
      </legend>
      {props.shape.description && <p className="mb-2 text-xs text-soft">{props.shape.description}</p>}
      {props.value === undefined && !props.required ? (
        <Button onClick={() => props.set({})}>{t("flow.field.fill")}</Button>
      ) : (
        <Members {...props} />
      )}
      <Wrong place={props.place} />
    </fieldset>
  );
}

function ListField(props: FieldProps & { drop?: (() => void) | undefined }) {
  const t = useT();
  const { form, pick } = useAround();
  const items = Array.isArray(props.value) ? (props.value as unknown[]) : [];
  const shape = form.resolve(props.shape.items ?? {});
  const part = { ...props.shape.items, ...(props.shape["x-kind"] && !props.shape.items?.["x-kind"] ? { "x-kind": props.shape["x-kind"] } : {}) };
  const empty = shape.properties || types(shape).includes("object") ? {} : "";
  return (
    <fieldset className="min-w-0 rounded-md border border-line p-3">
      <legend className="px-1 text-sm font-medium">
        {props.label}
        <button type="button" onClick={() => pick((tag) => props.set(tag))} aria-label={t("flow.tag.for", { field: props.label })} className="ml-1 rounded px-1.5 font-mono text-xs text-accent hover:bg-accent-wash">
          {"{ }"}
        </button>
        {props.drop && (
          <button type="button" onClick={props.drop} aria-label={t("flow.field.drop", { field: props.label })} className="rounded px-1.5 text-soft hover:bg-sunk">
            ×
          </button>
        )}
      </legend>
      {props.shape.description && <p className="mb-2 text-xs text-soft">{props.shape.description}</p>}
      <div className="space-y-2">
        {items.map((item, index) => (
          <Field
            // rows have no name but their place
            // oxlint-disable-next-line react/no-array-index-key
            key={index}
            label={`${props.label} ${index + 1}`}
            shape={part}
            value={item}
            set={(next) => props.set(next === undefined ? items.with(index, "") : items.with(index, next))}
            place={`${props.place}[${index}]`}
            connection={props.connection}
            depth={(props.depth ?? 0) + 1}
            drop={() => props.set(items.toSpliced(index, 1))}
          />
        ))}
      </div>
      <Wrong place={props.place} />
      <Button className="mt-2" onClick={() => props.set([...items, empty])}>
        {t("flow.row.add")}
      </Button>
    </fieldset>
  );
}

/** Names and values of one's own. */
export function MapField(props: FieldProps & { drop?: (() => void) | undefined }) {
  const t = useT();
  const id = useId();
  const [name, setName] = useState("");
  const members = isObject(props.value) ? props.value : {};
  return (
    <fieldset className="min-w-0 rounded-md border border-line p-3">
      <legend className="px-1 text-sm font-medium">{props.label}</legend>
      {props.shape.description && <p className="mb-2 text-xs text-soft">{props.shape.description}</p>}
      <div className="space-y-2">
        {Object.entries(members).map(([own, value]) => {
          const { [own]: _, ...others } = members;
          return (
            <TextField
              key={own}
              label={own}
              shape={{}}
              value={shown(value)}
              read={anything}
              set={(next) => props.set({ ...members, [own]: next ?? "" })}
              place={`${props.place}.${own}`}
              drop={() => props.set(others)}
            />
          );
        })}
      </div>
      <form
        className="mt-2 flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          if (name === "" || name in members) return;
          props.set({ ...members, [name]: "" });
          setName("");
        }}
      >
        <div className="min-w-0 grow">
          <label htmlFor={id} className="mb-1 block text-sm text-soft">
            {t("flow.map.name")}
          </label>
          <input id={id} className={inputs} value={name} autoComplete="off" onChange={(event) => setName(event.target.value)} />
        </div>
        <Button type="submit" disabled={name === "" || name in members}>
          {t("flow.field.add")}
        </Button>
      </form>
      <Wrong place={props.place} />
    </fieldset>
  );
}
