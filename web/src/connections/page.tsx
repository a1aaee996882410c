// All connections: how each is, checking it live, signing in anew, and what hangs on it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { type Status, useStatus } from "../api/live";
import { connectionTone, connectionWord, waitingOn } from "../home/standing";
import { known, span, useSpeech, useT } from "../i18n";
import { Ago, Button, Card, Empty, Fact, Fetched, Light, Page, Trouble } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { AddConnection } from "./add";
import { Remove } from "./remove";
import { SignIn } from "./signin";

type Connection = Schemas["Connection"];

export function ConnectionsPage() {
  const t = useT();
  const status = useStatus();
  const [adding, setAdding] = useState(false);
  const [signing, setSigning] = useState<string>();
  const connection = status.data?.connections?.find(({ name }) => name === signing);
  return (
    <Page
      title={t("nav.connections")}
      lead={t("connections.lead")}
      actions={
        <Button needs="admin" look="main" onClick={() => setAdding(true)}>
          {t("connections.add")}
        </Button>
      }
    >
      <Fetched of={status}>
        {(now) =>
          (now.connections ?? []).length === 0 ? (
            <Empty title={t("connections.none")}>{t("connections.none.how")}</Empty>
          ) : (
            <div className="grid gap-4 lg:grid-cols-2">
              {(now.connections ?? []).map((one) => (
                <One key={one.name} connection={one} status={now} signIn={() => setSigning(one.name)} />
              ))}
            </div>
          )
        }
      </Fetched>
      <Dialog title={t("connections.add")} open={adding} close={() => setAdding(false)}>
        <AddConnection
          added={(name) => {
            setAdding(false);
            setSigning(name);
          }}
        />
      </Dialog>
      <Dialog
        title={t("connections.signin", { name: signing ?? "" })}
        open={connection !== undefined}
        close={() => setSigning(undefined)}
      >
        {connection && <SignIn key={connection.name} connection={connection} done={() => setSigning(undefined)} />}
      </Dialog>
    </Page>
  );
}

