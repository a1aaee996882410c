// What stands beside the canvas: the chosen step as a form, or the trigger and the whole.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { useStatus } from "../api/live";
import { known, useSpeech, useT } from "../i18n";
import { Button, inputs, Labelled, Light } from "../ui/basic";
import { AroundContext, useAround } from "./around";
import { all, END, kindOf, type Step, type Workflow } from "./document";
import { Field, MapField, Members, Wrong } from "./fields";
import type { Form, Kind } from "./form";

interface Editing {
  workflow: Workflow;
  form: Form;
  problems: Schemas["Problem"][];
  pick: (chosen: (tag: string) => void) => void;
}

/** Connections by their names here: roles of the workflow first, then those of the config. */
function useConnections(): { value: string; label: string; connection: string }[] {
  const { workflow } = useAround();
  const status = useStatus();
  const real = status.data?.connections ?? [];
  const roles = Object.entries(workflow.connections ?? {}).map(([role, what]) => ({ value: role, label: `${role} → ${what.connection ?? role}`, connection: what.connection ?? role }));
  return [...roles, ...real.filter(({ name }) => !roles.some(({ value }) => value === name)).map(({ name, title }) => ({ value: name, label: `${name} (${title})`, connection: name }))];
}

export function StepPanel({ step, goes, change, rename, tried, remove, addCase, ...editing }: Editing & {
  step: Step;
  /** Where it goes on, and changing that; nothing where it says so itself or ends. */
  goes: { to: string; set: (to: string) => void } | undefined;
  change: (step: Step) => void;
  rename: (id: string) => void;
  remove: () => void;
  addCase: () => void;
  tried: Schemas["RehearsedStep"][];
}) {
  const t = useT();
  const { workflow, form, problems, pick } = editing;
  const kind = form.of(kindOf(step, form));
  const place = all(workflow, form).find((one) => one.step.id === step.id)?.place ?? "";
  const taken = new Set(all(workflow, form).map((one) => one.step.id));
  const [id, setId] = useState(step.id);
  const bad = !/^[A-Za-z0-9_]{1,64}$/.test(id) || id === END || (id !== step.id && taken.has(id));
  const { on_error } = step;
  return (
    <AroundContext value={{ workflow, form, step: step.id, place, problems, pick }}>
      <div className="space-y-4">
        <Wrong place={place} />
        <Labelled label={t("flow.title")}>
          {(own) => (
            <input
              id={own}
              className={inputs}
              value={step.title ?? ""}
              onChange={(event) => {
                const { title: _, ...rest } = step;
                change(event.target.value === "" ? (rest as Step) : { ...step, title: event.target.value });
              }}
            />
          )}
        </Labelled>
        {kind && <KindForm key={kind.name} kind={kind} step={step} change={change} place={place} />}
        {kind?.name === "branch" && <Button onClick={addCase}>{t("flow.case.add")}</Button>}
        {goes && (
          <Labelled label={t("flow.next")}>
            {(own) => (
              <select id={own} className={inputs} value={goes.to} onChange={(event) => goes.set(event.target.value)}>
                {(all(workflow, form).find((one) => one.step.id === step.id)?.list ?? [])
                  .filter((one) => one.id !== step.id)
                  .map((one) => (
                    <option key={one.id} value={one.id}>
                      {one.title ?? one.id}
                    </option>
                  ))}
                <option value={END}>{t("flow.end")}</option>
              </select>
            )}
          </Labelled>
        )}
        <Tried tried={tried} />
        <details className="rounded-md border border-line p-3">
          <summary className="cursor-pointer text-sm font-medium">{t("flow.more")}</summary>
          <div className="mt-3 space-y-3">
            <form
              className="flex items-end gap-2"
              onSubmit={(event) => {
                event.preventDefault();
                if (!bad && id !== step.id) rename(id);
              }}
            >
              <div className="grow">
                <Labelled label={t("flow.id")} help={t("flow.id.help")}>
                  {(own, described) => <input id={own} aria-describedby={described} aria-invalid={bad} className={`${inputs} font-mono text-sm`} value={id} onChange={(event) => setId(event.target.value)} />}
                </Labelled>
              </div>
              <Button type="submit" disabled={bad || id === step.id}>
                {t("flow.id.go")}
              </Button>
            </form>
            <Labelled label={t("flow.error")}>
              {(own) => (
                <select
                  id={own}
                  className={inputs}
                  value={typeof on_error === "object" ? `go ${on_error.go}` : (on_error ?? "stop")}
                  onChange={({ target: { value } }) => {
                    const { on_error: _, ...rest } = step;
                    if (value === "stop") change(rest as Step);
                    else change({ ...step, on_error: value === "continue" ? "continue" : { go: value.slice(3) } });
                  }}
                >
                  <option value="stop">{t("flow.error.stop")}</option>
                  <option value="continue">{t("flow.error.continue")}</option>
                  {(all(workflow, form).find((one) => one.step.id === step.id)?.list ?? [])
                    .filter((one) => one.id !== step.id)
                    .map((one) => (
                      <option key={one.id} value={`go ${one.id}`}>
                        {t("flow.error.go", { step: one.title ?? one.id })}
                      </option>
                    ))}
                </select>
              )}
            </Labelled>
            <Labelled label={t("flow.retry")} help={t("flow.retry.help")}>
              {(own, described) => (
                <input
                  id={own}
                  aria-describedby={described}
                  className={inputs}
                  defaultValue={step.retry?.waits.join(", ") ?? ""}
                  onBlur={(event) => {
                    const { retry: _, ...rest } = step;
                    const waits = event.target.value.split(",").map((one) => one.trim()).filter(Boolean).map(Number);
                    change(event.target.value.trim() === "" || waits.some((wait) => !Number.isInteger(wait) || wait < 0) ? (rest as Step) : { ...step, retry: { waits } });
                  }}
                />
              )}
            </Labelled>
          </div>
        </details>
        <Button look="danger" onClick={remove}>
          {t("flow.remove")}
        </Button>
      </div>
    </AroundContext>
  );
}

