// Settings: how it looks, one's own password and sessions, and the whole config as text.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, keepProof, result } from "../api/client";
import { useStatus } from "../api/live";
import { useApply, useConfig } from "../connections/apply";
import { type Language, useSpeech, useT } from "../i18n";
import { useMay } from "../signin/may";
import { useSession } from "../signin/session";
import { Button, Card, Fetched, inputs, Labelled, Light, Trouble } from "../ui/basic";
import { chooseTheme, keptTheme, type Theme } from "../ui/theme";
import { SettingsPlace } from "./place";

export function SettingsPage() {
  const t = useT();
  const session = useSession();
  const config = useConfig();
  const status = useStatus();
  return (
    <SettingsPlace title="nav.settings" lead="settings.lead">
      <div className="space-y-5">
        <div className="grid gap-5 lg:grid-cols-2">
          <Look />
          {session.data?.how === "password" && <Password user={session.data.user?.name ?? ""} />}
        </div>
        <Fetched of={config}>{(text) => <ConfigText config={text} />}</Fetched>
        <Card title={t("settings.about")}>
          <p>
            {t("settings.about.version", { version: status.data?.version ?? "", revision: status.data?.config?.revision ?? 0 })}{" "}
            <Link to="/api/docs" className="text-accent underline">
              {t("docs.title")}
            </Link>
          </p>
        </Card>
      </div>
    </SettingsPlace>
  );
}

function Look() {
  const { t, language, choose } = useSpeech();
  const [theme, setTheme] = useState(keptTheme);
  const themes: [Theme, string][] = [
    ["system", t("settings.theme.system")],
    ["light", t("settings.theme.light")],
    ["dark", t("settings.theme.dark")],
  ];
  return (
    <Card title={t("settings.look")}>
      <div className="grid gap-4 sm:grid-cols-2">
        <Labelled label={t("settings.language")}>
          {(id) => (
            <select id={id} className={inputs} value={language} onChange={(event) => choose(event.target.value as Language)}>
              <option value="en">English</option>
              <option value="de">Deutsch</option>
            </select>
          )}
        </Labelled>
        <Labelled label={t("settings.theme")}>
          {(id) => (
            <select
              id={id}
              className={inputs}
              value={theme}
              onChange={(event) => {
                const chosen = event.target.value as Theme;
                setTheme(chosen);
                chooseTheme(chosen);
              }}
            >
              {themes.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      </div>
    </Card>
  );
}

function Password({ user }: { user: string }) {
  const t = useT();
  const client = useQueryClient();
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const replace = useMutation({
    mutationFn: () => result(api.PUT("/password", { body: { password: old, new_password: fresh } })),
    onSuccess: ({ csrf }) => {
      keepProof(csrf);
      setOld("");
      setFresh("");
      return client.invalidateQueries({ queryKey: ["session"] });
    },
  });
  const leave = useMutation({
    mutationFn: (everywhere: boolean) => result(api.DELETE("/session", { params: { query: { everywhere } } })),
    onSettled: () => client.resetQueries(),
  });
  return (
    <Card
      title={t("settings.password")}
      actions={
        <span className="flex flex-wrap gap-2">
          <Button busy={leave.isPending} onClick={() => leave.mutate(false)}>
            {t("settings.signout")}
          </Button>
          <Button disabled={leave.isPending} onClick={() => leave.mutate(true)}>
            {t("settings.signout.all")}
          </Button>
        </span>
      }
    >
      <form
        className="space-y-3"
        onSubmit={(event) => {
          event.preventDefault();
          replace.mutate();
        }}
      >
        {replace.error && <Trouble error={replace.error} />}
        <input type="text" name="username" autoComplete="username" value={user} readOnly hidden />
        <div className="grid gap-4 sm:grid-cols-2">
          <Labelled label={t("settings.password.old")}>
            {(id) => (
              <input id={id} type="password" autoComplete="current-password" required className={inputs} value={old} onChange={(event) => setOld(event.target.value)} />
            )}
          </Labelled>
          <Labelled label={t("settings.password.new")}>
            {(id) => (
              <input id={id} type="password" autoComplete="new-password" required minLength={12} className={inputs} value={fresh} onChange={(event) => setFresh(event.target.value)} />
            )}
          </Labelled>
        </div>
        <Button type="submit" busy={replace.isPending}>
          {t("settings.password.go")}
        </Button>
        <output className="block">{replace.isSuccess ? t("settings.password.done") : ""}</output>
      </form>
    </Card>
  );
}

function ConfigText({ config }: { config: string }) {
  const t = useT();
  const may = useMay();
  const [typed, setTyped] = useState<string>();
  const text = typed ?? config;
  const apply = useApply(() => setTyped(undefined));
  const check = useMutation({
    mutationFn: () =>
      result(
        api.PUT("/config", {
          params: { query: { dry_run: true } },
          body: text,
          bodySerializer: (body) => body,
          headers: { "content-type": "text/plain" },
        }),
      ),
  });
  const unchecked = check.data?.unchecked ?? apply.data?.unchecked ?? [];
  return (
    <Card title={t("settings.config")}>
      <p className="mb-3 max-w-prose text-soft">{t("settings.config.how")}</p>
      {!may("admin") && <p className="mb-3 max-w-prose">{t(may("config") ? "settings.config.syncs" : "may.config")}</p>}
      <Labelled label={t("settings.config")}>
        {(id) => (
          <textarea
            id={id}
            rows={20}
            spellCheck={false}
            readOnly={!may("config")}
            wrap="off"
            className={`${inputs} font-mono text-sm`}
            value={text}
            onChange={(event) => {
              setTyped(event.target.value);
              check.reset();
              apply.reset();
            }}
          />
        )}
      </Labelled>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button needs="config" busy={check.isPending} onClick={() => check.mutate()}>
          {t("settings.config.check")}
        </Button>
        <Button needs="config" look="main" disabled={text === config} busy={apply.isPending} onClick={() => apply.mutate(text)}>
          {t("settings.config.apply")}
        </Button>
      </div>
      <div aria-live="polite" className="mt-3 space-y-2">
        {check.error && <Trouble error={check.error} />}
        {apply.error && <Trouble error={apply.error} />}
        {check.data && !apply.data && <Light tone="ok">{t("settings.config.good")}</Light>}
        {apply.data && <Light tone="ok">{t("settings.config.applied")}</Light>}
        {unchecked.map(({ sync, why }) => (
          <p key={sync} className="text-sm text-soft">
            {sync}: {why}
          </p>
        ))}
      </div>
    </Card>
  );
}
