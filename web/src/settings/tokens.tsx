// Tokens for programs: what each may do, until when, and when it was used last. A token's text is shown once.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { known, useSpeech, useT } from "../i18n";
import { type Scope, useMay } from "../signin/may";
import { Ago, Button, Card, Fetched, inputs, Labelled, Light, Table, Trouble } from "../ui/basic";
import { SettingsPlace } from "./place";

export const scopes: Scope[] = ["read", "work", "config", "admin"];
const lasts = [30, 90, 365];

export function TokensPage() {
  const t = useT();
  const tokens = useQuery({ queryKey: ["tokens"], queryFn: () => result(api.GET("/tokens")) });
  return (
    <SettingsPlace title="settings.tokens" lead="settings.tokens.how">
      <div className="space-y-5">
        <Make />
        <Card title={t("settings.tokens")}>
          <Fetched of={tokens}>
            {(rows) =>
              rows.length === 0 ? (
                <p>{t("settings.tokens.none")}</p>
              ) : (
                <Table
                  label={t("settings.tokens")}
                  heads={[t("settings.tokens.name"), t("settings.tokens.access"), t("tokens.whose"), t("tokens.used"), t("tokens.ends"), t("settings.tokens.remove")]}
                >
                  {rows.map((token) => (
                    <Row key={`${token.name}${token.in_config}`} token={token} />
                  ))}
                </Table>
              )
            }
          </Fetched>
        </Card>
      </div>
    </SettingsPlace>
  );
}

function Row({ token }: { token: Schemas["Token"] }) {
  const { t, language } = useSpeech();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => result(api.DELETE("/tokens/{name}", { params: { path: { name: token.name } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["tokens"] }),
  });
  return (
    <tr>
      <td className="font-medium break-words">
        {token.name}
        {remove.error && <Trouble error={remove.error} />}
      </td>
      <td>{token.scopes.map((scope) => known(t, "scope", scope)).join(", ")}</td>
      <td>{token.in_config ? t("tokens.config") : (token.user ?? t("acts.command_line"))}</td>
      <td>{token.used ? <Ago at={token.used} /> : "–"}</td>
      <td>
        {token.ended ? <Light tone="warn">{t("tokens.ended")}</Light> : token.ends ? new Date(token.ends).toLocaleDateString(language) : t("tokens.never")}
      </td>
      <td>
        {token.in_config ? (
          <span className="text-soft">{t("tokens.config.how")}</span>
        ) : (
          <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate()} aria-label={t("users.remove.of", { name: token.name })}>
            {t("settings.tokens.remove")}
          </Button>
        )}
      </td>
    </tr>
  );
}

function Make() {
  const t = useT();
  const may = useMay();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<Scope[]>(["read"]);
  const [days, setDays] = useState("90");
  const make = useMutation({
    mutationFn: () => result(api.POST("/tokens", { body: { name, scopes: chosen, ...(days === "" ? {} : { days: Number(days) }) } })),
    onSuccess: () => {
      setName("");
      return client.invalidateQueries({ queryKey: ["tokens"] });
    },
  });
  const bad = !/^[a-z][a-z0-9_-]{0,47}$/.test(name) || chosen.length === 0;
  return (
    <Card title={t("settings.tokens.make")}>
      {make.error && <Trouble error={make.error} />}
      {make.data && (
        <output className="mb-3 block rounded-lg border border-ok bg-ok-wash px-4 py-3">
          <p>{t("settings.tokens.once")}</p>
          <code className="break-all">{make.data.token}</code>
        </output>
      )}
      <form
        className="flex flex-wrap items-end gap-x-5 gap-y-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (!bad) make.mutate();
        }}
      >
        <Labelled label={t("settings.tokens.name")}>
          {(id) => <input id={id} className={inputs} autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />}
        </Labelled>
        <fieldset className="min-w-0">
          <legend className="mb-1 text-sm font-medium">{t("settings.tokens.access")}</legend>
          <div className="flex flex-wrap gap-x-4 gap-y-1">
            {scopes.map((scope) => (
              <label key={scope} className="flex min-h-9 items-center gap-2" title={may(scope) ? undefined : t(`may.${scope}`)}>
                <input
                  type="checkbox"
                  checked={chosen.includes(scope)}
                  disabled={!may(scope)}
                  onChange={(event) => setChosen(event.target.checked ? [...chosen, scope] : chosen.filter((one) => one !== scope))}
                />
                {known(t, "scope", scope)}
              </label>
            ))}
          </div>
        </fieldset>
        <Labelled label={t("tokens.ends")}>
          {(id) => (
            <select id={id} className={inputs} value={days} onChange={(event) => setDays(event.target.value)}>
              {lasts.map((n) => (
                <option key={n} value={n}>
                  {t("tokens.days", { n })}
                </option>
              ))}
              <option value="">{t("tokens.never")}</option>
            </select>
          )}
        </Labelled>
        <Button type="submit" look="main" disabled={bad} busy={make.isPending}>
          {t("settings.tokens.make")}
        </Button>
      </form>
      {!may("admin") && <p className="mt-2 text-sm text-soft">{t("tokens.own")}</p>}
    </Card>
  );
}