function KindForm({ kind, step, change, place }: { kind: Kind; step: Step; change: (step: Step) => void; place: string }) {
  const t = useT();
  const value = step[kind.name];
  const own = `${place}.${kind.name}`;
  const set = (next: unknown) => change({ ...step, [kind.name]: next });
  const { form } = useAround();
  if (kind.name === "operation") return <OperationForm value={value as Operation} set={set} place={own} kind={kind} />;
  if (kind.name === "notify") return <NotifyForm value={value as Record<string, unknown>} set={set} place={own} kind={kind} />;
  if (form.named(kind.shape) === "Condition" || kind.name === "filter") {
    return <Field label={t("flow.condition")} shape={{ $ref: "#/$defs/Condition" }} value={value} set={set} place={own} />;
  }
  if (kind.shape.properties) return <Members shape={{ ...kind.shape, additionalProperties: false }} value={value} set={set} place={own} />;
  return <MapField label={known(t, "step", kind.name)} shape={{}} value={value} set={set} place={own} />;
}

interface Operation {
  connection: string;
  operation: string;
  input?: Record<string, unknown>;
  look_up?: unknown;
}

function ConnectionSelect({ value, set, place }: { value: string; set: (name: string) => void; place: string }) {
  const t = useT();
  const connections = useConnections();
  return (
    <div>
      <Labelled label={t("records.connection")}>
        {(id) => (
          <select id={id} className={inputs} value={value} onChange={(event) => set(event.target.value)}>
            <option value="">–</option>
            {value !== "" && !connections.some((one) => one.value === value) && <option>{value}</option>}
            {connections.map((one) => (
              <option key={one.value} value={one.value}>
                {one.label}
              </option>
            ))}
          </select>
        )}
      </Labelled>
      <Wrong place={place} />
    </div>
  );
}