function One({ connection, status, signIn }: { connection: Connection; status: Status; signIn: () => void }) {
  const { t, language } = useSpeech();
  const client = useQueryClient();
  const [removing, setRemoving] = useState(false);
  const [confirming, setConfirming] = useState(false);
  const check = useMutation({
    mutationFn: () => result(api.POST("/connections/{name}/check", { params: { path: { name: connection.name } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["status"] }),
  });
  const confirm = useMutation({
    mutationFn: () => result(api.POST("/connections/{name}/confirm", { params: { path: { name: connection.name } }, body: {} })),
    onSettled: () => client.invalidateQueries({ queryKey: ["status"] }),
    onSuccess: () => setConfirming(false),
  });
  const { health } = connection;
  const uses = (status.syncs ?? []).filter(({ left, right }) => left === connection.name || right === connection.name);
  const never = connection.account === null;
  return (
    <Card
      title={connection.name}
      actions={
        <Light tone={connectionTone(connection)}>
          {known(t, "health", connectionWord(connection))}
        </Light>
      }
    >
      <dl className="grid grid-cols-2 gap-3 sm:grid-cols-3">
        <Fact label={t("connections.system")}>{connection.title}</Fact>
        <Fact label={t("connections.account")}>
          {connection.account ? `${connection.account.name} (${connection.account.id})` : t("home.never")}
        </Fact>
        <Fact label={t("connections.uses")}>{uses.length > 0 ? uses.map(({ name }) => name).join(", ") : t("connections.unused")}</Fact>
        <Fact label={t("connections.reads")}>{connection.calls.reads.toLocaleString(language)}</Fact>
        <Fact label={t("connections.writes")}>{connection.calls.writes.toLocaleString(language)}</Fact>
        <Fact label={t("connections.throttled")}>
          {connection.calls.throttled.toLocaleString(language)} / {connection.calls.failed.toLocaleString(language)}
        </Fact>
        <Fact label={t("home.waiting")}>{waitingOn(status, connection.name).toLocaleString(language)}</Fact>
        {status.oldest?.[connection.name] && (
          <Fact label={t("connections.oldest")}>
            <Ago at={status.oldest[connection.name] ?? ""} />
          </Fact>
        )}
        {connection.read_only && <Fact label={t("connections.rights")}>{t("connections.read_only")}</Fact>}
      </dl>
      {!never && <Outlook connection={connection} />}
      {!never && health.why && <p className="mt-3 rounded-md bg-warn-wash px-3 py-2 text-sm text-warn">{health.why}</p>}
      {health.state === "wrong_account" && (
        <p className="mt-3 text-sm">{t("connections.other", { expected: health.expected ?? "", found: health.found ?? "" })}</p>
      )}
      <div aria-live="polite" className="mt-3 space-y-2 empty:hidden">
        {check.error && <Trouble error={check.error} />}
        {confirm.error && <Trouble error={confirm.error} />}
        {check.data && <Checked account={check.data} />}
      </div>
      <div className="mt-4 flex flex-wrap gap-2">
        <Button needs="work" busy={check.isPending} disabled={never} onClick={() => check.mutate()}>
          {t("connections.check")}
        </Button>
        <Button needs="admin" look={never || connectionTone(connection) === "bad" ? "main" : "plain"} onClick={signIn}>
          {never ? t("connections.signin.first") : t("connections.signin.again")}
        </Button>
        {health.state === "wrong_account" && <Button needs="admin" onClick={() => setConfirming(true)}>{t("connections.confirm")}</Button>}
        <Button needs="admin" look="danger" onClick={() => setRemoving(true)}>
          {t("connections.remove")}
        </Button>
      </div>
      <Dialog title={t("connections.confirm")} open={confirming} close={() => setConfirming(false)}>
        <p>{t("connections.confirm.sure")}</p>
        <Button look="danger" className="mt-4" busy={confirm.isPending} onClick={() => confirm.mutate()}>
          {t("connections.confirm")}
        </Button>
      </Dialog>
      <Dialog title={t("connections.remove.title", { name: connection.name })} open={removing} close={() => setRemoving(false)}>
        <Remove name={connection.name} uses={uses.map(({ name }) => name)} done={() => setRemoving(false)} />
      </Dialog>
    </Card>
  );
}

/** How much of each limit is used, and how long the sign-in lasts. */
function Outlook({ connection }: { connection: Connection }) {
  const { t, language } = useSpeech();
  const { budget = [], outlook } = connection;
  const limits = budget.filter(({ of }) => of !== "signin");
  return (
    <div className="mt-3 space-y-2">
      {limits.map(({ requests, per_ms, of, used }) => {
        const label = t("connections.budget", { used: used, of: requests, time: span(language, per_ms) });
        return (
          <div key={`${requests} ${per_ms} ${of ?? ""}`} className="grid items-center gap-x-3 text-sm sm:grid-cols-[minmax(0,1fr)_10rem]">
            <span className="text-soft">
              {label}
              {of ? ` (${t(of === "write" ? "calls.write" : "calls.read")})` : ""}
            </span>
            <meter aria-label={label} className="h-2.5 w-full" min={0} max={requests} high={requests * 0.8} value={Math.min(used, requests)} />
          </div>
        );
      })}
      {outlook?.token_ends && (
        <p className="text-sm text-soft">
          {t(outlook.renews ? "connections.token.renews" : "connections.token.ends")} <time dateTime={outlook.token_ends}>{new Date(outlook.token_ends).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" })}</time>
        </p>
      )}
      {outlook?.warnings.map((warning) => (
        <p key={warning} className="rounded-md bg-warn-wash px-3 py-2 text-sm text-warn">
          ▲ {warning}
        </p>
      ))}
    </div>
  );
}

/** Which account it is, and what it may not do. */
export function Checked({ account }: { account: Schemas["Account"] }) {
  const t = useT();
  return (
    <div className={`rounded-lg border px-3 py-2 text-sm ${account.missing.length > 0 ? "border-warn bg-warn-wash" : "border-ok bg-ok-wash"}`}>
      <p className="font-medium">
        {account.missing.length > 0 ? "▲" : "●"} {account.name} ({account.id})
      </p>
      {account.missing.length > 0 ? (
        <p>
          {t("connections.missing")}: {account.missing.join(", ")}
        </p>
      ) : (
        <p>{t("connections.rights.all")}</p>
      )}
      {account.remarks.map((remark) => (
        <p key={remark}>{remark}</p>
      ))}
    </div>
  );
}
