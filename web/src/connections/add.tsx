// A new connection: which system, a name, how to sign in. The config gets it; signing in follows.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { useT } from "../i18n";
import { Button, Fetched, inputs, Labelled, Trouble } from "../ui/basic";
import { useApply, useConfig } from "./apply";
import { entries, freeName, withEntry } from "./config";

export function AddConnection({ added }: { added: (name: string) => void }) {
  const systems = useQuery({ queryKey: ["systems"], queryFn: () => result(api.GET("/systems")), staleTime: 60_000 });
  const config = useConfig();
  return (
    <Fetched of={systems}>
      {(found) => (
        <Fetched of={config}>{(text) => <Form systems={found} config={text || undefined} added={added} />}</Fetched>
      )}
    </Fetched>
  );
}

function Form({ systems, config, added }: { systems: Schemas["System"][]; config: string | undefined; added: (name: string) => void }) {
  const t = useT();
  const taken = entries(config, "connections");
  const [chosen, setChosen] = useState(systems[0]?.system ?? "");
  const [typed, setTyped] = useState<string>();
  const [scheme, setScheme] = useState<string>();
  const [country, setCountry] = useState("DE");
  const system = systems.find((one) => one.system === chosen);
  const name = typed ?? freeName(chosen, taken);
  const way = system?.auth.find((one) => one.scheme === scheme) ?? system?.auth[0];
  const apply = useApply(() => added(name));
  const bad = !/^[a-z0-9][a-z0-9_-]*$/.test(name) || taken.includes(name);
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (bad || !way) return;
        const settings = country ? { settings: { country: country.toUpperCase() } } : {};
        apply.mutate(withEntry(config, "connections", name, { system: chosen, auth: { scheme: way.scheme }, ...settings }));
      }}
    >
      {apply.error && <Trouble error={apply.error} />}
      <fieldset>
        <legend className="mb-1 text-sm font-medium">{t("connections.system")}</legend>
        <div className="grid gap-2 sm:grid-cols-3">
          {systems.map((one) => (
            <label
              key={one.system}
              className="flex items-center gap-2 rounded-lg border border-edge px-3 py-2.5 has-checked:border-accent has-checked:bg-accent-wash has-focus-visible:outline-2"
            >
              <input
                type="radio"
                name="system"
                checked={one.system === chosen}
                onChange={() => {
                  setChosen(one.system);
                  setScheme(undefined);
                }}
              />
              <span className="font-medium">{one.title}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <Labelled label={t("connections.name")} help={t("connections.name.help")}>
        {(id, described) => (
          <input
            id={id}
            aria-describedby={described}
            aria-invalid={bad}
            className={inputs}
            value={name}
            onChange={(event) => setTyped(event.target.value)}
          />
        )}
      </Labelled>
      {system && system.auth.length > 1 && (
        <Labelled label={t("connections.scheme")}>
          {(id) => (
            <select id={id} className={inputs} value={way?.scheme ?? ""} onChange={(event) => setScheme(event.target.value)}>
              {system.auth.map((one) => (
                <option key={one.scheme} value={one.scheme}>
                  {one.scheme.replaceAll("_", " ")} {one.redirect ? `(${t("connections.scheme.redirect")})` : ""}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      )}
      <Labelled label={t("connections.country")} help={t("connections.country.help")}>
        {(id, described) => (
          <input
            id={id}
            aria-describedby={described}
            maxLength={2}
            className={`${inputs} max-w-24`}
            value={country}
            onChange={(event) => setCountry(event.target.value)}
          />
        )}
      </Labelled>
      <Button type="submit" look="main" busy={apply.isPending} disabled={bad || !way}>
        {t("connections.add.go")}
      </Button>
    </form>
  );
}