/** A long list that is searched by typing. */
function Search({ label, value, options, set, place }: { label: string; value: string; options: { id: string; title: string }[]; set: (id: string) => void; place: string }) {
  const [typed, setTyped] = useState<string>();
  const chosen = options.find(({ id }) => id === value);
  const meant = typed === undefined || typed === "" ? undefined : options.find((one) => one.id === typed || one.title === typed);
  // the list may come after what was typed
  useEffect(() => {
    if (meant === undefined) return;
    set(meant.id);
    setTyped(undefined);
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [meant]);
  return (
    <div>
      <Labelled label={label}>
        {(id) => (
          <>
            <input
              id={id}
              list={`${id}-list`}
              className={inputs}
              autoComplete="off"
              value={typed ?? value}
              onChange={(event) => setTyped(event.target.value)}
              onBlur={() => setTyped(undefined)}
            />
            <datalist id={`${id}-list`}>
              {options.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.title}
                </option>
              ))}
            </datalist>
          </>
        )}
      </Labelled>
      {chosen && <p className="mt-0.5 text-sm text-soft">{chosen.title}</p>}
      <Wrong place={place} />
    </div>
  );
}

function OperationForm({ value, set, place, kind }: { value: Operation; set: (next: unknown) => void; place: string; kind: Kind }) {
  const t = useT();
  const connections = useConnections();
  const played = connections.find((one) => one.value === value.connection)?.connection;
  const operations = useQuery({
    queryKey: ["operations", played],
    enabled: played !== undefined,
    queryFn: () => result(api.GET("/connections/{name}/operations", { params: { path: { name: played ?? "" } } })),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const there = operations.data?.some(({ id }) => id === value.operation) ?? false;
  const operation = useQuery({
    queryKey: ["operation", played, value.operation],
    enabled: played !== undefined && there,
    queryFn: () => result(api.GET("/connections/{name}/operations/{operation}", { params: { path: { name: played ?? "", operation: value.operation } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const input = operation.data?.input as Parameters<typeof Members>[0]["shape"] | undefined;
  const about = kind.shape.properties?.["look_up"];
  return (
    <div className="space-y-3">
      <ConnectionSelect value={value.connection} set={(connection) => set({ ...value, connection })} place={`${place}.connection`} />
      <Search
        label={t("flow.operation")}
        value={value.operation}
        options={operations.data ?? []}
        set={(id) => set({ ...value, operation: id })}
        place={`${place}.operation`}
      />
      {operation.data && (
        <p className="text-sm text-soft">
          <Light tone={operation.data.effect === "write" ? "accent" : "idle"}>{t(operation.data.effect === "write" ? "calls.write" : "calls.read")}</Light> {operation.data.description}
        </p>
      )}
      <Wrong place={`${place}.input`} />
      {input ? (
        <Members shape={input} value={value.input ?? {}} set={(next) => set({ ...value, input: next })} place={`${place}.input`} connection={played} />
      ) : (
        value.input !== undefined && <MapField label={t("catalog.input")} shape={{}} value={value.input} set={(next) => set({ ...value, input: next })} place={`${place}.input`} />
      )}
      {about && operation.data?.effect === "write" && (
        <details className="rounded-md border border-line p-3">
          <summary className="cursor-pointer text-sm font-medium">{t("flow.look_up")}</summary>
          <div className="mt-2">
            <Field
              label={t("flow.look_up")}
              shape={about}
              value={value.look_up}
              set={(next) => {
                const { look_up: _, ...rest } = value;
                set(next === undefined ? rest : { ...value, look_up: next });
              }}
              place={`${place}.look_up`}
              drop={() => {
                const { look_up: _, ...rest } = value;
                set(rest);
              }}
            />
          </div>
        </details>
      )}
    </div>
  );
}

/** Exactly one way to tell people. */
function NotifyForm({ value, set, place, kind }: { value: Record<string, unknown>; set: (next: unknown) => void; place: string; kind: Kind }) {
  const t = useT();
  const { form } = useAround();
  const ways = Object.keys(kind.shape.properties ?? {});
  const way = Object.keys(value)[0] ?? ways[0] ?? "";
  const shape = form.resolve(kind.shape.properties?.[way] ?? {});
  return (
    <div className="space-y-3">
      <Labelled label={t("flow.notify.how")}>
        {(id) => (
          <select id={id} className={inputs} value={way} onChange={(event) => set({ [event.target.value]: {} })}>
            {ways.map((one) => (
              <option key={one} value={one}>
                {known(t, "notify", one)}
              </option>
            ))}
          </select>
        )}
      </Labelled>
      <Members shape={shape} value={value[way]} set={(next) => set({ [way]: next })} place={`${place}.${way}`} />
      <Wrong place={place} />
    </div>
  );
}

export function TriggerPanel({ change, ...editing }: Editing & { change: (workflow: Workflow) => void }) {
  const t = useT();
  const { workflow, form, problems, pick } = editing;
  const [name] = Object.keys(workflow.trigger);
  const kind = form.triggers.find((one) => one.name === name);
  const value = workflow.trigger[name ?? ""] ?? {};
  const set = (next: unknown) => change({ ...workflow, trigger: { [name ?? ""]: (next ?? {}) as Record<string, unknown> } });
  const begun: Record<string, Record<string, unknown>> = {
    schedule: { cron: "0 8 * * *", zone: new Intl.DateTimeFormat().resolvedOptions().timeZone },
    webhook: { secret: "env:WORKFLOW_SECRET" },
    sync: { sync: "", on: "created" },
    event: { connection: "", trigger: "" },
  };
  const place = `trigger.${name ?? ""}`;
  return (
    <AroundContext value={{ workflow, form, step: undefined, place: "trigger", problems, pick }}>
      <div className="space-y-4">
        <Labelled label={t("flow.begins")}>
          {(id) => (
            <select id={id} className={inputs} value={name} onChange={(event) => change({ ...workflow, trigger: { [event.target.value]: begun[event.target.value] ?? {} } })}>
              {form.triggers.map((one) => (
                <option key={one.name} value={one.name}>
                  {known(t, "trigger", one.name)}
                </option>
              ))}
            </select>
          )}
        </Labelled>
        {kind && <p className="text-sm text-soft">{kind.description}</p>}
        {name === "event" ? (
          <EventForm value={value as { connection: string; trigger: string }} set={set} place={place} />
        ) : name === "sync" ? (
          <SyncForm value={value} set={set} place={place} kind={kind} />
        ) : (
          kind && <Members shape={{ ...kind.shape, additionalProperties: false }} value={value} set={set} place={place} />
        )}
        <Wrong place={place} />
        <Whole workflow={workflow} change={change} />
      </div>
    </AroundContext>
  );
}

function EventForm({ value, set, place }: { value: { connection: string; trigger: string }; set: (next: unknown) => void; place: string }) {
  const t = useT();
  const played = useConnections().find((one) => one.value === value.connection)?.connection;
  const triggers = useQuery({
    queryKey: ["triggers", played],
    enabled: played !== undefined,
    queryFn: () => result(api.GET("/connections/{name}/triggers", { params: { path: { name: played ?? "" } } })),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const chosen = triggers.data?.find(({ id }) => id === value.trigger);
  return (
    <div className="space-y-3">
      <ConnectionSelect value={value.connection} set={(connection) => set({ ...value, connection })} place={`${place}.connection`} />
      <Search label={t("flow.event")} value={value.trigger} options={triggers.data ?? []} set={(trigger) => set({ ...value, trigger })} place={`${place}.trigger`} />
      {chosen && <p className="text-sm text-soft">{chosen.description}</p>}
    </div>
  );
}

function SyncForm({ value, set, place, kind }: { value: Record<string, unknown>; set: (next: unknown) => void; place: string; kind: Kind | undefined }) {
  const t = useT();
  const status = useStatus();
  return (
    <div className="space-y-3">
      <Labelled label={t("reviews.filter.sync")}>
        {(id) => (
          <select id={id} className={inputs} value={String(value["sync"] ?? "")} onChange={(event) => set({ ...value, sync: event.target.value })}>
            <option value="">–</option>
            {(status.data?.syncs ?? []).map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </Labelled>
      <Wrong place={`${place}.sync`} />
      {kind && <Members shape={{ ...kind.shape, additionalProperties: false }} value={value} set={set} place={place} leave={["sync"]} />}
    </div>
  );
}

/** What belongs to the workflow as a whole. */
function Whole({ workflow, change }: { workflow: Workflow; change: (workflow: Workflow) => void }) {
  const t = useT();
  const status = useStatus();
  const { language } = useSpeech();
  const roles = Object.entries(workflow.connections ?? {});
  return (
    <details open={roles.length > 0} className="rounded-md border border-line p-3" lang={language}>
      <summary className="cursor-pointer text-sm font-medium">{t("flow.whole")}</summary>
      <div className="mt-3 space-y-3">
        <Labelled label={t("flow.title")}>
          {(id) => <input id={id} className={inputs} value={workflow.title ?? ""} onChange={(event) => change({ ...workflow, title: event.target.value })} />}
        </Labelled>
        <Labelled label={t("flow.description")}>
          {(id) => (
            <textarea
              id={id}
              rows={2}
              className={inputs}
              value={workflow.description ?? ""}
              onChange={(event) => {
                const { description: _, ...rest } = workflow;
                change(event.target.value === "" ? rest : { ...workflow, description: event.target.value });
              }}
            />
          )}
        </Labelled>
        {roles.map(([role, what]) => (
          <div key={role}>
            <Labelled label={t("flow.role", { role })}>
              {(id) => (
                <select
                  id={id}
                  className={inputs}
                  value={what.connection ?? role}
                  onChange={(event) => change({ ...workflow, connections: { ...workflow.connections, [role]: { ...what, connection: event.target.value } } })}
                >
                  {(status.data?.connections ?? [])
                    .filter(({ system }) => what.system === undefined || what.system === system)
                    .map(({ name }) => (
                      <option key={name}>{name}</option>
                    ))}
                  {!(status.data?.connections ?? []).some(({ name }) => name === (what.connection ?? role)) && <option>{what.connection ?? role}</option>}
                </select>
              )}
            </Labelled>
            <Wrong place={`connections.${role}`} />
          </div>
        ))}
        <MapField
          label={t("flow.vars")}
          shape={{ description: t("flow.vars.help") }}
          value={workflow.vars ?? {}}
          set={(vars) => change({ ...workflow, vars: vars as Record<string, unknown> })}
          place="vars"
        />
        <Field
          label={t("flow.key")}
          shape={{ type: "string", description: t("flow.key.help") }}
          value={workflow.runs?.key}
          set={(key) => {
            const { key: _, ...rest } = workflow.runs ?? {};
            change({ ...workflow, runs: key === undefined || key === "" ? rest : { ...rest, key: String(key) } });
          }}
          place="runs.key"
        />
      </div>
    </details>
  );
}

/** How a step went when the draft was tried. */
function Tried({ tried }: { tried: Schemas["RehearsedStep"][] }) {
  const t = useT();
  if (tried.length === 0) return null;
  return (
    <section aria-label={t("flow.tried")} className="space-y-3 rounded-md border border-line p-3">
      <h3 className="text-sm font-semibold">{t("flow.tried")}</h3>
      {tried.map((one, at) => (
        // the same step may be done for several elements
        // oxlint-disable-next-line react/no-array-index-key
        <div key={at} className="space-y-2">
          {one.error && <p className="text-sm text-bad">■ {one.error}</p>}
          {one.would_send !== undefined && <p className="text-sm text-accent">{t("flow.tried.not")}</p>}
          <Shown label={t("catalog.input")} value={one.input} />
          <Shown label={t("flow.tried.would")} value={one.would_send} />
          <Shown label={one.sample ? t("flow.tried.sample") : t("catalog.output")} value={one.output} />
        </div>
      ))}
    </section>
  );
}

export function Shown({ label, value }: { label: string; value: unknown }) {
  if (value === undefined || value === null) return null;
  return (
    <div>
      <p className="text-xs text-soft">{label}</p>
      {/* what scrolls has to be reachable by keyboard */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre tabIndex={0} className="max-h-64 overflow-auto rounded-md bg-sunk p-2 text-xs">
        {JSON.stringify(value, null, 2)}
      </pre>
    </div>
  );
}

